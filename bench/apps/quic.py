"""QUIC by aioquic: quic.py serve ADDRESS PORT DIRECTORY | quic.py fetch ADDRESS PORT BYTES TIMES

A client asks for so many bytes on a stream of a new connection each time, and prints the bytes a second of each, one a line.
"""

import asyncio
import datetime
import pathlib
import ssl
import sys
import time

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import StreamDataReceived
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

ALPN = ["bench"]


def certificate(directory: pathlib.Path) -> tuple[pathlib.Path, pathlib.Path]:
    """A key and a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench")])
    now = datetime.datetime.now(datetime.timezone.utc)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    encoding, no_password = serialization.Encoding.PEM, serialization.NoEncryption()
    paths = directory / "quic.crt", directory / "quic.key"
    paths[0].write_bytes(signed.public_bytes(encoding))
    paths[1].write_bytes(key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, no_password))
    return paths


class Server(QuicConnectionProtocol):
    def quic_event_received(self, event):
        if isinstance(event, StreamDataReceived) and event.end_stream:
            self._quic.send_stream_data(event.stream_id, bytes(int(event.data)), end_stream=True)
            self.transmit()


async def offer(address: str, port: int, directory: pathlib.Path) -> None:
    configuration = QuicConfiguration(is_client=False, alpn_protocols=ALPN)
    configuration.load_cert_chain(*certificate(directory))
    await serve(address, port, configuration=configuration, create_protocol=Server)
    await asyncio.Future()


async def fetch(address: str, port: int, size: int) -> float:
    configuration = QuicConfiguration(is_client=True, alpn_protocols=ALPN, verify_mode=ssl.CERT_NONE)
    async with connect(address, port, configuration=configuration) as client:
        reader, writer = await client.create_stream()
        begin = time.perf_counter()
        writer.write(str(size).encode())
        writer.write_eof()
        received = await reader.read()
        assert len(received) == size
        return size / (time.perf_counter() - begin)


verb, address, port, *rest = sys.argv[1:]
if verb == "serve":
    asyncio.run(offer(address, int(port), pathlib.Path(rest[0])))
else:
    for _ in range(int(rest[1])):
        print(asyncio.run(fetch(address, int(port), int(rest[0]))))
