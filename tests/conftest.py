"""What every test may use; nothing here starts before a test asks for it."""

from collections.abc import Iterator

import pytest
from hypothesis import settings
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.rigs.synapse import Synapse, start_synapse

# A busy machine is not a fault of the example that it was busy with.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")


@pytest.fixture(scope="session")
def synapse() -> Iterator[Synapse]:
    """A real homeserver, started by the first test that wants it, one for the whole run."""
    with start_synapse() as homeserver:
        yield homeserver


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[EventDict]]:
    """What was logged; expected crashes are not rendered, which is slow."""
    with capture_logs() as captured:
        yield captured
