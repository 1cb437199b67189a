"""A visitor who walks over real HTTP between a running tool and a running LMS, and reads pages' forms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx

from practice_lms.people import Course, Link, Person
from practice_lms.server import LoginInitiation, RunningLms, read_form


@dataclass
class Form:
    """A form of a page, with what is filled in."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(values.get("action", "")))
        elif tag == "input" and self.forms and values.get("type") == "hidden":
            self.forms[-1].fields[values["name"]] = values.get("value", "")


def forms_of(page: httpx.Response) -> list[Form]:
    """The forms of a page, hidden fields included."""
    reader = _FormReader()
    reader.feed(page.text)
    return reader.forms


def form_to(page: httpx.Response, ending: str) -> Form:
    """The form whose address ends so."""
    found = [form for form in forms_of(page) if form.action.endswith(ending)]
    assert found, f"no form to …{ending} in: {page.text[:3000]}"
    return found[0]


@dataclass
class Visitor:
    """A browser at the tool. Its cookies go back only to the paths that they were set for."""

    tool_url: str
    jar: dict[tuple[str, str], str] = field(default_factory=dict)

    def get(self, url: str) -> httpx.Response:
        return self._send("GET", url)

    def post(self, url: str, fields: Mapping[str, object], *, with_cookies: bool = True) -> httpx.Response:
        return self._send("POST", url, fields, with_cookies=with_cookies)

    def follow(self, reply: httpx.Response) -> httpx.Response:
        """Go where answers lead, until there is a page."""
        while reply.is_redirect:
            reply = self.get(urljoin(str(reply.url), reply.headers["Location"]))
        return reply

    def open(self, lms: RunningLms, person: Person, link: Link) -> httpx.Response:
        """Open a link of a course, up to the page that it leads to."""
        return self._arrive(lms.initiate(person, link, embedded=False))

    def pick(self, lms: RunningLms, person: Person, course: Course) -> httpx.Response:
        """Open the content picker of a course, up to the tool's page."""
        return self._arrive(lms.ask_for_content(person, course, embedded=False))

    def _arrive(self, begun: LoginInitiation) -> httpx.Response:
        reply = self.post(begun.action, begun.fields)
        assert reply.status_code == 303, reply.text
        form = read_form(begun.browser.get(reply.headers["Location"]))
        return self.follow(self.post(form.action, form.fields))

    def _send(
        self,
        method: str,
        url: str,
        fields: Mapping[str, object] | None = None,
        *,
        with_cookies: bool = True,
    ) -> httpx.Response:
        path = urlsplit(url).path
        cookies = {name: value for (name, root), value in self.jar.items() if path.startswith(root)}
        jar = "; ".join(f"{name}={value}" for name, value in cookies.items()) if with_cookies else ""
        headers = {"Cookie": jar} if jar else {}
        with httpx.Client(base_url=self.tool_url, timeout=20, trust_env=False) as client:
            reply = client.request(method, url, data=fields, headers=headers)
        for line in reply.headers.get_list("Set-Cookie"):
            self._keep(line)
        return reply

    def _keep(self, line: str) -> None:
        first, *rest = (part.strip() for part in line.split(";"))
        name, _equals, value = first.partition("=")
        attributes = {key.lower(): text for key, _eq, text in (part.partition("=") for part in rest)}
        self.jar[name, attributes.get("path", "/")] = value.strip('"')
