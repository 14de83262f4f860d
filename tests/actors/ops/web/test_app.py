"""What is served to whom, and with which headers."""

from base64 import b64encode

import pytest

from tests.actors.ops.web.web_rig import Web, serving

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
OPEN = ["/healthz", "/readyz", "/metrics"]
GUARDED = ["/", "/events", "/static/page.css", "/static/page.js", "/static/icon.svg"]
FORWARDED = {"x_forwarded_for": "203.0.113.7"}


async def status(web: Web, path: str, **headers: str) -> int:
    """The status of the answer, whatever its body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with web.client.stream("GET", path, headers=named) as answer:
        return answer.status_code


async def test_who_sits_at_the_machine_sees_everything() -> None:
    async with serving(token="secret") as web:
        assert {await status(web, path) for path in GUARDED} == {200}
        assert await status(web, "/", host=f"localhost:{web.port}") == 200


@pytest.mark.parametrize("headers", [FORWARDED, {"host": "evil.example"}])
async def test_from_elsewhere_the_page_is_behind_the_token(headers: dict[str, str]) -> None:
    basic = "Basic " + b64encode(b"me:secret").decode()
    async with serving(token="secret") as web:
        for path in GUARDED:
            assert await status(web, path, **headers) == 401
            assert await status(web, path, authorization="Bearer secret", **headers) == 200
            assert await status(web, path, authorization=basic, **headers) == 200
        refused = await web.get("/", **headers)

    assert refused.headers.get_list("www-authenticate") == [
        'Basic realm="surfaces", charset="UTF-8"',
        'Bearer realm="surfaces"',
    ]
    assert "actor" not in refused.text


async def test_without_a_token_nobody_elsewhere_is_asked_for_one() -> None:
    async with serving() as web:
        refused = await web.get("/", **FORWARDED)

    assert (refused.status_code, "www-authenticate" in refused.headers) == (403, False)
    assert "OPS_TOKEN" in refused.json()["detail"]


async def test_health_and_figures_are_open_to_all() -> None:
    async with serving(token="secret") as web:
        assert {await status(web, path, host="ops.example", **FORWARDED) for path in OPEN} <= {
            200,
            503,
        }


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere", "/static/page.js"])
async def test_every_answer_keeps_a_browser_on_its_leash(path: str) -> None:
    async with serving() as web:
        headers = (await web.get(path)).headers

    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


@pytest.mark.parametrize("path", ["/nowhere", "/static/../app.py", "/static/app.py", "/static/"])
async def test_what_is_not_there_is_a_problem_in_json(path: str) -> None:
    async with serving() as web:
        answer = await web.get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_another_method_is_refused_with_those_that_are_meant() -> None:
    async with serving(webhook_keys=(b"plain",)) as web:
        posted = await web.client.post("/healthz")
        got = await web.get("/webhooks/agent")

    assert (posted.status_code, got.status_code) == (405, 405)
    assert set(posted.headers["allow"].split(", ")) == {"GET", "HEAD"}
    assert got.headers["allow"] == "POST"
