"""A homeserver on a real socket that says word for word what a test wants."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path

import trio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from actors.kernel.aio import open_asyncio
from actors.matrix.api.client import MatrixClient


@asynccontextmanager
async def answering(*answers: bytes) -> AsyncIterator[tuple[MatrixClient, list[bytes]]]:
    """A client of a server that gives one of *answers* to each connection, and what it asked."""
    left, asked = list(answers), list[bytes]()

    async def serve(stream: trio.SocketStream) -> None:
        asked.append(await stream.receive_some())
        if left and (answer := left.pop(0)):
            with suppress(trio.BrokenResourceError):  # it has heard enough
                await stream.send_all(answer)
        await stream.aclose()

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(
            partial(trio.serve_tcp, serve, 0, host="127.0.0.1"),
        )
        port = listeners[0].socket.getsockname()[1]
        async with open_asyncio("test"):
            client = MatrixClient(f"http://127.0.0.1:{port}/")
            try:
                yield client, asked
            finally:
                with trio.move_on_after(3, shield=True):
                    await client.close()
        nursery.cancel_scope.cancel()


def http(status: str, body: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return (head + body).encode()


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server's side of TLS with a certificate for 127.0.0.1 that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(tz=UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "pem")
    return context
