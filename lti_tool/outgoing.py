"""Requests to addresses that others gave us: public ones only, never redirected, capped in size and time.

A name is resolved where the connection is made, and the connection goes to the address that was judged: one
that answers differently a moment later gains nothing. TLS names and certificates stay those of the host.
"""

import ipaddress
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Final
from urllib.parse import quote, urlsplit

import requests
import urllib3
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from common.errors import UnavailableError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

CONNECT_SECONDS: Final = 2.0
READ_SECONDS: Final = 3.0
USER_AGENT: Final = "Foyer (LTI tool)"
POOL_SIZE: Final = 16
_CHUNK: Final = 65_536


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one answer may cost."""

    seconds: float = 5.0
    size: int = 1024 * 1024
    patience: float = READ_SECONDS  # between two pieces of the answer


DEFAULT_LIMITS: Final = Limits()


class Fault(StrEnum):
    """What was wrong with an address or its answer, for whoever explains it."""

    FORBIDDEN = "forbidden"
    UNKNOWN_NAME = "unknown_name"
    UNREACHABLE = "unreachable"
    TOO_LONG = "too_long"
    TOO_SLOW = "too_slow"
    NO_TLS = "no_tls"
    NO_ANSWER = "no_answer"


class OutgoingError(UnavailableError):
    """An address that we may not ask, or that does not answer as it should. `detail` is for logs."""

    code = "outgoing"

    def __init__(self, detail: str, *, fault: Fault = Fault.NO_ANSWER) -> None:
        super().__init__()
        self.detail = detail
        self.fault = fault

    def __str__(self) -> str:
        return self.detail


class ForbiddenAddressError(OutgoingError):
    """An address that this server does not ask, whoever named it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, fault=Fault.FORBIDDEN)


# --- Which addresses may be asked -----------------------------------------------------------------

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_LOOPBACK_NAMES: Final = {"localhost"}


def judge_url(url: str) -> None:
    """Judge an address by its look, without asking a name server.

    Raises:
        ForbiddenAddressError: not https (nor http on loopback where that is allowed), or with a password.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise ForbiddenAddressError("not an address") from error
    if not host or not url.isprintable() or re.search(r"[\s\\]", url):
        raise ForbiddenAddressError("not an address")
    if parts.username is not None or parts.password is not None:
        raise ForbiddenAddressError("an address with a password in it")
    is_allowed_loopback = settings.ALLOW_LOOPBACK_PLATFORMS and _names_loopback(host)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_allowed_loopback):
        raise ForbiddenAddressError("not an https address")
    literal = _as_address(host)
    if literal is not None and not may_reach(host, literal):
        raise ForbiddenAddressError("not a public address")


def may_reach(host: str, address: IPAddress) -> bool:
    """Tell whether a connection to `address`, which stands for `host`, is allowed."""
    inner = _embedded(address)
    if inner.is_loopback:
        return bool(settings.ALLOW_LOOPBACK_PLATFORMS) and _names_loopback(host)
    return _is_public(inner) or _is_listed(host, inner)


def _is_public(address: IPAddress) -> bool:
    """Whether an address is one of the Internet; those of forms that nobody uses any more are not."""
    is_odd = isinstance(address, ipaddress.IPv6Address) and (address.is_reserved or address.is_site_local)
    return address.is_global and not address.is_multicast and not is_odd


def _is_listed(host: str, address: IPAddress) -> bool:
    """Whether the operator named this host or network in OUTGOING_ALLOW."""
    for item in settings.OUTGOING_ALLOW:
        try:
            network = ipaddress.ip_network(item, strict=False)
        except ValueError:
            if item.lower() == host.lower():
                return True
        else:
            if address in network:
                return True
    return False


def _as_address(host: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _names_loopback(host: str) -> bool:
    literal = _as_address(host)
    return host.lower() in _LOOPBACK_NAMES or (literal is not None and literal.is_loopback)


def _embedded(address: IPAddress) -> IPAddress:
    """The IPv4 address inside a mapped, translated or tunnelled IPv6 one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour:
        return address.sixtofour
    return address


# --- Connections that go where was judged ---------------------------------------------------------

_deadline: ContextVar[float] = ContextVar("deadline")
_exact_target: ContextVar[str] = ContextVar("exact_target", default="")


def _seconds_left() -> float:
    return max(_deadline.get() - time.monotonic(), 0.001)


class _Timed:
    """Mixed into urllib3's connections, those through a proxy too: nothing goes on after the deadline."""

    sock: socket.socket | None

    def putrequest(self, method: str, url: str, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as urllib3 has it
        """Addresses with a one-time token in them are sent as they were given, byte for byte."""
        super().putrequest(method, _exact_target.get() or url, *args, **kwargs)  # type: ignore[misc]

    def getresponse(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as above
        """Headers too may be sent drop by drop: the deadline closes the line."""
        watch = threading.Timer(_seconds_left(), self._hang_up)
        watch.daemon = True
        watch.start()
        try:
            return super().getresponse(*args, **kwargs)  # type: ignore[misc]
        finally:
            watch.cancel()

    def _hang_up(self) -> None:
        if self.sock is not None:
            try:
                self.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # closed already


class _Judged(_Timed):
    """The same without a proxy: resolve, judge, connect to what was judged."""

    def _new_conn(self) -> socket.socket:
        host, port = self._dns_host, self.port  # type: ignore[attr-defined]
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise OutgoingError("the name of the server is not known", fault=Fault.UNKNOWN_NAME) from error
        judged = [one for one in found if may_reach(host, ipaddress.ip_address(one[4][0]))]
        if not judged:
            raise ForbiddenAddressError("not a public address")
        failure: OSError | None = None
        for family, kind, protocol, _name, address in judged:
            sock = socket.socket(family, kind, protocol)
            sock.settimeout(min(CONNECT_SECONDS, _seconds_left()))
            try:
                sock.connect(address)
            except OSError as error:
                sock.close()
                failure = error
            else:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return sock
        raise OutgoingError("the server cannot be reached", fault=Fault.UNREACHABLE) from failure


class _JudgedHTTP(_Judged, HTTPConnection):
    pass


class _JudgedHTTPS(_Judged, HTTPSConnection):
    pass


class _JudgedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _JudgedHTTP


class _JudgedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _JudgedHTTPS


class _TimedHTTPS(_Timed, HTTPSConnection):
    pass


class _TimedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _TimedHTTPS


class _JudgedAdapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as requests has it
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _JudgedHTTPPool, "https": _JudgedHTTPSPool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as requests has it
        manager = super().proxy_manager_for(*args, **kwargs)
        if isinstance(manager, urllib3.ProxyManager):  # asked for https alone (`judge_url`)
            manager.pool_classes_by_scheme = {"https": _TimedHTTPSPool}
        return manager


# --- The one session of a process -----------------------------------------------------------------


class GuardedSession(requests.Session):
    """`requests`, with the guards of this module in the only method that sends."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        adapter = _JudgedAdapter(pool_connections=POOL_SIZE, pool_maxsize=POOL_SIZE, max_retries=0)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def request(  # type: ignore[override]  # narrower on purpose: no caller may lift a guard
        self,
        method: str | bytes,
        url: str | bytes,
        **options: Any,  # noqa: ANN401 - as requests has it
    ) -> requests.Response:
        """Send, and read the whole answer within the limits. A redirect is an answer like any other.

        Raises:
            OutgoingError: the address is not allowed, or does not answer within the limits.
        """
        address = str(url)
        judge_url(address)
        limits: Limits = options.pop("limits", DEFAULT_LIMITS)
        is_exact: bool = options.pop("is_exact", False)
        guards = {
            "allow_redirects": False,
            "stream": True,
            "timeout": (CONNECT_SECONDS, min(limits.patience, limits.seconds)),
            "proxies": _proxies_for(address),
        }
        token = _deadline.set(time.monotonic() + limits.seconds)
        exact = _exact_target.set(_target_of(address) if is_exact else "")
        try:
            with _as_ours():
                response = super().request(method, address, **{**options, **guards})
                with response:
                    _read_body(response, limits)
        finally:
            _exact_target.reset(exact)
            _deadline.reset(token)
        return response


def _target_of(url: str) -> str:
    """Path and query of an address, untouched but for characters that no request line can carry."""
    target = re.sub(r"^[^:]+://[^/?#]*", "", url).partition("#")[0]
    rooted = target if target.startswith("/") else f"/{target}"
    return re.sub(r"[^!-~]+", lambda found: quote(found[0]), rooted)


def _read_body(response: requests.Response, limits: Limits) -> None:
    body = bytearray()
    while True:
        # Asked first: a line that was hung up on looks like one that has come to its end.
        if time.monotonic() >= _deadline.get():
            raise OutgoingError("the answer took too long", fault=Fault.TOO_SLOW)
        chunk = response.raw.read1(_CHUNK, decode_content=True)
        if not chunk:
            break
        body += chunk
        if len(body) > limits.size:
            raise OutgoingError("the answer is too long", fault=Fault.TOO_LONG)
    response._content = bytes(body)  # noqa: SLF001 - `requests` has no other way to cap what it reads
    response._content_consumed = True  # type: ignore[attr-defined]  # noqa: SLF001


def _proxies_for(url: str) -> dict[str, str]:
    """OUTGOING_PROXY for everything but this machine. Behind a proxy it is the proxy that resolves names."""
    if not settings.OUTGOING_PROXY or _names_loopback(urlsplit(url).hostname or ""):
        return {}
    return {"https": settings.OUTGOING_PROXY, "http": settings.OUTGOING_PROXY}


@contextmanager
def _as_ours() -> Iterator[None]:
    try:
        yield
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise OutgoingError(f"no usable answer ({type(error).__name__})", fault=_fault_of(error)) from error


def _fault_of(error: Exception) -> Fault:
    if isinstance(error, requests.exceptions.SSLError | urllib3.exceptions.SSLError):
        return Fault.NO_TLS
    slow = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
    is_late = isinstance(error, slow) or time.monotonic() >= _deadline.get()
    return Fault.TOO_SLOW if is_late else Fault.NO_ANSWER


@cache
def session() -> GuardedSession:
    """The session of this process; its connections are pooled and may be used by all threads."""
    return GuardedSession()


def fetch(
    url: str, *, headers: dict[str, str] | None = None, limits: Limits = DEFAULT_LIMITS
) -> requests.Response:
    """GET an address.

    Raises:
        OutgoingError: the address is not allowed, or does not answer within the limits.
    """
    return session().request("GET", url, headers=headers, limits=limits)
