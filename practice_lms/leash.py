"""Runs a Python module until its standard input ends: a child that cannot outlive whoever started it.

`python -m practice_lms.leash uvicorn config.asgi:application --port 8001`
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def _end_with(stream_number: int) -> None:
    while os.read(stream_number, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    sys.argv = sys.argv[1:]
    threading.Thread(target=_end_with, args=(sys.stdin.fileno(),), daemon=True).start()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
