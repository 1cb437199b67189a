"""What starts and ends with the server process: the worker thread (only without Redis) and the hub."""

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings

from invites.worker import BackgroundWorker
from rooms.broadcast import hub

log = logging.getLogger(__name__)


class Lifespan:
    """ASGI's lifespan protocol."""

    async def __call__(
        self,
        _scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        worker = BackgroundWorker()
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await hub.start()
                if not settings.REDIS_URL:
                    log.info("REDIS_URL is not set: everything runs in this one process, the worker included")
                    worker.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                worker.stop()
                await hub.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return
