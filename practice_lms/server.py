"""The LMS in a thread of this process, and the browser with which a test visits it."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlencode

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from practice_lms.application import application_for
from practice_lms.keys import KeyRing, SigningKey
from practice_lms.people import CAMPUS, Campus, Course, Link, Person
from practice_lms.platform import Grant, Platform
from practice_lms.registration import FIRST_DEPLOYMENT, Registration, Tool, tool_at
from practice_lms.tokens import Claims, Launch, alter, launch_claims, sign

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from starlette.requests import Request

    from practice_lms.behaviour import Behaviour

_PATIENCE: Final = 10.0
# Nothing here speaks TLS, and a context with all the world's authorities takes longer to make than a launch.
_NO_AUTHORITIES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def bound_socket(port: int) -> socket.socket:
    """A socket at that port of this machine, or at a free one for 0; OSError where the port is taken."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(("127.0.0.1", port))
    except OSError:
        bound.close()
        raise
    return bound


class Served:
    """An application served by uvicorn in a thread, from `start` until `stop`.

    It listens on 127.0.0.1 alone. `host` is the name in its origin: `localhost` beside a tool at `127.0.0.1`
    makes the two different sites for a browser.
    """

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._socket = bound_socket(port)
        self.port: int = self._socket.getsockname()[1]
        self.origin = f"http://{host}:{self.port}"
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def application(self) -> Starlette:
        raise NotImplementedError

    def start(self) -> None:
        config = uvicorn.Config(
            self.application(),
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=1,
            ws="none",
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [self._socket]}, daemon=True)
        thread.start()
        until = time.monotonic() + _PATIENCE
        while not server.started:
            if not thread.is_alive() or time.monotonic() > until:
                raise RuntimeError(f"nothing answers at {self.origin}")
            time.sleep(0.01)
        self._server, self._thread = server, thread

    @property
    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """From now on a connection to this address is refused. Stopping twice does nothing."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(_PATIENCE)
        self._server = self._thread = None
        self._socket.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class RunningLms(Served):
    """The LMS at an address of its own, and everything about it that a test may look at or change."""

    def __init__(
        self,
        *,
        tool_url: str = "http://127.0.0.1:8001",
        host: str = "127.0.0.1",
        port: int = 0,
        campus: Campus = CAMPUS,
    ) -> None:
        super().__init__(host=host, port=port)
        self.platform = Platform(origin=self.origin, tool=tool_at(tool_url), campus=campus)
        self._campus = campus
        self._key = self.platform.keys.signing

    def application(self) -> Starlette:
        return application_for(self.platform)

    @property
    def registration(self) -> Registration:
        return self.platform.registration

    @property
    def keys(self) -> KeyRing:
        return self.platform.keys

    @property
    def behaviour(self) -> Behaviour:
        return self.platform.behaviour

    @property
    def tool(self) -> Tool:
        return self.platform.tool

    def connect_tool(self, tool: str | Tool) -> None:
        """Tell the LMS where the tool lives, by its public address or address by address."""
        self.platform.tool = self.platform.tool_by_hand = tool_at(tool) if isinstance(tool, str) else tool

    def reset(self) -> None:
        """Forget what tests have changed, the keys included; the address stays."""
        fresh = Platform(
            origin=self.origin,
            tool=self.platform.tool_by_hand,
            campus=self._campus,
            keys=KeyRing(self._key.renamed()),
        )
        for name, value in vars(fresh).items():
            setattr(self.platform, name, value)

    def initiate(
        self, person: Person, link: Link, *, embedded: bool = True, deployment_id: str = FIRST_DEPLOYMENT
    ) -> LoginInitiation:
        """Open a link as somebody, in a browser of their own, up to the form for the tool's login address."""
        browser = LmsBrowser(self)
        form = browser.open(person, link, embedded=embedded, deployment_id=deployment_id)
        return LoginInitiation(form.action, form.fields, browser)

    def ask_for_content(
        self,
        person: Person,
        course: Course,
        *,
        embedded: bool = True,
        deployment_id: str = FIRST_DEPLOYMENT,
    ) -> LoginInitiation:
        """Press "add content" as somebody, up to the form for the tool's login address."""
        browser = LmsBrowser(self)
        form = browser.add_content(person, course, embedded=embedded, deployment_id=deployment_id)
        return LoginInitiation(form.action, form.fields, browser)

    def claims(
        self,
        person: Person,
        link: Link,
        *,
        nonce: str,
        deployment_id: str = FIRST_DEPLOYMENT,
        now: float | None = None,
        put: Mapping[str, object] | None = None,
        without: tuple[str, ...] = (),
    ) -> Claims:
        """What an honest launch would say, with some claims replaced and others left out.

        `lti:roles` is short for the claim's whole name, and so on.
        """
        launch = Launch(
            issuer=self.origin,
            client_id=self.tool.client_id,
            target_link_uri=self.tool.target_link_uri,
            person=person,
            link=link,
            nonce=nonce,
            deployment_id=deployment_id,
            campus=self.platform.campus,
            release=self.platform.release_of(deployment_id),
        )
        return alter(launch_claims(launch, now=now), put=put, without=without)

    def visit(self, person: Person, link: Link, *, deployment_id: str = FIRST_DEPLOYMENT) -> PostedForm:
        """A whole launch without any tool: from now on the deployment has seen this person."""
        login = self.initiate(person, link, deployment_id=deployment_id)
        return login.answer(login.address(login.request(nonce="none", state="none")))

    def grant(self, *scopes: str) -> str:
        """An access token without asking for one, for whatever scopes."""
        return self.platform.grants.put(Grant(frozenset(scopes)))

    def sign(
        self,
        payload: Mapping[str, object] | bytes,
        *,
        key: SigningKey | None = None,
        headers: Mapping[str, object] | None = None,
        algorithm: str = "RS256",
    ) -> str:
        """A token over that payload, with the platform's key or another."""
        return sign(payload, key or self.keys.signing, headers=headers, algorithm=algorithm)


@dataclass(frozen=True, slots=True)
class PostedForm:
    """A form that would post itself: where to, and with what."""

    action: str
    fields: dict[str, str]

    @property
    def id_token(self) -> str:
        return self.fields["id_token"]

    @property
    def state(self) -> str:
        return self.fields["state"]


class LmsBrowser:
    """A browser's visit to the LMS, over real HTTP, with a cookie jar of its own."""

    def __init__(self, lms: RunningLms) -> None:
        self.lms = lms
        self._cookies: dict[str, str] = {}

    def get(self, url: str) -> httpx.Response:
        return self._send("GET", url)

    def post(self, url: str, fields: Mapping[str, str]) -> httpx.Response:
        return self._send("POST", url, fields)

    def open(
        self, person: Person, link: Link, *, embedded: bool = True, deployment_id: str = FIRST_DEPLOYMENT
    ) -> PostedForm:
        """Press "open" beside that person; the answer is the login initiation, ready to be posted."""
        where = "page" if embedded else "tab"
        fields = {"person": str(person.number), "link": str(link.number), "deployment": deployment_id}
        reply = self.post(f"/sign-in/{where}/", fields)
        if reply.is_error:
            raise ValueError(f"the LMS answered {reply.status_code}: {reply.text[:200]}")
        signal = "?signalStorage=true" if embedded else ""
        return read_form(self.get(f"/d2l/le/lti/{link.number}/launch{signal}"))

    def add_content(
        self,
        person: Person,
        course: Course,
        *,
        embedded: bool = True,
        deployment_id: str = FIRST_DEPLOYMENT,
    ) -> PostedForm:
        """Press "add content" beside that person; the answer is the login initiation."""
        fields = {
            "person": str(person.number),
            "course": str(course.org_unit),
            "deployment": deployment_id,
        }
        reply = self.post("/sign-in/add/", fields)
        if reply.is_error:
            raise ValueError(f"the LMS answered {reply.status_code}: {reply.text[:200]}")
        signal = "?signalStorage=true" if embedded else ""
        return read_form(self.get(f"/d2l/le/lti/course/{course.org_unit}/add{signal}"))

    def _send(self, method: str, url: str, fields: Mapping[str, str] | None = None) -> httpx.Response:
        with httpx.Client(
            base_url=self.lms.origin, timeout=_PATIENCE, trust_env=False, verify=_NO_AUTHORITIES
        ) as client:
            # By hand: a jar keeps Secure cookies from plain http, which browsers send to this machine.
            jar = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
            reply = client.request(method, url, data=fields, headers={"Cookie": jar} if jar else {})
        self._cookies |= dict(reply.cookies.items())
        return reply


@dataclass(frozen=True, slots=True)
class LoginInitiation:
    """The first leg of a launch, ready to be posted to the tool."""

    action: str
    fields: dict[str, str]
    browser: LmsBrowser = field(repr=False)

    def request(self, *, nonce: str, state: str) -> dict[str, str]:
        """The authentication request of a tool that does everything right."""
        return {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": self.fields["client_id"],
            "redirect_uri": self.browser.lms.tool.launch_url,
            "login_hint": self.fields["login_hint"],
            "lti_message_hint": self.fields["lti_message_hint"],
            "nonce": nonce,
            "state": state,
        }

    def address(self, asked: Mapping[str, str]) -> str:
        """Where a tool sends the browser with such a request."""
        return f"{self.browser.lms.registration.auth_url}?{urlencode(asked)}"

    def answer(self, location: str) -> PostedForm:
        """Follow the tool's redirect back to the LMS, up to the form for the tool's launch address."""
        return read_form(self.browser.get(location))


def read_form(page: httpx.Response) -> PostedForm:
    """The one form of a page that posts itself."""
    if page.status_code != httpx.codes.OK:
        raise ValueError(f"the LMS answered {page.status_code}: {page.text[:200]}")
    reader = _FormReader()
    reader.feed(page.text)
    return PostedForm(reader.action, reader.fields)


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.fields: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.action = values["action"]
        elif tag == "input" and "name" in values:
            self.fields[values["name"]] = values.get("value", "")


class RunningKeySet(Served):
    """A server with nothing but a key set at `url`: the tool's keys where no whole tool is running."""

    def __init__(self, key_set: Mapping[str, object]) -> None:
        super().__init__()
        self.key_set = key_set

    @property
    def url(self) -> str:
        return f"{self.origin}/jwks.json"

    def application(self) -> Starlette:
        async def publish(_request: Request) -> Response:
            return JSONResponse(self.key_set)

        return Starlette(routes=[Route(path, publish) for path in ("/jwks.json", "/lti/jwks.json")])
