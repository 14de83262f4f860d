"""Server-sent events out of the bytes of one answer; pure.

Source:
    WHATWG HTML, "Server-sent events", 9.2.6: how a stream is interpreted.
"""

from attrs import define, field, frozen

_BOM = "\ufeff".encode()


class EventTooLargeError(ValueError):
    """An event is larger than anybody means it to be."""


@frozen
class ServerSentEvent:
    """One event.

    Args:
        id: The last that was said in this stream, also with an event before; empty for none.
        retry: Milliseconds that the server wants us to wait before we connect again, if it says so.
    """

    event: str = "message"
    data: str = field(repr=False, default="")
    id: str = ""
    retry: int | None = None


@define(eq=False)
class EventParser:
    """Takes the bytes of a stream as they come.

    An event without data is handed over where it names an id or a time to wait: both count from
    then on.

    Args:
        most_bytes: Of one event, and of a line that has not ended.
    """

    most_bytes: int
    _cut: list[bytes] = field(init=False, factory=list, repr=False)
    _cut_bytes: int = field(init=False, default=0)
    _after_cr: bool = field(init=False, default=False)
    _is_begun: bool = field(init=False, default=False)
    _event: str = field(init=False, default="")
    _data: list[str] = field(init=False, factory=list, repr=False)
    _size: int = field(init=False, default=0)
    _id: str = field(init=False, default="")
    _retry: int | None = field(init=False, default=None)
    _is_worth_it: bool = field(init=False, default=False)

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that are complete with *chunk*.

        Raises:
            EventTooLargeError: One is not, and never will be.
        """
        events = []
        for line in self._lines(chunk):
            event = self._take(line)
            if event is not None:
                events.append(event)
        return events

    def _lines(self, chunk: bytes) -> list[bytes]:
        """The lines that end in *chunk*; the beginning of another one is kept."""
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_cr = chunk.endswith(b"\r") or (self._after_cr and not chunk)
        lines = chunk.splitlines()  # of bytes: at CR, LF and CRLF only
        ends = bool(chunk) and chunk[-1] in b"\r\n"
        if len(lines) > 1 or (lines and ends):
            lines[0] = b"".join((*self._cut, lines[0]))
            self._cut.clear()
            self._cut_bytes = 0
        if lines and not ends:
            self._keep(lines.pop())
        if lines and not self._is_begun:
            self._is_begun = True
            lines[0] = lines[0].removeprefix(_BOM)
        return lines

    def _keep(self, part: bytes) -> None:
        self._cut.append(part)
        self._cut_bytes += len(part)
        if self._cut_bytes + self._size > self.most_bytes:
            raise EventTooLargeError

    def _take(self, line: bytes) -> ServerSentEvent | None:
        if not line:
            return self._complete()
        if line[0] == 58:  # noqa: PLR2004  # a colon begins a comment
            return None
        self._size += len(line)
        if self._size > self.most_bytes:
            raise EventTooLargeError
        name, _, value = line.decode("utf-8", "replace").partition(":")
        self._set(name, value.removeprefix(" "))
        return None

    def _set(self, name: str, value: str) -> None:
        if name == "data":
            self._data.append(value)
            self._is_worth_it = True
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
            self._is_worth_it = True
        elif name == "retry" and value.isascii() and value.isdigit() and len(value) < 10:  # noqa: PLR2004  # 11 days
            self._retry = int(value)
            self._is_worth_it = True

    def _complete(self) -> ServerSentEvent | None:
        event = None
        if self._is_worth_it:
            data = "\n".join(self._data)
            event = ServerSentEvent(self._event or "message", data, self._id, self._retry)
        self._event, self._retry, self._size, self._is_worth_it = "", None, 0, False
        self._data.clear()
        return event
