"""The platforms' keys: fetched within limits, cached one by one, asked for no more often than needed."""

import base64
import binascii
import json
import logging
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Protocol, TypedDict

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from django.core.cache import cache

from lti_tool.claims import MAX_ID, LaunchRefusedError, ReasonCode, Token
from lti_tool.outgoing import Limits, OutgoingError, fetch

log = logging.getLogger(__name__)

FETCH_LIMITS: Final = Limits(seconds=5.0, size=1024 * 1024)
MIN_FRESH: Final = 60  # seconds; also for a platform that says no-store
MAX_FRESH: Final = 3600
STALE_SECONDS: Final = 3600  # how long a key may serve after that, while the platform's server is down
UNKNOWN_KID_SECONDS: Final = 30  # between two fetches that a kid nobody knows may cause
MIN_BITS: Final = 2048
MAX_BITS: Final = 8192
MAX_KEYS: Final = 10_000
MAX_AT_HAND: Final = 1000
AT_HAND_SECONDS: Final = 2.0  # how long a process goes on with a key without asking the cache again
_POLL_SECONDS: Final = 0.05
JOIN_SECONDS: Final = 1.0  # after its beginning: until then others wait for a fetch too


class HasKeySet(Protocol):
    """A registration, or what was remembered of one."""

    @property
    def pk(self) -> int: ...

    @property
    def jwks_url(self) -> str: ...


class _CachedKey(TypedDict):
    """A key as it stands in the cache: numbers as texts, and the fetch that brought it."""

    n: str
    e: str
    fetch: str


class _Fetch(TypedDict):
    """The last good fetch of a key set. Keys that an earlier one brought have been withdrawn."""

    id: str
    fresh_until: float


class _Failure(TypedDict):
    """A fetch that failed. Another is worth trying after a pause that grows with the time it took."""

    retry_at: float


def verify_signature(token: Token, platform: HasKeySet, *, now: float | None = None) -> bytes:
    """The payload of a token that a current key of the platform has signed, with RS256 and nothing else.

    `read_token` has judged form and header, and the key is an RSA key: what is left is one verification.

    Raises:
        LaunchRefusedError: `unknown_kid`, `keys_unavailable` or `bad_signature`.
    """
    key = platform_key(platform, token.kid, now=time.time() if now is None else now)
    signed, _dot, signature = token.raw.rpartition(".")
    try:
        key.verify(_bytes(signature), signed.encode("ascii"), PKCS1v15(), SHA256())
        return _bytes(signed.partition(".")[2])
    except (InvalidSignature, ValueError) as error:
        raise LaunchRefusedError(ReasonCode.BAD_SIGNATURE) from error


def platform_key(platform: HasKeySet, kid: str, *, now: float) -> rsa.RSAPublicKey:
    """The platform's key of that name: from the cache, or fetched now, once for everybody who waits.

    Raises:
        LaunchRefusedError: `unknown_kid` or `keys_unavailable`.
    """
    if len(kid) > MAX_ID:
        raise LaunchRefusedError(ReasonCode.UNKNOWN_KID)
    shelf = _Shelf(platform)
    at_hand = _at_hand.get(shelf.key_name(kid))
    if at_hand is not None and at_hand.since <= now < at_hand.until:
        return at_hand.key
    found, last = shelf.get(kid)
    is_fresh = last is not None and last["fresh_until"] > now
    if is_fresh:
        if found:
            return _keep_at_hand(shelf.key_name(kid), found, now=now)
        if shelf.was_asked_in_vain(now=now):
            raise LaunchRefusedError(ReasonCode.UNKNOWN_KID)
    _refresh(platform, shelf, last=last, can_wait=not found, now=now)
    again, latest = shelf.get(kid)
    if again:
        return _public_key(again)
    if not latest or latest == last:
        raise LaunchRefusedError(ReasonCode.KEYS_UNAVAILABLE)
    if is_fresh:  # a fetch that was due anyway is not held against anybody
        shelf.note_asked_in_vain(now=now)
    raise LaunchRefusedError(ReasonCode.UNKNOWN_KID)


@dataclass(frozen=True, slots=True)
class _AtHand:
    """A key, ready for use, that the cache had a moment ago: a storm of launches need not ask for each."""

    key: rsa.RSAPublicKey
    since: float
    until: float


_at_hand: dict[str, _AtHand] = {}


def _keep_at_hand(name: str, found: _CachedKey, *, now: float) -> rsa.RSAPublicKey:
    key = _public_key(found)
    if len(_at_hand) >= MAX_AT_HAND:
        _at_hand.clear()
    _at_hand[name] = _AtHand(key, since=now, until=now + AT_HAND_SECONDS)
    return key


class _Shelf:
    """The cached keys of one registration. A new key set address begins with an empty shelf."""

    def __init__(self, platform: HasKeySet) -> None:
        self._prefix = f"keys:{platform.pk}:{_short_hash(platform.jwks_url)}"

    def get(self, kid: str) -> tuple[_CachedKey | None, _Fetch | None]:
        """The key, if the last good fetch brought it, and that fetch."""
        held = cache.get_many([self.key_name(kid), self._name("fetch")])
        key, last = held.get(self.key_name(kid)), held.get(self._name("fetch"))
        return (key if key and last and key["fetch"] == last["id"] else None), last

    def last_fetch(self) -> _Fetch | None:
        """The last good fetch."""
        fetch_made: _Fetch | None = cache.get(self._name("fetch"))
        return fetch_made

    def put(self, keys: Mapping[str, tuple[str, str]], *, fresh_for: int, now: float) -> None:
        """Keep the whole of a key set; whatever is not in it counts as withdrawn from now on."""
        fetch_id, kept_for = secrets.token_hex(8), fresh_for + STALE_SECONDS
        rows = {self.key_name(kid): _CachedKey(n=n, e=e, fetch=fetch_id) for kid, (n, e) in keys.items()}
        cache.set_many(rows, kept_for)
        cache.set(self._name("fetch"), _Fetch(id=fetch_id, fresh_until=now + fresh_for), kept_for)
        cache.delete(self._name("failure"))

    def was_asked_in_vain(self, *, now: float) -> bool:
        """Whether a fetch for an unknown kid brought nothing a moment ago."""
        until: float | None = cache.get(self._name("vain"))
        return until is not None and until > now

    def note_asked_in_vain(self, *, now: float) -> None:
        cache.set(self._name("vain"), now + UNKNOWN_KID_SECONDS, UNKNOWN_KID_SECONDS)

    def failed_just_now(self, *, now: float) -> bool:
        """Whether the server failed a moment ago and deserves its pause."""
        failure: _Failure | None = cache.get(self._name("failure"))
        return failure is not None and failure["retry_at"] > now

    def note_failure(self, *, now: float, took: float) -> None:
        """Give a failing server a pause: the slower it failed, the longer."""
        cache.set(self._name("failure"), _Failure(retry_at=now + 4 * took), UNKNOWN_KID_SECONDS)

    def begin_flight(self) -> bool:
        """Claim the fetch for this thread; nobody else fetches until `end_flight`."""
        return bool(cache.add(self._name("flight"), time.time(), int(FETCH_LIMITS.seconds) + 5))

    def may_land_soon(self) -> bool:
        """Whether somebody is fetching, and has not been at it for long."""
        began: float | None = cache.get(self._name("flight"))
        return began is not None and time.time() < began + JOIN_SECONDS

    def end_flight(self) -> None:
        cache.delete(self._name("flight"))

    def _name(self, what: str) -> str:
        return f"{self._prefix}:{what}"

    def key_name(self, kid: str) -> str:
        """Under which name the cache has a key."""
        return f"{self._prefix}:kid:{_short_hash(kid)}"


def _refresh(platform: HasKeySet, shelf: _Shelf, *, last: _Fetch | None, can_wait: bool, now: float) -> None:
    """Fetch the key set, or wait for whoever is fetching it, unless a stale key may serve meanwhile.

    One request at a time waits for a platform's server as long as it may take. The others give up early, so
    that a silent server never holds all workers: those of other platforms' launches stay free.

    Args:
        last: the fetch that the caller found; when there is a newer one by now, that will do.
    """
    if shelf.failed_just_now(now=now):
        return
    if not shelf.begin_flight():
        while can_wait and shelf.may_land_soon():
            time.sleep(_POLL_SECONDS)
        return
    started = time.monotonic()
    try:
        if shelf.last_fetch() != last:
            return
        keys, fresh_for = _fetch_key_set(platform.jwks_url)
        shelf.put(keys, fresh_for=fresh_for, now=now)
    except OutgoingError as error:
        shelf.note_failure(now=now, took=time.monotonic() - started)
        log.warning("key set not available: platform=%s why=%s", platform.pk, error)
    finally:
        shelf.end_flight()


def _fetch_key_set(url: str) -> tuple[dict[str, tuple[str, str]], int]:
    response = fetch(url, headers={"Accept": "application/json"}, limits=FETCH_LIMITS)
    if response.status_code != 200:  # noqa: PLR2004 - OK
        raise OutgoingError(f"status {response.status_code}")
    try:
        entries = json.loads(response.content)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise OutgoingError("the answer is no key set") from error
    if not isinstance(entries, list):
        raise OutgoingError("the answer is no key set")
    return usable_keys(entries), _fresh_seconds(response.headers.get("Cache-Control", ""))


def usable_keys(entries: list[object]) -> dict[str, tuple[str, str]]:
    """RSA signing keys of good size; broken and foreign entries are passed over, they spoil nothing."""
    keys: dict[str, tuple[str, str]] = {}
    for entry in entries[:MAX_KEYS]:
        if not isinstance(entry, dict) or entry.get("kty") != "RSA":
            continue
        if entry.get("use", "sig") != "sig" or entry.get("alg", "RS256") != "RS256":
            continue
        kid, n, e = entry.get("kid"), entry.get("n"), entry.get("e")
        if not (isinstance(kid, str) and kid and isinstance(n, str) and isinstance(e, str)):
            continue
        modulus, exponent = _number(n), _number(e)
        if MIN_BITS <= modulus.bit_length() <= MAX_BITS and exponent % 2 == 1 and 1 < exponent < modulus:
            keys.setdefault(kid, (n, e))
    return keys


def _fresh_seconds(cache_control: str) -> int:
    stated = re.search(r"max-age\s*=\s*\"?(\d{1,9})", cache_control, re.IGNORECASE)
    if stated:
        return max(MIN_FRESH, min(int(stated[1]), MAX_FRESH))
    return MIN_FRESH if re.search(r"no-store|no-cache", cache_control, re.IGNORECASE) else MAX_FRESH


def _public_key(key: _CachedKey) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(e=_number(key["e"]), n=_number(key["n"])).public_key()


def _bytes(part: str) -> bytes:
    """The bytes behind base64url digits.

    Raises:
        ValueError: there are none; `read_token` has seen to the digits.
    """
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _number(text: str) -> int:
    """The number behind base64url digits; 0 for anything else."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+={0,2}", text):
        return 0
    try:
        return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
    except (binascii.Error, ValueError):
        return 0


def _short_hash(text: str) -> str:
    return sha256(text.encode(errors="backslashreplace")).hexdigest()[:32]
