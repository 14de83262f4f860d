"""The files that the reference server holds: sent to it, uploaded by address, or its own."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from attrs import define, field, frozen

from protocols.platform import Attachment
from tests.rigs.lambda_platform_agui import inline_source
from tests.rigs.lambda_platform_contract import Json
from tests.rigs.lambda_platform_problems import invalid, problem

MiB = 1 << 20
CHECKSUM = "x-content-sha256"


@define
class Limits:
    """What the platform says that it takes."""

    max_inline_bytes: int = 4 * MiB
    max_file_bytes: int = 64 * MiB
    attachment_modes: tuple[str, ...] = ("url", "binary", "s3")
    refused_types: frozenset[str] = frozenset()

    def check(self, mime_type: str, size_bytes: int) -> None:
        """Refuse a file of that type or size."""
        if mime_type in self.refused_types:
            raise problem("unsupported-media")
        if size_bytes > self.max_file_bytes:
            raise problem("file-too-large")


@define
class StoredFile:
    """One file; ``content`` is None until it has been uploaded.

    Args:
        key: What its address must carry.
        size_bytes: As it was announced or is; ``sha256`` is empty where nobody said it.
    """

    id: str
    name: str
    mime_type: str
    size_bytes: int
    sha256: str = ""
    content: bytes | None = field(default=None, repr=False)
    was_uploaded: bool = False
    key: str = field(factory=secrets.token_hex, repr=False)

    def source(self) -> Json:
        """How a message names it."""
        return {
            "type": "file",
            "value": self.id,
            "provider": "lambda",
            "mimeType": self.mime_type,
        }


@frozen
class UploadRefused:
    """Why an upload to an address is refused, in the store's own words."""

    status: int
    code: str


@define
class Files:
    """All files, by id.

    Args:
        base: The server's address.
    """

    limits: Limits = field(factory=Limits)
    base: str = ""
    stored: dict[str, StoredFile] = field(factory=dict)
    _tickets: dict[str, tuple[object, Json]] = field(factory=dict)

    def ticket(self, key: str | None, request: object, make: Callable[[], Json]) -> Json:
        """The ticket for *request*; the same one again for the same idempotency *key*."""
        if key is None:
            return make()
        if key in self._tickets:
            known, ticket = self._tickets[key]
            if known != request:
                raise problem("idempotency-key-reuse")
            return ticket
        ticket = make()
        self._tickets[key] = (request, ticket)
        return ticket

    def store(self, name: str, mime_type: str, content: bytes, sha256: str | None) -> Json:
        """Keep *content*; gives its ticket."""
        self.limits.check(mime_type, len(content))
        true = hashlib.sha256(content).hexdigest()
        if sha256 not in {None, true}:
            raise invalid("/sha256", "mismatch")
        return {"source": self._add(name, mime_type, len(content), true, content).source()}

    def presign(self, body: Json) -> Json:
        """The ticket of a file that will be uploaded."""
        self.limits.check(body["mimeType"], body["size"])
        sha256 = body.get("sha256", "")
        file = self._add(body["filename"], body["mimeType"], body["size"], sha256, None)
        headers = {"Content-Type": file.mime_type} | ({CHECKSUM: sha256} if sha256 else {})
        url = f"{self.base}/uploads/{file.id}?key={file.key}"
        expires_at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        upload = {"method": "PUT", "url": url, "headers": headers}
        return {"source": file.source(), "upload": upload, "expires_at": expires_at}

    def announced(self, file_id: str, key: str | None) -> StoredFile | None:
        """The file behind an address; None where the address is not right."""
        file = self.stored.get(file_id)
        return file if file is not None and key == file.key else None

    def put(
        self, file: StoredFile, content: bytes, *, mime_type: str, checksum: str
    ) -> UploadRefused | None:
        """Take the *content* of an announced file if it is what was announced."""
        if mime_type != file.mime_type or checksum != file.sha256:
            return UploadRefused(403, "SignatureDoesNotMatch")
        if len(content) != file.size_bytes:
            return UploadRefused(400, "IncompleteBody")
        if file.sha256 and hashlib.sha256(content).hexdigest() != file.sha256:
            return UploadRefused(400, "BadDigest")
        file.content, file.was_uploaded = content, True
        return None

    def find(self, file_id: str) -> StoredFile:
        """A file that a message names; it must have been uploaded."""
        file = self.stored.get(file_id)
        if file is None or file.content is None:
            raise invalid("/messages", "file not found")
        return file

    def source_of(self, file: Attachment) -> Json:
        """How the agent's own *file* goes to the client: within the message if it is small."""
        if file.mode != "binary":
            return {"type": "url", "value": file.location, "mimeType": file.mime_type}
        if file.size_bytes <= self.limits.max_inline_bytes:
            return inline_source(file)
        kept = self._add(file.name, file.mime_type, file.size_bytes, file.sha256, file.data)
        return {"type": "url", "value": self.address_of(kept), "mimeType": file.mime_type}

    def linked(self, name: str, mime_type: str, content: bytes) -> str:
        """The address of a file of the agent's."""
        digest = hashlib.sha256(content).hexdigest()
        return self.address_of(self._add(name, mime_type, len(content), digest, content))

    def address_of(self, file: StoredFile) -> str:
        """Where *file* can be fetched by whoever has its address."""
        return f"{self.base}/blobs/{file.id}?key={file.key}"

    def _add(
        self, name: str, mime_type: str, size_bytes: int, sha256: str, content: bytes | None
    ) -> StoredFile:
        file_id = f"file_{len(self.stored) + 1}"
        file = StoredFile(file_id, name, mime_type, size_bytes, sha256, content)
        self.stored[file_id] = file
        return file
