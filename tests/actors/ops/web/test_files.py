"""Files for a platform that fetches them itself."""

import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.ops.web.files import open_inside
from protocols.file_links import FileLinks
from tests.actors.ops.web.web_rig import Web, serving

LATER = 2**33


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    (folder / "in" / "deep").mkdir(parents=True)
    (folder / "in" / "deep" / "a b.html").write_bytes(b"<script>" * 30_000)
    (folder / "empty").touch()
    (tmp_path / "secret").write_text("quince")
    (folder / "out").symlink_to(tmp_path / "secret")
    (folder / "outside").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture
async def web(folder: Path) -> AsyncIterator[Web]:
    async with serving(files=folder, links=FileLinks("", b"key")) as web:
        yield web


def link(name: str, *, expires_at: int = LATER) -> str:
    return FileLinks("", b"key").link(name, expires_at=expires_at)


async def test_a_file_is_given_by_its_address_as_bytes_and_nothing_else(web: Web) -> None:
    answer = await web.get(link("in/deep/a b.html"))

    assert answer.status_code == 200
    assert answer.content == b"<script>" * 30_000
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


async def test_an_empty_file_is_a_file(web: Web) -> None:
    answer = await web.get(link("empty"))

    assert (answer.status_code, answer.content) == (200, b"")


async def test_whether_there_is_a_file_can_be_asked(web: Web) -> None:
    answer = await web.client.head(link("in/deep/a b.html"))

    assert (answer.status_code, answer.headers["content-length"]) == (200, "240000")


@pytest.mark.parametrize(
    "name",
    [
        "out", "outside/secret", "../secret", "in/../empty", "in", "pipe", "none", "", "/empty",
        "in//deep", "in/deep/a b.html/", "a\0b", "n" * 5000,
    ],
)  # fmt: skip
async def test_what_is_no_file_of_ours_is_not_there_even_with_a_good_signature(
    web: Web, name: str
) -> None:
    answer = await web.get(link(name))

    assert answer.status_code == 404
    assert "quince" not in answer.text


@pytest.mark.parametrize(
    "address",
    [
        "/files/empty",
        "/files/empty?exp=&sig=",
        "/files/empty?exp=8589934592&sig=AAAA",
        "/files/empty?exp=99999999999999999999&sig=AAAA",
        "/files/empty?exp=-1&sig=%ff",
        link("empty", expires_at=1),
        link("empty").replace("empty", "in%2Fdeep%2Fa%20b.html"),
        link("empty").replace(str(LATER), str(LATER + 1)),
        link("empty")[:-1],
    ],
)
async def test_an_address_that_we_did_not_give_out_leads_nowhere(web: Web, address: str) -> None:
    assert (await web.get(address)).status_code == 404


async def test_an_address_that_is_still_good_expires(web: Web) -> None:
    assert (await web.get(link("empty", expires_at=int(time.time()) + 60))).status_code == 200


async def test_where_no_addresses_are_given_out_there_are_no_files(folder: Path) -> None:
    async with serving(files=folder) as web:
        assert (await web.get(link("empty"))).status_code == 404


async def test_where_the_folder_is_not_there_nothing_is(tmp_path: Path) -> None:
    assert open_inside(tmp_path / "gone", "empty") is None


async def test_more_files_at_once_than_there_are_places_are_put_off(
    web: Web, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.ops.web.files._MOST_AT_ONCE", 1)
    (folder / "big").write_bytes(b"\0" * 16 * 1024 * 1024)

    async with web.client.stream("GET", link("big")) as slow:
        refused = await web.get(link("empty"))
        assert slow.status_code == 200

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")


async def test_a_file_that_shrinks_while_it_is_given_ends_the_connection(
    web: Web, folder: Path
) -> None:
    big = folder / "big"
    big.write_bytes(b"\0" * 32 * 1024 * 1024)

    async with web.client.stream("GET", link("big")) as answer:
        os.truncate(big, 0)
        with pytest.raises(Exception, match="closed"):
            await answer.aread()

    assert (await web.get(link("empty"))).status_code == 200
