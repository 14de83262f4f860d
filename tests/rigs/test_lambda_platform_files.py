"""Files to the reference server and back, in every mode."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.rigs.lambda_platform_caller import Caller, calling, run_input, text_of
from tests.rigs.lambda_platform_contract import Json

CONTENT = b"the content of a file"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def _part(source: Json, **metadata: object) -> list[Json]:
    facts = {"filename": "a.txt", "size": len(CONTENT), "sha256": SHA256} | metadata
    file = {"type": "document", "source": source, "metadata": facts}
    return [{"type": "text", "text": "look"}, file]


def _inline(content: bytes = CONTENT) -> Json:
    return {"type": "data", "value": b64encode(content).decode(), "mimeType": "text/plain"}


async def _ticket(caller: Caller, **more: object) -> Json:
    body = {"mode": "presigned", "filename": "a.txt", "mimeType": "text/plain"}
    facts = {"size": len(CONTENT), "sha256": SHA256} | more
    answer = await caller.http.post("/v1/files", json=body | facts)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def _put(upload: Json, content: bytes, **headers: str) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False) as http:
        sent = upload["headers"] | headers
        return await http.request(upload["method"], upload["url"], content=content, headers=sent)


async def _refused(caller: Caller, content: list[Json]) -> tuple[int, str]:
    answer = await caller.start(run_input(caller.user_id, content))
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def test_a_file_within_the_message_reaches_the_agent() -> None:
    async with calling() as caller:
        events = await caller.say(_part(_inline()))

        assert f"a.txt**: document, text/plain, {len(CONTENT)} bytes" in text_of(events)
        (file,) = caller.platform.the_run().asked.attachments
        assert (file.data, file.sha256) == (CONTENT, SHA256)


@pytest.mark.parametrize(
    "part",
    [
        _part(_inline(), size=7),
        _part(_inline(), sha256="0" * 64),
        _part(_inline() | {"value": "!"}),
        _part({"type": "file", "value": "file_77"}),
        _part({"type": "data", "value": ""}),
    ],
)
async def test_a_file_that_is_not_what_the_message_says_is_refused(part: list[Json]) -> None:
    async with calling() as caller:
        assert await _refused(caller, part) == (422, "validation")
        assert caller.platform.stats.runs == 0


async def test_a_file_is_stored_and_named_in_a_message() -> None:
    async with calling() as caller:
        file, facts = {"file": ("a.txt", CONTENT, "text/plain")}, {"sha256": SHA256}
        key = {"Idempotency-Key": '"file-1"'}
        answer = await caller.http.post("/v1/files", headers=key, files=file, data=facts)
        again = await caller.http.post("/v1/files", headers=key, files=file, data=facts)
        events = await caller.say(_part(answer.json()["source"]))

        assert answer.status_code == 201
        assert again.json() == answer.json()
        assert "sent as binary" in text_of(events)
        assert (
            len([one for one in caller.platform.files.stored.values() if one.name == "a.txt"]) == 1
        )


async def test_a_stored_file_must_have_its_sha256_and_be_there() -> None:
    async with calling() as caller:
        wrong = {"file": ("a.txt", CONTENT, "text/plain")}
        answer = await caller.http.post("/v1/files", files=wrong, data={"sha256": "0" * 64})
        nothing = await caller.http.post("/v1/files", files={"other": ("a", b"", "text/plain")})
        other = await caller.http.post("/v1/files", content=b"a", headers={"Content-Type": "a/b"})

    assert (answer.status_code, nothing.status_code, other.status_code) == (422, 422, 415)


async def test_what_is_too_large_or_of_a_refused_type_is_refused() -> None:
    async with calling() as caller:
        limits = caller.platform.files.limits
        limits.max_inline_bytes, limits.max_file_bytes = 10, 20
        limits.refused_types = frozenset({"text/x-odd"})
        form = {"file": ("a.txt", CONTENT, "text/plain")}
        stored = await caller.http.post("/v1/files", files=form)
        far_too_large = await caller.http.post(
            "/v1/files", files={"file": ("a", bytes(1 << 17), "text/plain")}
        )
        presigned = await caller.http.post(
            "/v1/files",
            json={"mode": "presigned", "filename": "a", "mimeType": "a/b", "size": 21},
        )
        odd = _part(_inline(b"odd") | {"mimeType": "text/x-odd"}, size=3)
        odd[1]["metadata"].pop("sha256")
        said = (await caller.http.get("/v1/capabilities")).json()

        assert await _refused(caller, _part(_inline())) == (413, "file-too-large")
        assert await _refused(caller, odd) == (415, "unsupported-media")
    assert {stored.status_code, far_too_large.status_code, presigned.status_code} == {413}
    assert (said["max_inline_bytes"], said["max_file_bytes"]) == (10, 20)


async def test_a_file_is_uploaded_to_its_address() -> None:
    async with calling() as caller:
        ticket = await _ticket(caller)
        early = await _refused(caller, _part(ticket["source"]))
        put = await _put(ticket["upload"], CONTENT)
        events = await caller.say(_part(ticket["source"]))

        assert early == (422, "validation")
        assert put.status_code == 200
        assert "sent as s3" in text_of(events)
        assert caller.platform.stats.leaks == 0


@pytest.mark.parametrize(
    ("content", "headers", "said"),
    [
        (CONTENT[:-1] + b"!", {}, (400, "BadDigest")),
        (CONTENT[:-1], {}, (400, "IncompleteBody")),
        (CONTENT, {"Content-Type": "text/html"}, (403, "SignatureDoesNotMatch")),
        (CONTENT, {"x-content-sha256": "0" * 64}, (403, "SignatureDoesNotMatch")),
        (CONTENT, {"Authorization": "Bearer x"}, (400, "")),
    ],
)
async def test_an_upload_that_is_not_what_was_announced_is_refused(
    content: bytes, headers: dict[str, str], said: tuple[int, str]
) -> None:
    async with calling() as caller:
        ticket = await _ticket(caller)
        answer = await _put(ticket["upload"], content, **headers)

        assert (answer.status_code, said[1] in answer.text) == (said[0], True)
        assert caller.platform.stats.leaks == ("Authorization" in headers)
        assert await _refused(caller, _part(ticket["source"])) == (422, "validation")


async def test_an_address_is_of_no_use_without_its_key_and_length() -> None:
    async def pieces() -> AsyncIterator[bytes]:  # a body of unknown length
        yield CONTENT

    async with calling() as caller, httpx2.AsyncClient(trust_env=False) as http:
        upload = (await _ticket(caller))["upload"]
        plain = upload["url"].partition("?")[0]
        keyless = await http.put(plain, content=CONTENT, headers=upload["headers"])
        endless = await http.put(upload["url"], content=pieces(), headers=upload["headers"])

    assert (keyless.status_code, endless.status_code) == (403, 411)


async def test_a_named_file_goes_to_the_agent_by_its_address() -> None:
    source = {"type": "url", "value": "https://bot.example/files/1?sig=2", "mimeType": "a/b"}
    async with calling() as caller:
        events = await caller.say(_part(source))

    assert "sent as url" in text_of(events)


@pytest.mark.parametrize(
    ("content", "status", "last"), [(CONTENT, 200, "RUN_FINISHED"), (b"other", 200, "RUN_ERROR")]
)
async def test_a_platform_that_fetches_looks_at_what_an_address_gives(
    content: bytes, status: int, last: str
) -> None:
    async with calling() as caller:
        caller.platform.runs.fetches = True
        address = caller.platform.files.linked("a.txt", "text/plain", content)
        events = await caller.say(_part({"type": "url", "value": address, "mimeType": "a/b"}))

        (got,) = caller.platform.runs.fetched
        assert (got.status, got.content, got.is_right) == (status, content, content == CONTENT)
        assert events[-1][1]["type"] == last
        assert caller.platform.stats.leaks == 0


async def test_a_platform_that_fetches_fails_where_nothing_is() -> None:
    async with calling() as caller:
        caller.platform.runs.fetches = True
        events = await caller.say(_part({"type": "url", "value": "http://127.0.0.1:1/a"}))

        assert [one.status for one in caller.platform.runs.fetched] == [0]
        assert events[-1][1]["type"] == "RUN_ERROR"


async def test_a_small_file_of_the_agent_comes_within_the_last_event() -> None:
    async with calling() as caller:
        events = await caller.say("mock:file")

    (part,) = events[-1][1]["result"]["attachments"]
    content = b64decode(part["source"]["value"])
    assert part["metadata"]["size"] == len(content)
    assert part["metadata"]["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("word", ["mock:link", "mock:photo"])
async def test_any_other_file_of_the_agent_is_fetched_without_our_token(word: str) -> None:
    async with calling() as caller, httpx2.AsyncClient(trust_env=False) as http:
        caller.platform.files.limits.max_inline_bytes = 10
        (part,) = (await caller.say(word))[-1][1]["result"]["attachments"]
        got = await http.get(part["source"]["value"])
        leaked = await caller.http.get(part["source"]["value"])
        keyless = await http.get(part["source"]["value"].partition("?")[0])

        assert len(got.content) == part["metadata"]["size"]
        assert (leaked.status_code, keyless.status_code) == (400, 403)
        assert caller.platform.stats.leaks == 1
