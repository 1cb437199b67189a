"""Who sits behind this browser: the tab of a launch, told by its address and proved by its cookie or bearer.

A launched tab lives under `/~<handle>/`. The prefix is taken off before the URLs are resolved and put back
by `reverse()`, so that two tabs of one browser, launched from two courses or by two people, never mix, and no
view carries an identity around by hand.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial, wraps
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from typing import Any, Concatenate, Final, ParamSpec, TypeVar, cast
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.middleware.csrf import CSRF_ALLOWED_CHARS, CSRF_SECRET_LENGTH
from django.shortcuts import render
from django.urls import get_script_prefix, reverse, set_script_prefix
from django.utils import timezone, translation
from django.utils.functional import SimpleLazyObject

from common.access import mark
from lti_tool.models import ConsoleKey, Deployment, Membership, Platform, Tab
from lti_tool.prepared import PreparedRead, Slot

TAB_COOKIE = "foyer-tab"
HERE_COOKIE = "foyer-here"
CONSOLE_COOKIE = "foyer-console-"  # and the tenant: a browser may hold the keys of several
CONSOLE_PATH = "/admin/config/"
MAX_CONSOLES = 20
# Comes back where the browser keeps our cookies, be it in a frame: no need there for the platform's storage.
KEPT_COOKIE = "foyer-kept"

P = ParamSpec("P")
R = TypeVar("R", bound=HttpResponseBase)


class TabRequest(HttpRequest):
    """A request whose tab is known (see `for_tab`)."""

    tab: Tab


def hash_secret(secret: str) -> str:
    """What we keep of a random secret: its SHA-256 (hex). With 256 random bits a plain hash is enough."""
    return sha256(secret.encode()).hexdigest()


def secret_of(handle: str) -> str:
    """The secret of a launched tab. It is made of ours, so that the same tab can be opened again.

    The database holds its hash alone, and whoever reads that, or the handle, cannot make it.
    """
    made = hmac.digest(settings.SECRET_KEY.encode(), f"foyer tab {handle}".encode(), "sha256")
    return urlsafe_b64encode(made).rstrip(b"=").decode()


def live_tab(handle: str, secret: str) -> Tab | None:
    """The tab behind a handle, if the secret is its own and nothing has ended it.

    A tab ends by time, by the platform, deployment or person being disabled, and by a roster that says
    Inactive or Deleted since the launch (design §11, "Launch and tab").
    """
    tab = living_tab(handle) if "\0" not in handle else None  # PostgreSQL cannot be asked for that
    if tab is None or not hmac.compare_digest(tab.secret_hash, hash_secret(secret)):
        return None
    return tab


def living_tab(handle: str) -> Tab | None:
    """The same without its secret: for a service that was told the handle by the tab itself."""
    return _LIVING_TAB.first(handle=handle, now=timezone.now())


def _living_tabs(now: object) -> QuerySet[Tab]:
    rows = Tab.objects.select_related("tenant", "deployment__platform", "person", "placement", "course")
    said_gone = Membership.objects.filter(
        course_id=OuterRef("course_id"),
        person_id=OuterRef("person_id"),
        status__in=[Membership.Status.INACTIVE, Membership.Status.DELETED],
        listed_at__gt=OuterRef("launched_at"),
    )
    # Everything that may end a tab is asked here, in one question: each of its requests begins with it.
    return rows.defer(*_SELDOM).filter(
        ~Exists(said_gone),
        ended_at__isnull=True,
        expires_at__gt=now,
        person__is_disabled=False,
        deployment__state=Deployment.State.ACTIVE,
        deployment__platform__state=Platform.State.ACTIVE,
    )


# What hardly a page of a tab asks for; it is read when one does.
_SELDOM: Final = (
    *("placement__ancestors", "course__ancestors", "course__roster_url", "course__roster_wanted_at"),
    *("course__roster_claimed_at", "course__roster_fetched_at", "person__search_text", "person__launched_at"),
    *(f"deployment__platform__{name}_url" for name in ("auth", "token", "jwks")),
    *(f"deployment__platform__{name}" for name in ("token_audience", "last_launch_at", "outline_hash")),
    *("deployment__platform__created_at", "deployment__platform__frame_origins", "deployment__created_at"),
    "tenant__created_at",
)


def live_tabs(secrets: Mapping[str, str]) -> dict[str, Tab]:
    """Those of several tabs, by handle, that `live_tab` would find. One question, however many."""
    rows = _living_tabs(timezone.now()).filter(pk__in=list(secrets))
    return {
        tab.handle: tab
        for tab in rows
        if hmac.compare_digest(tab.secret_hash, hash_secret(secrets[tab.handle]))
    }


_LIVING_TAB = PreparedRead(
    lambda: _living_tabs(Slot("now", Tab.expires_at)).filter(pk=Slot("handle", Tab.handle))
)


@dataclass(frozen=True, slots=True)
class SplitPath:
    """`/~abc/media/1/` is the handle `abc` and the path `/media/1/`."""

    handle: str
    path: str


def split_path(path: str) -> SplitPath:
    """Take the tab's prefix off a path; the handle is empty where there is none that a tab could have."""
    if not path.startswith("/~") or "\0" in path:
        return SplitPath("", path)
    handle, slash, rest = path[2:].partition("/")
    return SplitPath(handle, f"{slash}{rest}")


def address_under(prefix: str, name: str, args: Sequence[object] = ()) -> str:
    """The address of a view by name, in another tab (`/~<handle>/`) or in none (`/`), wherever we are now."""
    return f"{prefix}{_address(name, *args).removeprefix('/')}"


@lru_cache(maxsize=1024)
def _address(name: str, *args: object) -> str:
    with under_prefix("/"):
        return reverse(name, args=args)


@contextmanager
def under_prefix(prefix: str) -> Iterator[None]:
    """The same for whatever asks for addresses in this block."""
    before = get_script_prefix()
    set_script_prefix(_TabPrefix(prefix) if prefix != "/" else prefix)
    try:
        yield
    finally:
        set_script_prefix(before)


def csrf_secret_of(secret: str) -> str:
    """What the forms of a tab are checked against: only who knows the tab's secret knows it."""
    made = hmac.digest(secret.encode(), b"forms of a tab", "sha256")
    return made.hex()[:CSRF_SECRET_LENGTH]


def tab_on_page(request: HttpRequest) -> dict[str, object]:
    """What templates know of the tab (a context processor): that there is one, and the token for its forms.

    The token is as Django's own, made in a fraction of the time.
    """
    if tab_of(request) is None:
        return {"has_tab": False}
    token = (
        {"csrf_token": SimpleLazyObject(partial(form_token, request))}
        if hasattr(request, "form_secret")
        else {}
    )
    return {"has_tab": True, **token}


def form_token(request: HttpRequest) -> str:
    """The token for a form of a tab."""
    secret: str = getattr(request, "form_secret", "")
    return _masked(secret)


_ALPHABET: Final = CSRF_ALLOWED_CHARS
_PLACES: Final = {char: place for place, char in enumerate(_ALPHABET)}


def _masked(secret: str) -> str:
    """A CSRF secret behind a mask that differs on each page, as Django's middleware takes it off."""
    number, mask, hidden = secrets.randbits(256), [], []
    for char in secret:
        number, shift = divmod(number, len(_ALPHABET))
        mask.append(_ALPHABET[shift])
        hidden.append(_ALPHABET[(_PLACES[char] + shift) % len(_ALPHABET)])
    return "".join(mask + hidden)


def bearer_of(request: HttpRequest) -> str:
    """The secret in `Authorization: Bearer …`: a tab shows it whose browser refuses all our cookies."""
    scheme, _space, secret = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


class _TabPrefix(str):
    """A tab's prefix as `reverse()` wants it.

    It makes a regular expression of each prefix, and compiling one for every address of every tab would cost
    more than most pages. So in there all tabs look alike.
    """

    __slots__ = ()

    def translate(self, table: object, /) -> str:
        """What `re.escape` takes for the escaped prefix."""
        del table
        return "/~[^/]+/"


class TabMiddleware:
    """Set `request.tab`, and make every address of this answer stay in the tab.

    The secret comes in the tab's cookie or, after a launch without cookies, in a header. Forms are checked
    against a CSRF secret made of it instead of Django's cookie. So a request with the right header needs no
    cookie for that either (and could not be forged anyway: no browser adds the header by itself, and a page
    of another site would have to ask us first, by CORS, which we never allow); and two frames on one page,
    launched at the same instant, do not overwrite each other's.
    """

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.tab = None  # type: ignore[attr-defined]
        split = split_path(request.path_info)
        if not split.handle:
            set_script_prefix("/")
            return self.get_response(request)
        secret = bearer_of(request) or request.COOKIES.get(TAB_COOKIE, "")
        tab = live_tab(split.handle, secret)
        if tab is None:
            set_script_prefix("/")
            return allow_framing(ask_to_come_back(request), _frame_origins_of(split.handle))
        request.COOKIES[settings.CSRF_COOKIE_NAME] = request.form_secret = csrf_secret_of(secret)  # type: ignore[attr-defined]
        set_script_prefix(_TabPrefix(f"/~{split.handle}/"))
        request.tab = tab  # type: ignore[attr-defined]
        request.path_info = split.path
        response = self.get_response(request)
        # Pages of a tab hold names and rights: no shared cache may keep them.
        response.headers.setdefault("Cache-Control", "private, no-store")
        within = getattr(response, "_csp_replace", {}).get("frame-ancestors", [])  # a frame of our own page
        return allow_framing(response, [*within, *tab.frame_origins])


def allow_framing(response: HttpResponseBase, origins: list[str]) -> HttpResponseBase:
    """Let these origins, and nobody else, frame this answer (read by django-csp)."""
    said = getattr(response, "_csp_replace", {})
    response._csp_replace = {**said, "frame-ancestors": origins or ["'none'"]}  # type: ignore[attr-defined]  # noqa: SLF001
    return response


def _frame_origins_of(handle: str) -> list[str]:
    """Who may frame the page for a tab that was not shown: as for its others; anybody where there is none."""
    origins: list[str] | None = Tab.objects.filter(pk=handle).values_list("frame_origins", flat=True).first()
    return ["*"] if origins is None else origins


def ask_to_come_back(request: HttpRequest) -> HttpResponseBase:
    """The page for an address without its tab: open the tool again from the course.

    In a tab that keeps a launch bearer it fetches what the address shows (static/js/bearer.js). It holds no
    action, so anybody may frame it: inside an LMS it would otherwise be a blank frame. The
    language is read from the browser here, because Django's own middleware has not chosen one yet.
    """
    with translation.override(translation.get_language_from_request(request)):
        response = render(request, "errors/tab.html", status=403)
    return allow_framing(response, ["*"])


def tab_of(request: HttpRequest) -> Tab | None:
    """The tab that sent the request, if any."""
    return cast("Tab | None", getattr(request, "tab", None))


def here_value(handle: str, secret: str) -> str:
    """What the cookie `foyer-here` holds: a launch that also sits in this browser's first-party jar."""
    return f"{handle}.{secret}"


def tab_here(request: HttpRequest) -> Tab | None:
    """The launched tab that `foyer-here` speaks of: who is signed in at a page without a tab (`/join/`)."""
    handle, _dot, secret = request.COOKIES.get(HERE_COOKIE, "").partition(".")
    return live_tab(handle, secret) if handle and secret else None


def console_cookie_name(tenant_id: UUID) -> str:
    """The cookie with a browser's key to one tenant's console."""
    return f"{CONSOLE_COOKIE}{tenant_id.hex[:16]}"


def console_keys_here(request: HttpRequest) -> list[ConsoleKey]:
    """The keys to consoles that this browser holds, as claim links gave them, and nobody has ended."""
    shown = [value for name, value in request.COOKIES.items() if name.startswith(CONSOLE_COOKIE)]
    keys = ConsoleKey.objects.select_related("tenant").filter(
        secret_hash__in=[hash_secret(secret) for secret in shown[:MAX_CONSOLES]],
        ended_at__isnull=True,
        expires_at__gt=timezone.now(),
    )
    return list(keys.exclude(tenant__platform__state=Platform.State.DISABLED)) if shown else []


def for_tab(
    view: Callable[Concatenate[TabRequest, P], R],
) -> Callable[..., HttpResponseBase]:
    """Let only launched tabs call the view; others read how to come back from their course."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if tab_of(request) is None:
            return ask_to_come_back(request)
        return view(cast("TabRequest", request), *args, **kwargs)

    return mark(guarded, "tab")


Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class TabScope:
    """The same for sockets: takes the prefix off the path and puts `tab` and `cookies` into the scope."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        cookies = read_cookies(scope)
        split = split_path(scope["path"])
        tab = None
        if split.handle:
            tab = await sync_to_async(live_tab)(split.handle, cookies.get(TAB_COOKIE, ""))
        await self.app(
            {**scope, "path": split.path, "tab": tab, "tab_handle": split.handle, "cookies": cookies},
            receive,
            send,
        )


def read_cookies(scope: Scope) -> dict[str, str]:
    """The cookies of an ASGI scope."""
    header = b"; ".join(value for name, value in scope.get("headers", []) if name == b"cookie")
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(header.decode("latin-1"))
    except CookieError:
        return {}
    return {name: morsel.value for name, morsel in jar.items()}
