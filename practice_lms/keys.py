"""The platform's signing keys. They live in memory and die with the process."""

from __future__ import annotations

import base64
import os
import uuid
from dataclasses import dataclass, field, replace
from typing import Self

from cryptography.hazmat.primitives.asymmetric import rsa

_EXPONENT = 65537


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with the name and the traits under which its public half is published."""

    kid: str
    private: rsa.RSAPrivateKey
    traits: dict[str, object] = field(default_factory=lambda: {"use": "sig", "alg": "RS256"})

    @classmethod
    def make(cls, *, bits: int = 2048, kid: str | None = None, **traits: object) -> Self:
        """A fresh key; `traits` replace those it is published with (`use="enc"`), and None drops one."""
        published = {"use": "sig", "alg": "RS256", **traits}
        private = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=bits)
        return cls(
            kid or str(uuid.uuid4()),
            private,
            {name: value for name, value in published.items() if value is not None},
        )

    def renamed(self) -> Self:
        """The same key under a new name: another one to whoever reads the set, and made at once."""
        return replace(self, kid=str(uuid.uuid4()))

    def jwk(self) -> dict[str, object]:
        numbers = self.private.public_key().public_numbers()
        return {
            "kty": "RSA",
            "kid": self.kid,
            "n": _number(numbers.n),
            "e": _number(numbers.e),
            **self.traits,
        }


class KeyRing:
    """The published keys. One of them signs; the others are old or not yet in use."""

    def __init__(self, signing: SigningKey | None = None) -> None:
        self.signing = signing or SigningKey.make()
        self._published: list[object] = [self.signing.jwk()]

    def rotate(self, *, keep_old: bool = False, key: SigningKey | None = None) -> SigningKey:
        """Sign with a new key from now on, and publish it; the old one is withdrawn unless it is kept."""
        if not keep_old:
            self.withdraw(self.signing.kid)
        self.signing = key or SigningKey.make()
        self.publish(self.signing.jwk())
        return self.signing

    def publish(self, *entries: object) -> None:
        """Add entries to the key set, broken ones too if a test wants them."""
        self._published += entries

    def withdraw(self, kid: str) -> None:
        self._published = [
            one for one in self._published if not (isinstance(one, dict) and one.get("kid") == kid)
        ]

    def crowd(self, others: int) -> None:
        """Publish that many keys of other tools before ours: shared instances have sets of 64 KB and more."""
        modulus = (b"\xc1" + os.urandom(254) + b"\x01" for _ in range(others))
        crowd: list[dict[str, object]] = [
            {
                "kty": "RSA",
                "kid": str(uuid.uuid4()),
                "n": base64url(one),
                "e": "AQAB",
                "use": "sig",
                "alg": "RS256",
            }
            for one in modulus
        ]
        self._published = [*crowd, *self._published]

    def key_set(self) -> dict[str, object]:
        return {"keys": list(self._published)}
