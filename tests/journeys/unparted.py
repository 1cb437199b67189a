"""Foyer for a browser that knows no partitioned cookies: the word is left out of all its answers.

A browser that blocks third-party cookies then refuses every cookie of a frame, by itself, and keeps those of
a tab of its own: as Safari did before it knew the word, and as browsers do that are told to.
"""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from config.asgi import application as whole

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """The same application, with plainer cookies."""

    async def send_plainer(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [_plainer(*each) for each in message["headers"]]}
        await send(message)

    await whole(scope, receive, send_plainer)


def _plainer(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    return name, value.replace(b"; Partitioned", b"") if name.lower() == b"set-cookie" else value
