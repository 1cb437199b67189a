"""The error tree of the project. It has never heard of HTTP: `common.middleware` makes pages of it."""


class AppError(Exception):
    """Something that a person must be told.

    Args:
        message: what happened, translated, for the person.
        next_step: what to do now, translated; empty where the page itself says it.
        code: a short stable word for logs and support.
    """

    code = "error"

    def __init__(self, message: str = "", *, next_step: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step
        if code:
            self.code = code


class InvalidError(AppError):
    """What was sent cannot be used as it is."""

    code = "invalid"


class MissingError(AppError):
    """It is not there, or not for this viewer: from outside both look the same."""

    code = "missing"


class RefusedError(AppError):
    """It is there, and the viewer may know it, but may not do this."""

    code = "refused"


class ConflictError(AppError):
    """Somebody else got there first."""

    code = "conflict"


class GoneError(AppError):
    """It was there once and will not come back."""

    code = "gone"


class ThrottledError(AppError):
    """Too many tries in a short time.

    Args:
        retry_after: seconds until it is worth trying again.
    """

    code = "throttled"

    def __init__(
        self, message: str = "", *, next_step: str = "", code: str = "", retry_after: int = 60
    ) -> None:
        super().__init__(message, next_step=next_step, code=code)
        self.retry_after = retry_after


class UnavailableError(AppError):
    """Another system that we need does not answer."""

    code = "unavailable"
