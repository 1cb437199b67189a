"""The passwords of operators: Django's check of them, at a door where nobody guesses for long."""

from hashlib import sha256
from typing import Any, Final

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest

from common.throttle import Limit

# Of one name from one address, of one address whatever the name, and of one name from wherever: the last is
# high, because it lets a stranger keep an operator out.
PAIR_TRIES: Final = Limit("operator-login", 10, 900)
ADDRESS_TRIES: Final = Limit("operator-login-address", 50, 900)
NAME_TRIES: Final = Limit("operator-login-name", 300, 900)


class OperatorBackend(ModelBackend):
    """Django's own, with every try counted before the password is looked at, right ones too."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,  # noqa: ANN401 - as Django has it
    ) -> User | None:
        """The operator with this name and password.

        Raises:
            ThrottledError: too many tries.
        """
        if request is not None:
            address = request.META.get("REMOTE_ADDR", "")
            # Hashed: somebody may have typed a password into the wrong field.
            name = sha256((username or "").strip().casefold().encode()).hexdigest()[:32]
            PAIR_TRIES.count(f"{name}:{address}")
            ADDRESS_TRIES.count(address)
            NAME_TRIES.count(name)
        return super().authenticate(request, username=username, password=password, **kwargs)
