"""The endpoints of the contract; what stands around them is in ``lambda_platform_gate``."""

from attrs import asdict, define
from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.rigs.lambda_platform_contract import VERSION, Json
from tests.rigs.lambda_platform_files import CHECKSUM, Files
from tests.rigs.lambda_platform_inputs import asked
from tests.rigs.lambda_platform_people import People
from tests.rigs.lambda_platform_problems import invalid, problem
from tests.rigs.lambda_platform_requests import body_of, idempotency_key, last_event_id
from tests.rigs.lambda_platform_run import Run, Stats
from tests.rigs.lambda_platform_runs import Runs
from tests.rigs.lambda_platform_streams import PING, EventStream


class _Anything(Convertor[str]):
    regex = "(?s:.+)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("anything", _Anything())

_FORM_ROOM = 1 << 16
_FEATURES = ["streaming", "resume", "cancel", "interrupts", "webhooks", "usage"]


@define
class Api:
    """What the platform does when it is asked.

    Args:
        ping: Seconds of silence in a stream before a comment.
    """

    people: People
    runs: Runs
    files: Files
    stats: Stats
    ping: float = PING

    def routes(self) -> list[Route]:
        """All endpoints; a user's settings stand before the user, whose id may hold anything."""
        return [
            Route("/v1/capabilities", self.capabilities),
            Route("/v1/users/{user_id}/settings", self.settings),
            Route("/v1/users/{user_id}/settings/actions", self.act, methods=["POST"]),
            Route("/v1/users/{platform}/{external_id:anything}", self.user, methods=["PUT"]),
            Route("/v1/runs", self.start, methods=["POST"]),
            Route("/v1/runs/{run_id}", self.run),
            Route("/v1/runs/{run_id}/events", self.events),
            Route("/v1/runs/{run_id}/cancel", self.cancel, methods=["POST"]),
            Route("/v1/files", self.file, methods=["POST"]),
            Route("/uploads/{file_id}", self.upload, methods=["PUT"]),
            Route("/blobs/{file_id}", self.blob),
            Route("/rig/stats", self.counts),
        ]

    async def capabilities(self, request: Request) -> Response:  # noqa: ARG002  # as all endpoints
        """Limits and features."""
        limits = self.files.limits
        said = {
            "protocol_version": VERSION,
            "max_inline_bytes": limits.max_inline_bytes,
            "max_file_bytes": limits.max_file_bytes,
            "attachment_modes": list(limits.attachment_modes),
            "features": _FEATURES,
        }
        return JSONResponse(said)

    async def user(self, request: Request) -> Response:
        """Get or create a user."""
        body = body_of(await request.body(), "UserUpsert", request.headers)
        path = request.path_params
        user, is_new = self.people.get_or_create(path["platform"], path["external_id"], body)
        return JSONResponse(user, 201 if is_new else 200)

    async def settings(self, request: Request) -> Response:
        """A user's settings."""
        person = self.people.find(request.path_params["user_id"])
        return JSONResponse(person.settings_json(), headers={"ETag": person.etag})

    async def act(self, request: Request) -> Response:
        """Change a user's settings."""
        body = body_of(await request.body(), "SettingsAction", request.headers)
        settings, etag = self.people.act(
            request.path_params["user_id"],
            body,
            key=idempotency_key(request.headers),
            if_match=request.headers.get("If-Match"),
        )
        return JSONResponse(settings, headers={"ETag": etag})

    async def start(self, request: Request) -> Response | EventStream:
        """Start a run, or attach to it."""
        body = body_of(await request.body(), "RunInput", request.headers)
        if idempotency_key(request.headers) not in {None, body["runId"]}:
            raise invalid("/headers/Idempotency-Key", "runId")
        is_async = request.headers.get("Prefer") == "respond-async"
        run = self.runs.start(asked(body, self.files), is_async=is_async)
        if is_async:
            where = {"Location": f"/v1/runs/{run.id}"}
            return JSONResponse(run.as_json(), 202, where)
        if "text/event-stream" in request.headers.get("Accept", ""):
            return self._stream(run, request)
        await run.over.wait()
        if run.is_broken:
            raise problem("upstream")
        return JSONResponse(run.as_json())

    async def run(self, request: Request) -> Response:
        """A run as it is now."""
        return JSONResponse(self.runs.find(request.path_params["run_id"]).as_json())

    async def events(self, request: Request) -> EventStream:
        """A run's events from where the caller stopped."""
        self.stats.resumes += 1
        return self._stream(self.runs.find(request.path_params["run_id"]), request)

    async def cancel(self, request: Request) -> Response:
        """Stop a run."""
        self.runs.cancel(self.runs.find(request.path_params["run_id"]))
        return Response(status_code=202)

    async def file(self, request: Request) -> Response:
        """Store a file, or say where to upload it."""
        kind = request.headers.get("Content-Type", "").partition(";")[0]
        key = idempotency_key(request.headers)
        if kind == "application/json":
            body = body_of(await request.body(), "PresignRequest", request.headers)
            ticket = self.files.ticket(key, body, lambda: self.files.presign(body))
        elif kind == "multipart/form-data":
            ticket = await self._store(request, key)
        else:
            raise problem("unsupported-media")
        return JSONResponse(ticket, 201)

    async def upload(self, request: Request) -> Response:
        """Take the bytes of a file at its address, as a store for objects does."""
        self.stats.uploads += 1
        path_id, key = request.path_params["file_id"], request.query_params.get("key")
        file = self.files.announced(path_id, key)
        if file is None:
            return _store_says(403, "AccessDenied")
        if "Content-Length" not in request.headers:
            return _store_says(411, "MissingContentLength")
        if int(request.headers["Content-Length"]) != file.size_bytes:
            return _store_says(400, "IncompleteBody")
        kind = request.headers.get("Content-Type", "")
        checksum = request.headers.get(CHECKSUM, "")
        why = self.files.put(file, await request.body(), mime_type=kind, checksum=checksum)
        return Response() if why is None else _store_says(why.status, why.code)

    async def blob(self, request: Request) -> Response:
        """The bytes of a file of the agent's, to whoever has its address."""
        path_id, key = request.path_params["file_id"], request.query_params.get("key")
        file = self.files.announced(path_id, key)
        if file is None or file.content is None:
            return _store_says(403, "AccessDenied")
        return Response(file.content, media_type=file.mime_type)

    async def counts(self, request: Request) -> Response:  # noqa: ARG002  # as all endpoints
        """What has happened so far, for whoever measures; no part of the contract."""
        return JSONResponse(asdict(self.stats))

    def _stream(self, run: Run, request: Request) -> EventStream:
        self.runs.check_kept(run)
        fault = request.scope.get("rig.fault")
        after = last_event_id(request.headers)
        return EventStream(run, after, self.stats, fault, self.ping)

    async def _store(self, request: Request, key: str | None) -> Json:
        length = int(request.headers.get("Content-Length", "0"))
        if length > self.files.limits.max_file_bytes + _FORM_ROOM:
            raise problem("file-too-large")
        async with request.form() as form:
            file, sha256 = form.get("file"), form.get("sha256")
            if not isinstance(file, UploadFile) or isinstance(sha256, UploadFile):
                raise invalid("/file", "required")
            content = await file.read()
            name, kind = file.filename or "file", file.content_type or "application/octet-stream"
        asked_for = (name, kind, content, sha256)
        return self.files.ticket(key, asked_for, lambda: self.files.store(*asked_for))


def _store_says(status: int, code: str) -> Response:
    said = f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>"
    return Response(said, status, media_type="application/xml")
