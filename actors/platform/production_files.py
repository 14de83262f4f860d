"""Files of a person on their way to the platform: within the message, as a form, or by address."""

from collections.abc import Awaitable, Callable

from attrs import define, field

from actors.platform.agui_parts import Json, part_of
from actors.platform.lambda_wire import (
    FILES,
    Capabilities,
    FileTicket,
    key_header,
    presign_json,
    ticket_of,
)
from actors.platform.web import AgentHttp, Form, Headers, StatusError
from protocols.ids import RunId
from protocols.platform import Attachment, FailureKind, PlatformFailedError

_UPLOAD_WITHIN = 300.0


@define(eq=False)
class FileSender:
    """Makes parts of a message of files, each the same at every attempt.

    Args:
        mode: How content goes to the platform: ``s3`` uploads it to an address, anything else
            sends it within the message or, where it is large, ahead of it.
        capabilities: Asks what the platform takes.
        headers: For every request to the platform.
    """

    http: AgentHttp
    mode: str
    capabilities: Callable[[], Awaitable[Capabilities]]
    headers: Headers = field(repr=False)

    async def parts_of(
        self, attachments: tuple[Attachment, ...], *, run_id: RunId, user_id: str
    ) -> list[Json]:
        """The parts, with all content at the platform that does not stand in them.

        Raises:
            PlatformFailedError: A file is not taken, or is not what it says.
        """
        if not attachments:
            return []
        limits = await self.capabilities()
        for attachment in attachments:
            _check(attachment, limits)
        return [
            await self._part(attachment, f"{run_id}.file.{number}", user_id, limits)
            for number, attachment in enumerate(attachments, 1)
        ]

    async def _part(
        self, attachment: Attachment, key: str, user_id: str, limits: Capabilities
    ) -> Json:
        if attachment.mode != "binary":
            return part_of(attachment)
        if self.mode == "s3":
            return part_of(attachment, await self._uploaded(attachment, key))
        if attachment.size_bytes <= limits.max_inline_bytes:
            return part_of(attachment)
        return part_of(attachment, await self._sent(attachment, key, user_id))

    async def _sent(self, attachment: Attachment, key: str, user_id: str) -> Json:
        fields = {"user_id": user_id, "sha256": attachment.sha256}
        form = Form(
            (attachment.name, attachment.data, attachment.mime_type),
            {name: value for name, value in fields.items() if value},
            boundary=key,
        )
        return (await self._ticket(key, form=form)).source

    async def _uploaded(self, attachment: Attachment, key: str) -> Json:
        ticket = await self._ticket(key, body=presign_json(attachment))
        if ticket.upload is not None:
            try:
                await self.http.put(
                    ticket.upload.url,
                    attachment.data,
                    headers=ticket.upload.headers,
                    within=_UPLOAD_WITHIN,
                )
            except StatusError as error:
                # A store's 401 or 403 says nothing of our own token.
                if error.is_retryable:
                    raise
                raise _refused() from None
        return ticket.source

    async def _ticket(
        self, key: str, *, body: Json | None = None, form: Form | None = None
    ) -> FileTicket:
        headers = {**self.headers, "Idempotency-Key": key_header(key)}
        answered = await self.http.json(
            "POST", FILES, body=body, form=form, headers=headers, within=_UPLOAD_WITHIN
        )
        return ticket_of(answered.body)


def _check(attachment: Attachment, limits: Capabilities) -> None:
    """Refuse what the platform would refuse, before any of it goes out."""
    match attachment.mode:
        case "binary":
            is_whole = len(attachment.data) == attachment.size_bytes
        case "url" | "s3":
            is_whole = bool(attachment.location)
        case _:
            is_whole = False
    most = limits.max_file_bytes
    if not is_whole or (most is not None and attachment.size_bytes > most):
        raise _refused()


def _refused() -> PlatformFailedError:
    return PlatformFailedError(FailureKind.FILE_REFUSED, is_retryable=False)
