"""Reloads of one page, each by another guest, all at once or spread: `reload.py ADDRESS COOKIES SPREAD`."""

import asyncio
import json
import random
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

WITHIN = 120.0  # seconds
OPEN_AT_ONCE = 1000  # what a proxy in front keeps waiting for the servers behind it


async def reload(host: str, port: int, path: str, cookie: str, gate: asyncio.Semaphore) -> int:
    """One guest's request on a connection of its own; gives the status."""
    async with gate:
        try:
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(
                f"GET {path} HTTP/1.1\r\nHost: foyer.example.edu\r\nCookie: {cookie}\r\n"
                "Accept-Language: en\r\nConnection: close\r\n\r\n".encode()
            )
            answer = await asyncio.wait_for(reader.read(), WITHIN)
            writer.close()
        except (OSError, TimeoutError):
            return 0
    status = int(answer[9:12] or 0)
    return status if b"data-version" in answer or status != 200 else 0  # noqa: PLR2004 - OK


async def main(address: str, cookies: list[str], spread: float) -> None:
    """All of them."""
    parts = urlsplit(address)
    gate = asyncio.Semaphore(OPEN_AT_ONCE)
    began = time.monotonic()

    async def one(cookie: str) -> int:
        await asyncio.sleep(random.uniform(0, spread))  # noqa: S311 - spreads, hides nothing
        return await reload(parts.hostname or "", parts.port or 80, parts.path, cookie, gate)

    statuses = await asyncio.gather(*map(one, cookies))
    took = time.monotonic() - began
    print(json.dumps({"pages": len(cookies), "ok": statuses.count(200), "seconds": round(took, 2)}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]).read_text().split(), float(sys.argv[3])))
