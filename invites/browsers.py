"""Browsers inside other apps: they mostly forget who was here as soon as they are closed. Pure."""

import re
from typing import Final

# What these apps write into the name of their browser. The first that is found counts.
_APPS: Final = (
    ("Outlook", re.compile(r"Outlook-(?:iOS|Android)|OutlookMobile|com\.microsoft\.office\.outlook")),
    ("Teams", re.compile(r"\bTeams(?:Mobile[-\w]*)?/|SkypeSpaces")),
    ("Gmail", re.compile(r"\bGmail\b|\bGSA/")),
    ("Instagram", re.compile(r"\bInstagram\b")),
    ("Facebook", re.compile(r"\bFBA[NV]/|\bFB_IAB/|\bFBIOS\b")),
    ("LinkedIn", re.compile(r"\bLinkedInApp\b")),
    ("WeChat", re.compile(r"\bMicroMessenger/")),
    ("LINE", re.compile(r"\bLine/\d")),
)
# Android says so itself; on iPhones and iPads a browser that is none lacks the last word of Safari's name.
_VIEW_OF_AN_APP: Final = re.compile(
    r"Android[^)]*; wv\)|\((?:iPhone|iPad|iPod)[^)]*\) AppleWebKit/(?!.*\bSafari/)"
)


def is_inside_app(user_agent: str) -> bool:
    """Whether this browser is a part of another app, as far as its name tells."""
    return bool(app_around(user_agent)) or _VIEW_OF_AN_APP.search(user_agent) is not None


def app_around(user_agent: str) -> str:
    """The name of that app; empty where there is none, or none that we know."""
    return next((name for name, pattern in _APPS if pattern.search(user_agent)), "")
