"""A browser that goes from a running LMS to Foyer and back, and Foyer's registration of that LMS."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from json import loads
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from django.conf import settings

from lti_tool.identity import TAB_COOKIE, live_tab
from lti_tool.models import Platform, Tab
from lti_tool.services.registration import Registration, register_platform
from practice_lms.people import GUEST_LECTURE, INSTRUCTOR, Link, Person
from practice_lms.registration import FIRST_DEPLOYMENT
from practice_lms.server import LmsBrowser, PostedForm, RunningLms, read_form

if TYPE_CHECKING:
    from http.cookies import Morsel

LOGIN, LAUNCH = "/lti/login/", "/lti/launch/"
FORM: Final = "application/x-www-form-urlencoded"

# Below a client: it would keep cookies, follow redirects and know the proxies of this machine.
_WIRE: Final = httpx.HTTPTransport(verify=False, limits=httpx.Limits(max_keepalive_connections=0))


class Reply:
    """An answer of Foyer, as far as a test looks at it."""

    def __init__(self, response: httpx.Response) -> None:
        self.status: int = response.status_code
        self.headers: Mapping[str, str] = response.headers
        self.cookies: Mapping[str, Morsel[str]] = SimpleCookie()
        for line in response.headers.get_list("Set-Cookie"):
            self.cookies.load(line)
        self.text: str = response.content.decode()
        assert self.status != httpx.codes.INTERNAL_SERVER_ERROR, self.text

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @property
    def code(self) -> str:
        """The reason code on a page of refusal."""
        before, found, after = self.text.partition('Code <code class="code">')
        assert found, f"status {self.status}, no code on the page: {before[:2000]}"
        return after.partition("<")[0]

    @property
    def data(self) -> dict[str, str]:
        """What a page on the way in tells its script."""
        reader = _DataReader()
        reader.feed(self.text)
        return reader.data

    @property
    def json(self) -> dict[str, str]:
        """What a script was told."""
        told: dict[str, str] = loads(self.text)
        return told


class _DataReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.data: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            self.data |= {name.removeprefix("data-"): value or "" for name, value in attrs}


@dataclass
class Browser:
    """A browser at Foyer, over real HTTP (the fixture `foyer`).

    Cookies go back only to the paths that they were set for, as in real ones, and Secure ones to loopback
    without TLS, as in real ones.
    """

    jar: dict[tuple[str, str], str] = field(default_factory=dict)

    def get(self, address: str, **parameters: str) -> Reply:
        query = f"?{urlencode(parameters)}" if parameters else ""
        return self.send("GET", address + query)

    def post(self, address: str, fields: Mapping[str, object], **headers: str) -> Reply:
        return self.send("POST", address, urlencode(fields, doseq=True).encode(), FORM, **headers)

    def cookies_for(self, path: str) -> dict[str, str]:
        return {name: value for (name, root), value in self.jar.items() if path.startswith(root)}

    def send(
        self, method: str, address: str, body: bytes = b"", content_type: str = "", **headers: str
    ) -> Reply:
        """Send any body under any name, and keep the cookies that come back."""
        path = address.removeprefix(settings.PUBLIC_URL)
        assert path.startswith("/"), f"{address} is not Foyer's"
        if cookies := self.cookies_for(urlsplit(path).path):
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        if content_type:
            headers["Content-Type"] = content_type
        request = httpx.Request(method, settings.PUBLIC_URL + path, headers=headers, content=body)
        response = _WIRE.handle_request(request)
        response.read()
        response.close()
        reply = Reply(response)
        for name, morsel in reply.cookies.items():
            key = (name, morsel["path"])
            if morsel["max-age"] == "0":
                self.jar.pop(key, None)
            else:
                self.jar[key] = morsel.value
        return reply


@dataclass
class Attempt:
    """A login that Foyer has answered: what is missing is a token."""

    state: str
    nonce: str
    location: str
    at_lms: LmsBrowser
    stored: dict[str, str] = field(default_factory=dict)


@dataclass
class Stage:
    """The LMS, Foyer's registration of it, and what happens between them."""

    lms: RunningLms
    platform: Platform

    def log_in(
        self,
        browser: Browser,
        *,
        person: Person = INSTRUCTOR,
        link: Link = GUEST_LECTURE,
        deployment_id: str = FIRST_DEPLOYMENT,
        embedded: bool = False,  # in a frame whose LMS offers its storage
        put: Mapping[str, str] | None = None,
    ) -> Attempt:
        """Press a link in the course, and follow it up to the redirect back to the LMS."""
        begun = self.lms.initiate(person, link, embedded=embedded, deployment_id=deployment_id)
        reply = browser.post(begun.action, {**begun.fields, **(put or {})})
        stored: dict[str, str] = {}
        if reply.status == 200:  # the page that leaves the secret in the LMS's storage
            stored = reply.data
        else:
            assert reply.status == 303, reply.text
        location = stored.get("next", reply.location)
        query = parse_qs(urlsplit(location).query)
        return Attempt(query["state"][0], query["nonce"][0], location, begun.browser, stored)

    def answer(self, attempt: Attempt) -> PostedForm:
        """The honest answer of the LMS."""
        return read_form(attempt.at_lms.get(attempt.location))

    def token(
        self,
        attempt: Attempt,
        *,
        person: Person = INSTRUCTOR,
        link: Link = GUEST_LECTURE,
        deployment_id: str = FIRST_DEPLOYMENT,
        now: float | None = None,
        put: Mapping[str, object] | None = None,
        without: tuple[str, ...] = (),
    ) -> str:
        """A token for this attempt, honest but for what is replaced or left out."""
        return self.lms.sign(
            self.lms.claims(
                person,
                link,
                nonce=attempt.nonce,
                deployment_id=deployment_id,
                now=now,
                put=put,
                without=without,
            )
        )

    def deliver(self, browser: Browser, attempt: Attempt, token: str) -> Reply:
        """Post a token to Foyer, as the LMS's page would."""
        return browser.post(LAUNCH, {"id_token": token, "state": attempt.state})

    def launch(
        self,
        browser: Browser,
        *,
        person: Person = INSTRUCTOR,
        link: Link = GUEST_LECTURE,
        deployment_id: str = FIRST_DEPLOYMENT,
        put: Mapping[str, object] | None = None,
        without: tuple[str, ...] = (),
    ) -> Reply:
        """A whole launch, honest but for what is replaced or left out of the token."""
        attempt = self.log_in(browser, person=person, link=link, deployment_id=deployment_id)
        token = self.token(
            attempt, person=person, link=link, deployment_id=deployment_id, put=put, without=without
        )
        return self.deliver(browser, attempt, token)


def tab_behind(browser: Browser, reply: Reply) -> Tab:
    """The tab that a launch led to, found as a request of that browser would find it."""
    assert reply.status == 303, reply.text
    path = reply.location
    assert path.startswith("/~"), path
    tab = live_tab(path[2:].partition("/")[0], browser.cookies_for(path)[TAB_COOKIE])
    assert tab is not None
    return tab


def register(lms: RunningLms, **values: object) -> Platform:
    """Register a running LMS, as its administrator would."""
    facts = lms.registration
    registration = Registration(
        **{  # type: ignore[arg-type]
            "issuer": facts.issuer,
            "client_id": facts.client_id,
            "auth_url": facts.auth_url,
            "token_url": facts.token_url,
            "jwks_url": facts.jwks_url,
            "audience": facts.audience,
            "name": "Practice LMS",
            "deployment_ids": facts.deployment_ids,
            **values,
        }
    )
    return register_platform(registration).platform
