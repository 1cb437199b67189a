"""Which addresses this server asks, and how much an answer may cost."""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_django import Settings

from lti_tool.outgoing import (
    ForbiddenAddressError,
    Limits,
    OutgoingError,
    fetch,
    judge_url,
    may_reach,
    session,
)
from practice_lms.server import RunningLms


@pytest.mark.parametrize(
    "url",
    [
        "http://lms.example/",
        "ftp://lms.example/",
        "file:///etc/passwd",
        "//lms.example/",
        "lms.example",
        "",
        "https://",
        "https://user@lms.example/",
        "https://user:pw@lms.example/",
        "https://lms.example:port/",
        "https://lms.example/\nHost: evil",
        "https://lms.example\\@evil.example/",
        "https://10.0.0.1/",
        "https://192.168.1.1/",
        "https://172.16.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://[fe80::1]/",
        "https://[fc00::1]/",
        "https://[::]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::10.0.0.1]/",
        "https://[2002:0a00:0001::]/",
        "https://[::10.0.0.1]/",
        "https://[::ffff:0:10.0.0.1]/",
        "https://[64:ff9b:1::10.0.0.1]/",
        "https://[fec0::1]/",
        "http://10.0.0.1/",
        "http://localhost.example/",
    ],
)
def test_addresses_that_are_never_asked(url: str) -> None:
    with pytest.raises(ForbiddenAddressError):
        judge_url(url)


@pytest.mark.parametrize(
    "url",
    ["https://lms.example/x?y=1", "https://lms.example:8443/", "https://8.8.8.8/", "http://127.0.0.1:8000/"],
)
def test_addresses_that_may_be_asked(url: str) -> None:
    judge_url(url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://localhost:1/", "https://127.0.0.1:1/", "https://[::1]/"]
)
def test_loopback_is_for_the_demo_alone(url: str, settings: Settings) -> None:
    judge_url(url)
    settings.ALLOW_LOOPBACK_PLATFORMS = False
    with pytest.raises(ForbiddenAddressError):
        fetch(url)


def test_a_name_that_resolves_to_this_machine_is_not_asked(lms: RunningLms) -> None:
    """Loopback is for loopback's own names: a public name that points here gains nothing."""
    address = ipaddress.ip_address("127.0.0.1")
    assert may_reach("localhost", address)
    assert may_reach("127.0.0.1", address)
    assert not may_reach("rebound.example", address)
    assert not may_reach("rebound.example", ipaddress.ip_address("::ffff:127.0.0.1"))
    assert not may_reach("rebound.example", ipaddress.ip_address("10.1.2.3"))
    assert may_reach("lms.example", ipaddress.ip_address("8.8.8.8"))


def test_private_networks_and_hosts_can_be_listed(settings: Settings) -> None:
    private = ipaddress.ip_address("10.1.2.3")
    assert not may_reach("lms.campus.example", private)
    settings.OUTGOING_ALLOW = ["10.1.0.0/16"]
    assert may_reach("lms.campus.example", private)
    settings.OUTGOING_ALLOW = ["LMS.campus.example"]
    assert may_reach("lms.campus.example", private)
    assert not may_reach("other.campus.example", private)


def test_a_redirect_is_not_followed(lms: RunningLms) -> None:
    lms.behaviour.keys.redirect_to = f"{lms.origin}/somewhere"
    assert fetch(lms.registration.jwks_url).status_code == 302


def test_an_answer_that_is_too_long(lms: RunningLms) -> None:
    lms.behaviour.keys.size = 5000
    assert len(fetch(lms.registration.jwks_url, limits=Limits(size=5000)).content) == 5000
    with pytest.raises(OutgoingError, match="too long"):
        fetch(lms.registration.jwks_url, limits=Limits(size=4999))


def test_an_answer_in_drops(lms: RunningLms) -> None:
    lms.behaviour.keys.drip = 0.3
    started = time.monotonic()
    with pytest.raises(OutgoingError):
        fetch(lms.registration.jwks_url, limits=Limits(seconds=1))
    assert time.monotonic() - started < 3


@contextmanager
def dripping_headers(tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server, by its port, that never ends its headers, but never stops sending them either."""
    listener = socket.create_server(("127.0.0.1", 0))
    is_over = threading.Event()

    def serve() -> None:
        plain, _address = listener.accept()
        with tls.wrap_socket(plain, server_side=True) if tls else plain as line:
            line.sendall(b"HTTP/1.1 200 OK\r\n")
            while not is_over.wait(0.2):
                try:
                    line.sendall(b"X-More: yes\r\n")
                except OSError:
                    return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        is_over.set()
        thread.join(5)
        listener.close()


def test_headers_in_drops() -> None:
    with dripping_headers() as port:
        started = time.monotonic()
        with pytest.raises(OutgoingError):
            fetch(f"http://127.0.0.1:{port}/", limits=Limits(seconds=1))
        assert time.monotonic() - started < 3


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed_soon:
        port = closed_soon.getsockname()[1]
    with pytest.raises(OutgoingError, match="cannot be reached"):
        fetch(f"http://127.0.0.1:{port}/")


def test_a_name_that_nobody_knows() -> None:
    with pytest.raises(OutgoingError):
        fetch("https://nobody.invalid/")


def test_cookies_of_platforms_are_not_kept(lms: RunningLms) -> None:
    fetch(f"{lms.origin}/")
    assert not session().cookies


def test_there_is_one_session() -> None:
    assert session() is session()


def test_a_proxy_is_used_for_all_but_this_machine(lms: RunningLms, settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        settings.OUTGOING_PROXY = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        assert fetch(lms.registration.jwks_url).status_code == 200
        asked: list[bytes] = []

        def listen() -> None:
            line, _address = proxy.accept()
            with line:
                asked.append(line.recv(4096))
                line.sendall(b"HTTP/1.1 502 Bad gateway\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        with pytest.raises(OutgoingError):
            fetch("https://lms.example/jwks")
        thread.join(5)
    assert asked[0].startswith(b"CONNECT lms.example:443 ")


@contextmanager
def tunnel_to(port: int) -> Iterator[str]:
    """A proxy that leads wherever one wants to go to one port of this machine."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def carry(come_from: socket.socket, go_to: socket.socket) -> None:
        try:
            while piece := come_from.recv(65_536):
                go_to.sendall(piece)
            go_to.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def serve() -> None:
        line, _address = listener.accept()
        with line, socket.create_connection(("127.0.0.1", port)) as there:
            line.recv(4096)
            line.sendall(b"HTTP/1.1 200 Go on\r\n\r\n")
            back = threading.Thread(target=carry, args=(there, line), daemon=True)
            back.start()
            carry(line, there)
            back.join(5)

    threads.append(threading.Thread(target=serve, daemon=True))
    threads[0].start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        threads[0].join(5)
        listener.close()


# --- Over TLS -----------------------------------------------------------------------------------------


def certificate_for(name: str, folder: Path) -> Path:
    """A self-signed certificate and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


@contextmanager
def tls_server(certificate: Path) -> Iterator[str]:
    class Hello(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"hello")

        def log_message(self, *_words: object) -> None:
            """Quiet."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    server.handle_error = lambda *_error: None  # type: ignore[method-assign]  # refused handshakes are the point
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{server.server_address[1]}/"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def test_a_certificate_must_be_trusted_and_name_the_host(tmp_path: Path) -> None:
    ours = certificate_for("localhost", tmp_path)
    with tls_server(ours) as url:
        assert session().request("GET", url, verify=str(ours)).content == b"hello"
        with pytest.raises(OutgoingError, match="SSLError"):
            fetch(url)
    stranger = certificate_for("stranger.example", tmp_path)
    with tls_server(stranger) as url, pytest.raises(OutgoingError, match="SSLError"):
        session().request("GET", url, verify=str(stranger))


def test_headers_in_drops_behind_a_proxy(tmp_path: Path, settings: Settings) -> None:
    certificate = certificate_for("lms.example", tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with dripping_headers(context) as port, tunnel_to(port) as settings.OUTGOING_PROXY:
        started = time.monotonic()
        with pytest.raises(OutgoingError):
            session().request(
                "GET", "https://lms.example/", verify=str(certificate), limits=Limits(seconds=1)
            )
        assert time.monotonic() - started < 3
