"""The threads in which sockets ask the database: a few, each with a connection that it keeps.

Under ASGI nothing else may keep one: every request there has a thread of its own, and they would pile up.
These threads are counted, so their connections are, too.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import partial
from threading import Barrier, BrokenBarrierError, local
from time import monotonic
from typing import Final, ParamSpec, TypeVar

from django.db import connection, connections

P = ParamSpec("P")
T = TypeVar("T")

THREADS: Final = 8
KEPT_FOR: Final = 600.0  # seconds that a connection is kept, as under WSGI
_CLOSE_WITHIN: Final = 5.0

# Of our own, because asgiref's shared one is a single thread.
_threads = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="sockets")


class _Since(local):
    """When this thread's connection was opened."""

    at = 0.0


_since = _Since()


async def in_database(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run something that asks or writes the database, without keeping the loop waiting."""
    run = partial(copy_context().run, _keeping, partial(work, *args, **kwargs))
    return await asyncio.get_running_loop().run_in_executor(_threads, run)


def _keeping(work: Callable[[], T]) -> T:
    if connection.connection is None:
        _since.at = monotonic()
    try:
        return work()
    finally:
        if connection.errors_occurred or monotonic() - _since.at > KEPT_FOR:
            connection.close()


def close_kept() -> None:
    """Close them all: the server stops. Called from a thread that waits for nothing."""
    barrier = Barrier(THREADS)  # so that each thread takes one of these

    def close() -> None:
        connections.close_all()
        try:
            barrier.wait(_CLOSE_WITHIN)
        except BrokenBarrierError:
            return

    wait([_threads.submit(close) for _ in range(THREADS)], timeout=2 * _CLOSE_WITHIN)
