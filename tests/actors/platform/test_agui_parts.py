"""Files and figures over AG-UI."""

from base64 import b64encode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.platform.agui_parts import MOST_FILES, attachments_of, part_of, usage_of
from protocols.platform import Attachment, Usage
from tests.actors.platform.json_things import ANY_JSON, objects_with

NAMES = st.sampled_from(["notes.txt", "Bild ü.png", "file"])
TYPES = st.sampled_from(["text/plain", "image/png", "audio/ogg", "video/mp4"])


@st.composite
def attachments(draw: st.DrawFn) -> Attachment:
    data = draw(st.binary(max_size=50))
    name, mime_type, mode = draw(NAMES), draw(TYPES), draw(st.sampled_from(["binary", "url", "s3"]))
    digest = sha256(data).hexdigest()
    if mode == "binary":
        return Attachment(name, mime_type, len(data), data=data, sha256=digest)
    location = "https://example.org/x" if mode == "url" else "file_1"
    return Attachment(name, mime_type, len(data), mode=mode, location=location, sha256=digest)


@given(attachments())
def test_a_file_that_went_out_comes_back_the_same(attachment: Attachment) -> None:
    assert attachments_of([part_of(attachment)]) == (attachment,)


@given(
    st.lists(
        objects_with(
            source=objects_with("value", "mimeType", type=st.sampled_from(["data", "url", "file"])),
            metadata=objects_with("filename", "name", "size", "sha256"),
        )
    )
    | ANY_JSON
)
def test_whatever_the_parts_are_what_is_no_file_is_left_out(parts: object) -> None:
    for attachment in attachments_of(parts):
        assert attachment.name
        assert attachment.data or attachment.location or attachment.size_bytes == 0


def test_a_file_has_its_size_and_digest_beside_it() -> None:
    part = part_of(Attachment("a.txt", "text/plain", 2, data=b"hi", sha256="0" * 64))

    assert part == {
        "type": "document",
        "source": {"type": "data", "value": "aGk=", "mimeType": "text/plain"},
        "metadata": {"filename": "a.txt", "size": 2, "sha256": "0" * 64},
    }


@pytest.mark.parametrize(
    "source",
    [
        {"type": "url", "value": "file:///etc/passwd"},
        {"type": "url", "value": "https://" + "x" * 5000},
        {"type": "data", "value": "no base64!"},
        {"type": "file", "value": ""},
        {"type": "pigeon", "value": "coop"},
    ],
)
def test_a_source_that_names_no_content_is_no_file(source: object) -> None:
    assert attachments_of([{"type": "image", "source": source}]) == ()


def test_no_more_files_come_than_a_person_would_look_at() -> None:
    part = {"source": {"type": "data", "value": b64encode(b"x").decode()}}

    assert len(attachments_of([part] * 1000)) == MOST_FILES


def test_what_several_models_used_is_added_up() -> None:
    entries = [
        {"model": "one", "inputTokens": 3, "outputTokens": 1},
        {"model": "two", "inputTokens": 4},
    ]

    assert usage_of(entries) == Usage("one", 7, 1)


@pytest.mark.parametrize("said", [None, [], [{}], "x", [{"inputTokens": -1}], {"model": 7}])
def test_usage_that_says_nothing_is_none(said: object) -> None:
    assert usage_of(said) is None
