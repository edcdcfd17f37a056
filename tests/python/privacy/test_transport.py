"""Key and token reach one host, over a connection that was checked, and nobody else."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import random
import ssl
import threading
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import certifi
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from extract.alpine_iq.client import AlpineIQClient
from extract.alpine_iq.limiter import CallLimiter
from extract.alpine_iq.settings import STORES, WINDOWS, AlpineIQAccount
from load.budget import TokensInMemory
from load.client import PipedriveClient
from load.clock import RealClock
from load.errors import AccessRefused, Ambiguous, MigrationError
from load.settings import PipedriveAccount

SECRET = "canary0key0that0must0reach0one0host00000"
NOW = dt.datetime.now(dt.UTC)
DAY = dt.timedelta(days=1)
USABLE = b'{"data":[],"code":200,"success":true}'


@dataclass
class Sink:
    """A server that notes whoever speaks to it."""

    port: int
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def serve(tmp_path_factory) -> Iterator[object]:
    """Starts servers: plain ones, or with a certificate and its key."""
    running: list[ThreadingHTTPServer] = []

    def start(context: ssl.SSLContext | None = None, location: str = "") -> Sink:
        sink = Sink(0)

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_arguments):
                """Silence."""

            def do_GET(self):
                sink.asked.append(f"{self.path} {self.headers}")
                self.send_response(302 if location else 200)
                if location:
                    self.send_header("Location", location.replace("{sink}", str(sink.port)))
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(USABLE)))
                self.end_headers()
                self.wfile.write(USABLE)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        running.append(server)
        sink.port = server.server_port
        return sink

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


class Authority:
    """Makes certificates that a client trusts if it trusts this authority."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test's authority")])
        self.root = folder / "root.pem"
        made = self._signed(self.name, self.key.public_key(), NOW + DAY, ca=True)
        self.root.write_bytes(made.public_bytes(serialization.Encoding.PEM))

    def _signed(self, subject, public_key, until, *, host="", ca=False):
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 30 * DAY)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), False)
        )
        if ca:
            usage = dict.fromkeys(
                ("digital_signature", "content_commitment", "key_encipherment",
                 "data_encipherment", "key_agreement", "encipher_only", "decipher_only"),
                False,
            )  # fmt: skip
            builder = builder.add_extension(
                x509.KeyUsage(**usage, key_cert_sign=True, crl_sign=True), critical=True
            )
        if host:
            is_address = host[0].isdigit()
            name = x509.IPAddress(ipaddress.ip_address(host)) if is_address else x509.DNSName(host)
            builder = builder.add_extension(x509.SubjectAlternativeName([name]), False)
        return builder.sign(self.key, hashes.SHA256())

    def context(self, host: str, *, until=NOW + DAY) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        made = self._signed(subject, key.public_key(), until, host=host)
        file = self.folder / f"{host}-{until:%Y%m%d}.pem"
        file.write_bytes(
            made.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def read_alpine_iq(base_url: str, folder: Path) -> bytes:
    account = AlpineIQAccount(base_url, "4242", SECRET, window_scale=1_000, read_timeout=2.0)
    limiter = CallLimiter(
        folder / "calls.sqlite", "4242", WINDOWS, scale=1_000, now=time.time, sleep=time.sleep
    )
    client = AlpineIQClient(account, limiter, "run")
    try:
        request = client.request_text(STORES, {}, {})
        return client.read(STORES, request, attempts=2).body
    finally:
        client.close()
        limiter.close()


class Impatient(RealClock):
    async def sleep(self, _seconds):
        await asyncio.sleep(0)


def read_pipedrive(base_url: str, _folder: Path) -> bytes:
    account = PipedriveAccount(
        base_url=base_url, api_token=SECRET, plan="ultimate", seats=5, read_timeout=2.0
    )

    async def run():
        client = PipedriveClient(account, TokensInMemory(), Impatient(), jitter=random.Random(1))
        async with client:
            await client.call("GET", "/api/v2/persons", cost=10, entity="person")

    asyncio.run(run())
    return USABLE


BOTH = pytest.mark.parametrize("read", [read_alpine_iq, read_pipedrive])


@BOTH
def test_a_certificate_of_an_authority_that_is_trusted_is_enough(
    read, serve, authority, tmp_path, monkeypatch
):
    """Proves that the refusals below are of the certificate and not of the test's own making."""
    monkeypatch.setattr(certifi, "where", lambda: str(authority.root))
    sink = serve(authority.context("127.0.0.1"))
    assert read(f"https://127.0.0.1:{sink.port}", tmp_path) == USABLE
    assert SECRET in sink.asked[0]


@BOTH
@pytest.mark.parametrize("fault", ["nobody vouches", "of another host", "expired"])
def test_a_certificate_that_does_not_hold_stops_before_the_secret_leaves(  # noqa: PLR0917
    read, fault, serve, authority, tmp_path, monkeypatch
):
    if fault != "nobody vouches":
        monkeypatch.setattr(certifi, "where", lambda: str(authority.root))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.root))  # an environment can't widen trust
    host = "elsewhere.example" if fault == "of another host" else "127.0.0.1"
    until = NOW - DAY if fault == "expired" else NOW + DAY
    sink = serve(authority.context(host, until=until))
    with pytest.raises(AccessRefused, match="certificate is not valid"):
        read(f"https://127.0.0.1:{sink.port}", tmp_path)
    assert sink.asked == []


@BOTH
def test_a_server_that_speaks_only_old_tls_is_refused(
    read, serve, authority, tmp_path, monkeypatch
):
    monkeypatch.setattr(certifi, "where", lambda: str(authority.root))
    context = authority.context("127.0.0.1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that is the point
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    sink = serve(context)
    with pytest.raises(MigrationError):
        read(f"https://127.0.0.1:{sink.port}", tmp_path)
    assert sink.asked == []


@BOTH
def test_proxies_of_the_environment_see_nothing(read, serve, authority, tmp_path, monkeypatch):
    monkeypatch.setattr(certifi, "where", lambda: str(authority.root))
    proxy, service = serve(), serve(authority.context("127.0.0.1"))
    for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    assert read(f"https://127.0.0.1:{service.port}", tmp_path) == USABLE
    assert proxy.asked == []
    assert len(service.asked) == 1


EVIL = [
    "http://127.0.0.1:{sink}/api/v2/persons",
    "//127.0.0.1:{sink}/api/v2/persons",
    "http://user:pass@127.0.0.1:{sink}/",
    "http://localhost:{sink}/",
    "http://[::ffff:127.0.0.1]:{sink}/",
    "http://2130706433:{sink}/",
    "http://xn--e1afmkfd.example:{sink}/",
    "https://127.0.0.1:{sink}/",
    "http:\\\\127.0.0.1:{sink}\\",
    "/%0d%0aHost:127.0.0.1:{sink}/",
    "../../../../127.0.0.1:{sink}/",
    "http://127.0.0.1:{sink}@lab.alpineiq.com/",
]


@BOTH
@pytest.mark.parametrize("link", EVIL)
def test_no_redirect_is_followed_wherever_it_leads(read, link, serve, tmp_path):
    sink = serve()
    service = serve(location=link.replace("{sink}", str(sink.port)))
    with pytest.raises(MigrationError):
        read(f"http://127.0.0.1:{service.port}", tmp_path)
    assert sink.asked == []
    assert service.asked


def test_a_write_that_is_redirected_to_an_address_that_is_none_was_sent():
    """Its answer can't be read, so whether it was applied is unknown: it is never sent again."""
    headers = {"location": "http:\\\\127.0.0.1:9\\"}
    transport = httpx.MockTransport(lambda _request: httpx.Response(302, headers=headers))

    async def run():
        account = PipedriveAccount("http://127.0.0.1:9", SECRET, "ultimate", 5)
        async with PipedriveClient(account, TokensInMemory(), Impatient(), transport) as client:
            await client.call("POST", "/api/v2/persons", cost=5, json={"name": "A"})

    with pytest.raises(Ambiguous):
        asyncio.run(run())


@pytest.mark.parametrize("link", EVIL)
def test_a_next_link_of_an_answer_is_only_ever_a_parameter(link):
    """Pipedrive's cursor is the one thing of an answer that goes into the next call."""
    seen: list[httpx.URL] = []

    def handle(request):
        seen.append(request.url)
        return httpx.Response(200, content=USABLE, headers={"content-type": "application/json"})

    account = PipedriveAccount("http://127.0.0.1:9", SECRET, "ultimate", 5)

    async def run():
        client = PipedriveClient(
            account, TokensInMemory(), Impatient(), httpx.MockTransport(handle)
        )
        async with client:
            params = {"cursor": link, "limit": 500}
            await client.call("GET", "/api/v2/persons", cost=10, params=params)

    asyncio.run(run())
    (url,) = seen
    assert (url.scheme, url.host, url.port, url.path) == ("http", "127.0.0.1", 9, "/api/v2/persons")
    assert url.params["cursor"] == link


def test_nothing_in_the_program_can_switch_the_checks_off(request):
    root = request.config.rootpath
    text = "\n".join(
        file.read_text(encoding="utf-8")
        for room in ("extract", "load", "migrate")
        for file in (root / room).rglob("*.py")
    )
    assert "verify=" not in text
    assert "follow_redirects=True" not in text
    assert text.count("trust_env=False") == text.count("trust_env=") == 2
