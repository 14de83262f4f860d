"""The HTTP server: health, figures, the page, and what the platform pushes and fetches."""

import trio
from attrs import define
from starlette.applications import Starlette

from actors.kernel import child
from actors.ops.desk import Desk
from actors.ops.settings import WebSettings
from actors.ops.web.app import Places, build_app
from actors.ops.web.figures import Figures
from actors.ops.web.files import SharedFiles
from actors.ops.web.health import Readiness
from actors.ops.web.hooks import Hooks
from actors.ops.web.listening import addresses, open_listeners
from actors.ops.web.live import Live
from actors.ops.web.looks import Shared
from actors.ops.web.serving import Serving
from protocols.chats import DirectoryMessage
from protocols.lifecycle import Control
from protocols.mail import Address
from protocols.store import StoreMessage

_CENSUS_EVERY = 1.0


@define
class WebServer:
    """Serves the view from outside; nothing in here can hold up a chat."""

    control: Control
    store: Address[StoreMessage]
    chats: Address[DirectoryMessage]
    settings: WebSettings

    async def run(self) -> None:
        """Serve until cancelled.

        Raises:
            ParkedError: It cannot listen where it should.
        """
        live = Live(Desk(self.control, self.store, self.chats))
        app = self._app(live)
        listeners = await open_listeners(self.settings.bind)
        child.ready()
        child.note(f"listens at {', '.join(addresses(listeners))}")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(live.run)
            nursery.start_soon(Serving(app, listeners).run)

    def _app(self, live: Live) -> Starlette:
        census = Shared(self.control.census_in_chunks, _CENSUS_EVERY)
        settings, keys = self.settings, self.settings.webhook_keys
        places = Places(
            live,
            Readiness(census, self.store),
            Figures(self.control, census, self.store),
            Hooks(self.store, self.chats, keys) if keys else None,
            SharedFiles(settings.files, settings.links) if settings.links is not None else None,
        )
        return build_app(places, settings.token)
