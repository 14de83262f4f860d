from typing import Any

import httpx2
import pytest

from tests.rigs.telegram_content import CHUNK_BYTES, Content, content_of
from tests.rigs.telegram_forms import Upload, params_in


def sent(**given: Any) -> dict[str, Any]:
    request = httpx2.Request("POST", "http://x/", **given)
    return params_in(request.headers["content-type"], request.read())


def test_a_form_has_texts_and_files() -> None:
    nasty = b"\x89PNG\r\n--\r\n\r\n--"
    files = {"photo": ("отчёт.png", nasty, "image/png"), "empty": ("a.txt", b"", "text/plain")}

    found = sent(data={"chat_id": "1", "caption": "ёж\r\nand more"}, files=files)

    assert found == {
        "chat_id": "1",
        "caption": "ёж\r\nand more",
        "photo": Upload("отчёт.png", "image/png", content_of(nasty)),
        "empty": Upload("a.txt", "text/plain", Content(0, b"")),
    }


@pytest.mark.parametrize("kind", ["json", "data"])
def test_json_and_plain_forms_are_read(kind: str) -> None:
    assert sent(**{kind: {"text": "ёж 😀"}}) == {"text": "ёж 😀"}


@pytest.mark.parametrize("body", [b"", b"nonsense", b"--x\r\n\r\n"])
def test_a_form_without_its_boundaries_is_empty(body: bytes) -> None:
    assert params_in("multipart/form-data; boundary=x", body) == {}


def test_content_is_made_as_it_is_read() -> None:
    size_bytes = 3 * CHUNK_BYTES + 7
    made = content_of(size_bytes)
    given = content_of(b"".join(made.chunks()))

    assert (made.size_bytes, given.size_bytes) == (size_bytes, size_bytes)
    assert made.sha256 == given.sha256 != content_of(size_bytes - 1).sha256
    assert max(len(chunk) for chunk in made.chunks()) == CHUNK_BYTES
    assert b"".join(given.chunks(CHUNK_BYTES + 1)) == b"".join(given.chunks())[: CHUNK_BYTES + 1]
