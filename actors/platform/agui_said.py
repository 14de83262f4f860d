"""What an agent said and which tools it called, as AG-UI's messages; pure.

An agent that keeps nothing must see it again when a run goes on after a question.
"""

from typing import Any

from attrs import define, field

from actors.platform.json_values import text_of

Json = dict[str, Any]

_MOST_CHARS = 2**20
"""More is not remembered; then nothing is kept. What goes into a question is cut further."""


@define(eq=False)
class _Message:
    """One message of the run.

    Args:
        called_for: The call whose result it is.
        sealed: What only the agent understands, and must see again.
    """

    id: str
    role: str
    called_for: str = ""
    content: list[str] = field(factory=list)
    calls: list["_Call"] = field(factory=list)
    sealed: str = ""

    @property
    def is_worth_keeping(self) -> bool:
        """Thoughts are nothing to an agent that has not sealed them, and unknown to older ones."""
        if self.role == "reasoning":
            return bool(self.sealed)
        return bool(self.content or self.calls)

    def whole(self) -> Json:
        message: Json = {"id": self.id, "role": self.role, "content": "".join(self.content)}
        if self.sealed:
            message["encryptedValue"] = self.sealed
        if self.called_for:
            message["toolCallId"] = self.called_for
        if self.calls:
            message["toolCalls"] = [call.whole() for call in self.calls]
        return message


@define(eq=False)
class _Call:
    id: str
    name: str
    arguments: list[str] = field(factory=list)
    sealed: str = ""

    def whole(self) -> Json:
        function = {"name": self.name, "arguments": "".join(self.arguments)}
        call: Json = {"id": self.id, "type": "function", "function": function}
        return call | ({"encryptedValue": self.sealed} if self.sealed else {})


@define(eq=False)
class Said:
    """The messages of one run, put together from its events.

    Args:
        before: What the run was sent, without the history, for it to be seen again too.
    """

    before: tuple[Json, ...] = ()
    _messages: dict[str, _Message] = field(init=False, factory=dict, repr=False)
    _calls: dict[str, _Call] = field(init=False, factory=dict, repr=False)
    _message: str = field(init=False, default="")
    _call: str = field(init=False, default="")
    _size: int = field(init=False, default=0)

    def take(self, event: Json) -> None:
        """Note what *event* adds to the messages; most add nothing."""
        if self._size > _MOST_CHARS:
            self._messages.clear()
            self._calls.clear()
            return
        match event.get("type"):
            case "TEXT_MESSAGE_START" | "TEXT_MESSAGE_CONTENT" | "TEXT_MESSAGE_CHUNK":
                self._say(event)
            case "TOOL_CALL_START" | "TOOL_CALL_ARGS" | "TOOL_CALL_CHUNK":
                self._note_call(event)
            case "TOOL_CALL_RESULT":
                self._note_result(event)
            case "REASONING_MESSAGE_CONTENT" | "REASONING_MESSAGE_CHUNK":
                self._add(self._thought(event.get("messageId")).content, event.get("delta"))
            case "REASONING_ENCRYPTED_VALUE":
                self._seal(event)
            case _:
                pass

    def messages(self) -> list[Json]:
        """All of them in order; what is empty is left out, and all if it is too much."""
        if self._size > _MOST_CHARS:
            return []
        said = [each.whole() for each in self._messages.values() if each.is_worth_keeping]
        return [*self.before, *said]

    def _say(self, event: Json) -> None:
        if event.get("role") in (None, "assistant"):
            message = self._assistant(event.get("messageId"))
            self._add(message.content, event.get("delta"))

    def _note_call(self, event: Json) -> None:
        self._call = text_of(event.get("toolCallId")) or self._call
        if self._call not in self._calls:
            call = _Call(self._call, text_of(event.get("toolCallName")))
            self._calls[self._call] = call
            self._assistant(event.get("parentMessageId")).calls.append(call)
            self._size += len(call.id) + len(call.name)
        self._add(self._calls[self._call].arguments, event.get("delta"))

    def _note_result(self, event: Json) -> None:
        call = text_of(event.get("toolCallId"))
        message = _Message(text_of(event.get("messageId")), "tool", call)
        self._messages[f"tool {call}"] = message
        self._add(message.content, event.get("content"))

    def _seal(self, event: Json) -> None:
        sealed, about = text_of(event.get("encryptedValue")), text_of(event.get("entityId"))
        self._size += len(sealed)
        if event.get("subtype") == "tool-call":
            if about in self._calls:
                self._calls[about].sealed = sealed
            return
        known = (each for each in self._messages.values() if each.id == about)
        (next(known, None) or self._thought(about)).sealed = sealed

    def _thought(self, said_id: object) -> _Message:
        """The thoughts of that id; without one they are all one."""
        thought = text_of(said_id)
        self._size += 1
        return self._messages.setdefault(f"thought {thought}", _Message(thought, "reasoning"))

    def _assistant(self, said_id: object) -> _Message:
        """The message of that id, or the one before where none is said."""
        self._message = text_of(said_id) or self._message or "said"
        self._size += 1
        return self._messages.setdefault(self._message, _Message(self._message, "assistant"))

    def _add(self, pieces: list[str], more: object) -> None:
        text = text_of(more)
        if text:
            pieces.append(text)
            self._size += len(text)
