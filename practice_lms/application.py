"""The LMS put together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from practice_lms import launching, pages, services

if TYPE_CHECKING:
    from practice_lms.platform import Platform


def application_for(platform: Platform) -> Starlette:
    static = Mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app = Starlette(routes=[*pages.ROUTES, *launching.ROUTES, *services.ROUTES, static])
    app.state.platform = platform
    return app
