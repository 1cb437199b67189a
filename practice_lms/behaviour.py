"""How the services of this LMS misbehave. Everything is honest until somebody changes it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_DRIPS = 20


@dataclass
class Endpoint:
    """One service, and what is wrong with it.

    `delay` in seconds before anything is sent, `drip` in seconds between twenty pieces of the body, `status`
    or `redirect_to` instead of an answer, `body` instead of the honest one, `size` in bytes up to which the
    body is stretched with blanks (which JSON allows). `calls` counts the requests that arrived.
    """

    delay: float = 0
    drip: float = 0
    status: int | None = None
    redirect_to: str | None = None
    body: bytes | None = None
    size: int = 0
    calls: int = 0

    def reset(self) -> None:
        """Behave again, and count from nothing."""
        for one in fields(self):
            setattr(self, one.name, one.default)

    async def send(self, honest: Response) -> Response:
        """The honest answer, or what has been made of it."""
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.redirect_to is not None:
            return RedirectResponse(self.redirect_to, status_code=302)
        if self.status is not None:
            return PlainTextResponse("This service is not well.", status_code=self.status)
        body = bytes(honest.body) if self.body is None else self.body
        if len(body) < self.size:
            body = body.ljust(self.size)
        headers = {name: value for name, value in honest.headers.items() if name != "content-length"}
        if self.drip:
            return StreamingResponse(self._pieces(body), status_code=honest.status_code, headers=headers)
        return Response(body, status_code=honest.status_code, headers=headers)

    async def _pieces(self, body: bytes) -> AsyncIterator[bytes]:
        length = max(1, len(body) // _DRIPS)
        for start in range(0, len(body), length):
            yield body[start : start + length]
            await asyncio.sleep(self.drip)


class StorageNames(StrEnum):
    """Under which names the page around a tool answers questions about its storage."""

    DRAFT = "draft"  # org.imsglobal.lti.…, as Brightspace's published code
    FINAL = "final"  # lti.…, as the documents of 2022 have it
    BOTH = "both"
    REFUSING = "refusing"  # every question is answered by an error
    SILENT = "silent"  # none is answered
    ABSENT = "absent"  # and the login does not promise any


class ResizeForm(StrEnum):
    """What the page around a tool understands as a wish for more height."""

    TEXT = "text"  # JSON in a string, as Brightspace
    OBJECT = "object"
    BOTH = "both"


@dataclass
class FrameManners:
    """How the page around an embedded tool talks with it.

    `storage_frame` is the name of a frame beside the tool's, which keeps the storage instead of the page
    itself, as Canvas's does; empty for none.
    """

    storage: StorageNames = StorageNames.DRAFT
    storage_frame: str = ""
    resize: ResizeForm = ResizeForm.TEXT

    @property
    def target(self) -> str:
        """What the login says as `lti_storage_target`; empty where it says nothing."""
        return "" if self.storage is StorageNames.ABSENT else self.storage_frame or "_parent"


@dataclass
class Behaviour:
    """The services that a tool calls."""

    keys: Endpoint = field(default_factory=Endpoint)
    token: Endpoint = field(default_factory=Endpoint)
    roster: Endpoint = field(default_factory=Endpoint)
    configuration: Endpoint = field(default_factory=Endpoint)
    registration: Endpoint = field(default_factory=Endpoint)

    def reset(self) -> None:
        for endpoint in (self.keys, self.token, self.roster, self.configuration, self.registration):
            endpoint.reset()
