"""Browsers inside other apps are told by their names; real browsers never are."""

import pytest

from invites.browsers import app_around, is_inside_app

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android 14; Pixel 8{view}) AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "app"),
    [
        (f"{IPHONE} Mobile/15E148 Outlook-iOS/4.2420.0", "Outlook"),
        (ANDROID.format(view="; wv") + " Chrome/125.0 Mobile Safari/537.36 Outlook-Android/2.0", "Outlook"),
        (f"{IPHONE} Mobile/15E148 [FBAN/FBIOS;FBAV/460.0.0.36.107]", "Facebook"),
        (f"{IPHONE} Mobile/21F79 Instagram 332.0.0.22.90 (iPhone15,2; iOS 17_5)", "Instagram"),
        (f"{IPHONE} GSA/318.0 Mobile/15E148 Safari/604.1", "Gmail"),
        (ANDROID.format(view="") + " Chrome/125.0 Mobile Safari/537.36 TeamsMobile-Android/1.0", "Teams"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120 Safari/537.36 Teams/1.7", "Teams"),
        (f"{IPHONE} Mobile/15E148 [LinkedInApp]/9.29", "LinkedIn"),
        (ANDROID.format(view="; wv") + " Version/4.0 Chrome/125.0 Mobile Safari/537.36", ""),
        (f"{IPHONE} Mobile/15E148", ""),
    ],
)
def test_an_apps_own_browser_is_told(user_agent: str, app: str) -> None:
    assert is_inside_app(user_agent)
    assert app_around(user_agent) == app


@pytest.mark.parametrize(
    "user_agent",
    [
        "",
        f"{IPHONE} Version/17.5 Mobile/15E148 Safari/604.1",
        f"{IPHONE} CriOS/125.0.6422.80 Mobile/15E148 Safari/604.1",
        f"{IPHONE} FxiOS/126.0 Mobile/15E148 Safari/605.1.15",
        ANDROID.format(view="") + " Chrome/125.0.0.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Android 14; Mobile; rv:126.0) Gecko/126.0 Firefox/126.0",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/125.0 Safari/537.36 Edg/125.0",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/125.0.0.0 Safari/537.36",
    ],
)
def test_a_browser_of_ones_own_is_left_alone(user_agent: str) -> None:
    assert not is_inside_app(user_agent)
