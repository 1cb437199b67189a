"""Our own signing keys: files in KEYS_DIR, made once under a lock, rotated with an overlap."""

import fcntl
import logging
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

log = logging.getLogger(__name__)

REST: Final = timedelta(days=1)  # a new key is published this long before it signs
RETIREMENT: Final = timedelta(days=7)  # and an old one stays published this long after its last signature
_KEY_BITS: Final = 2048
_FILE_NAME: Final = re.compile(r"signing-(\d{8}T\d{12}Z)-[0-9a-f]{8}\.pem")
_STAMP: Final = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True, slots=True)
class OwnKey:
    """One of our signing keys."""

    path: Path
    made_at: datetime

    @property
    def private_pem(self) -> str:
        """The private key, for signing."""
        return _pem_pair(self.path)[0]

    @property
    def public_pem(self) -> str:
        """The public key, for the key set."""
        return _pem_pair(self.path)[1]


def own_keys() -> list[OwnKey]:
    """All our keys, oldest first; the first one is made here, once, when somebody first needs it."""
    return _stored_keys() or _make_first_key()


def signing_key(*, now: datetime) -> OwnKey:
    """The newest key that has been published for a day; the oldest one if none has."""
    keys = own_keys()
    return next((key for key in reversed(keys) if key.made_at + REST <= now), keys[0])


def rotate_own_keys(*, now: datetime) -> tuple[OwnKey, list[OwnKey]]:
    """Publish a new key and remove those that have not signed for a week; returns the new and the removed."""
    own_keys()
    with _lock(settings.KEYS_DIR):
        new = _make_key(settings.KEYS_DIR, now=now)
        keys = _stored_keys()
        retired = [key for key, successor in pairwise(keys) if successor.made_at + REST + RETIREMENT <= now]
        for key in retired:
            key.path.unlink()
    return new, retired


def _stored_keys() -> list[OwnKey]:
    folder: Path = settings.KEYS_DIR
    if not folder.is_dir():
        return []
    found = [(path, _FILE_NAME.fullmatch(path.name)) for path in folder.iterdir()]
    keys = [
        OwnKey(path, datetime.strptime(name[1], _STAMP).replace(tzinfo=UTC)) for path, name in found if name
    ]
    return sorted(keys, key=lambda key: (key.made_at, key.path.name))


def _make_first_key() -> list[OwnKey]:
    folder: Path = settings.KEYS_DIR
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _lock(folder):
        if not _stored_keys():  # another process may have been faster
            _make_key(folder, now=datetime.now(UTC))
            log.info("made the first signing key")
        return _stored_keys()


def _make_key(folder: Path, *, now: datetime) -> OwnKey:
    private = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / f"signing-{now.strftime(_STAMP)}-{secrets.token_hex(4)}.pem"
    unfinished = path.with_suffix(".new")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    return OwnKey(path, now)


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """One process at a time makes or removes keys, on every machine that shares the folder."""
    with (folder / ".lock").open("w") as file:
        (folder / ".lock").chmod(0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@lru_cache(maxsize=16)
def _pem_pair(path: Path) -> tuple[str, str]:
    """Private and public key of a file, which never changes once it is there."""
    text = path.read_bytes()
    private = serialization.load_pem_private_key(text, password=None)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return text.decode("ascii"), public.decode("ascii")
