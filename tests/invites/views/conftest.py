"""The running LMS of `tests/lti_tool`, for pages of the console that talk to one."""

from tests.lti_tool.conftest import (
    _running_lms,
    browser,
    lms,
    own_keys_dir,
    published_keys,
    stage,
)

__all__ = ["_running_lms", "browser", "lms", "own_keys_dir", "published_keys", "stage"]
