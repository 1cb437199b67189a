"""The LMS put together."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from practice_lms import administration, content, launching, pages, registering, services

if TYPE_CHECKING:
    from practice_lms.platform import Platform

ROUTES: Final = [
    *pages.ROUTES,
    *content.ROUTES,
    *administration.ROUTES,
    *registering.ROUTES,
    *launching.ROUTES,
    *services.ROUTES,
]


def application_for(platform: Platform) -> Starlette:
    static = Mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app = Starlette(routes=[*ROUTES, static])
    app.state.platform = platform
    return app
