"""The LMS as an ASGI application; where it lives and where the tool lives comes from the environment."""

from __future__ import annotations

import os

from practice_lms.application import application_for
from practice_lms.platform import Platform
from practice_lms.registration import tool_at

application = application_for(
    Platform(
        origin=os.environ.get("PRACTICE_LMS_URL", "http://localhost:8000").rstrip("/"),
        tool=tool_at(os.environ.get("PRACTICE_LMS_TOOL_URL", "http://127.0.0.1:8001")),
    )
)
