"""What the bridge is told about the agent by the settings."""

from pathlib import Path

from attrs import field, frozen

from protocols.file_links import FileLinks


@frozen
class AgentSettings:
    """How the agent is reached.

    Args:
        mode: What ``PLATFORM_MODE`` says.
        url: Of the platform, the OpenAI-compatible server (up to ``/v1``) or the AG-UI agent.
        secret: The bearer token for it; empty for none.
        attachments: How files go to the platform: ``binary``, ``url`` or ``s3``.
        history_chars: Characters of earlier messages that go along where the agent keeps none.
        files: The folder that ``links`` are relative to.
        links: Makes addresses of files for ``url``.
    """

    mode: str = "mock"
    mock_latency: bool = True
    url: str = field(repr=False, default="")  # a password may be in there
    secret: str = field(repr=False, default="")
    attachments: str = "binary"
    model: str = ""
    system_prompt: str = field(repr=False, default="")
    has_vision: bool = False
    history_chars: int = 24_000
    files: Path = Path()
    links: FileLinks | None = field(repr=False, default=None)
