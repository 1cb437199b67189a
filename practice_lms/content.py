"""Deep Linking: a teacher adds content from the tool, whose answer is believed as little as possible."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import jwt
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from practice_lms import pages
from practice_lms.launching import posting_form
from practice_lms.pages import SESSION_COOKIE, TEMPLATES, Row, platform_of, session_of, spoken_role
from practice_lms.people import LEARNER_ROLE, Course, Link, Person
from practice_lms.platform import PendingContent, Platform, Session
from practice_lms.services import AssertionRefusedError, tool_key
from practice_lms.tokens import DL, LTI

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

_LONGEST_LIFE: Final = 3600
_CLOCK: Final = 60
_TYPES_WE_LINK: Final = "ltiResourceLink"


class AnswerRefusedError(Exception):
    """The tool's answer cannot be used; the text says why, for whoever builds the tool."""


@dataclass(frozen=True, slots=True)
class Item:
    """A link that the tool gives for the course."""

    title: str
    text: str
    custom: tuple[tuple[str, str], ...]


def may_add_content(person: Person, course: Course) -> bool:
    roles = course.roles_of(person)
    return bool(roles) and LEARNER_ROLE not in roles


async def sign_in(request: Request) -> Response:
    """Become the chosen person in this browser, then open the content picker of the course."""
    platform = platform_of(request)
    form = await request.form()
    course = platform.campus.course(pages.number(form.get("course")))
    person = platform.campus.person(pages.number(form.get("person")))
    deployment_id = str(form.get("deployment") or platform.registration.deployment_ids[0])
    if course is None or person is None or deployment_id not in platform.registration.deployment_ids:
        return pages.message(request, "That person or that course is not here.", status_code=404)
    if not may_add_content(person, course):
        return pages.message(request, f"{person.name} does not build this course.", status_code=403)
    response = RedirectResponse(f"/course/{course.org_unit}/add/", status_code=303)
    session = platform.sessions.put(Session(person, deployment_id))
    response.set_cookie(SESSION_COOKIE, session, path="/", secure=True, httponly=True, samesite="none")
    return response


async def picker_page(request: Request) -> Response:
    """The page around the tool's selector, which is always a frame."""
    found = _course_and_session(request)
    if isinstance(found, Response):
        return found
    course, session = found
    row = Row(session.person, spoken_role(session.person, course))
    context = {"course": course, "row": row, "session": session, "manners": platform_of(request).frame}
    headers = {"Cache-Control": "no-store"}
    return TEMPLATES.TemplateResponse(request, "lms/add.html", context, headers=headers)


async def initiate(request: Request) -> Response:
    """The first leg: the same as for a link, but what is asked for is content."""
    platform = platform_of(request)
    found = _course_and_session(request)
    if isinstance(found, Response):
        return found
    course, session = found
    pending = PendingContent(session.person, course.org_unit, session.deployment_id, platform.content_data())
    fields = {
        "iss": platform.origin,
        "login_hint": session.person.sub,
        "target_link_uri": platform.tool.target_link_uri,
        "client_id": platform.tool.client_id,
        "lti_deployment_id": session.deployment_id,
        "lti_message_hint": platform.expect(pending),
    }
    if request.query_params.get("signalStorage") == "true" and platform.frame.target:
        fields["lti_storage_target"] = platform.frame.target
    return posting_form(request, platform.tool.login_url, fields)


async def take_back(request: Request) -> Response:
    """The tool's answer. Whoever is not content with it reads why, as a tool's maker would want to."""
    platform = platform_of(request)
    pending = platform.asked_content.get(request.path_params["key"])
    course = platform.campus.course(pending.org_unit) if pending else None
    if pending is None or course is None:
        return pages.message(request, "Nobody is choosing content here any more.", status_code=404)
    try:
        claims = await read_answer(str((await request.form()).get("JWT", "")), platform, pending)
        items = _items(claims, platform)
    except AnswerRefusedError as refusal:
        context = {"course": course, "why": str(refusal)}
        return TEMPLATES.TemplateResponse(request, "lms/refused.html", context, status_code=403)
    links = [_add(platform, course, item) for item in items]
    said = {name: claims.get(f"{DL}{name}") for name in ("msg", "errormsg")}
    context = {"course": course, "links": links, "said": said}
    return TEMPLATES.TemplateResponse(request, "lms/added.html", context)


async def read_answer(token: str, platform: Platform, pending: PendingContent) -> dict[str, object]:
    """The claims of an answer that is in order from signature to data.

    Raises:
        AnswerRefusedError: and what is wrong with it.
    """
    try:
        key = await tool_key(platform, jwt.get_unverified_header(token).get("kid"))
        claims: dict[str, object] = jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            audience=platform.origin,
            issuer=platform.tool.client_id,
            leeway=_CLOCK,
            options={"require": ["iss", "aud", "exp", "iat", "nonce"]},
        )
    except (jwt.PyJWTError, AssertionRefusedError) as error:
        raise AnswerRefusedError(f"The token is not in order: {error}.") from error
    _check_times(claims)
    wanted = {
        f"{LTI}message_type": "LtiDeepLinkingResponse",
        f"{LTI}version": "1.3.0",
        f"{LTI}deployment_id": pending.deployment_id,
    }
    for name, value in wanted.items():
        if claims.get(name) != value:
            raise AnswerRefusedError(f"{name} is {claims.get(name)!r}, not {value!r}.")
    sent = {} if pending.data is None else {f"{DL}data": pending.data}
    if {name: value for name, value in claims.items() if name == f"{DL}data"} != sent:
        raise AnswerRefusedError("data did not come back as it was sent.")
    _spend_nonce(platform, claims["nonce"])
    return claims


def _check_times(claims: Mapping[str, object]) -> None:
    exp, iat = claims["exp"], claims["iat"]
    if not isinstance(exp, int | float) or not isinstance(iat, int | float):
        raise AnswerRefusedError("exp or iat is no number.")
    if not iat <= time.time() + _CLOCK or exp - iat > _LONGEST_LIFE:
        raise AnswerRefusedError("The token was signed in the future, or lives too long.")


def _spend_nonce(platform: Platform, nonce: object) -> None:
    if not isinstance(nonce, str) or not nonce:
        raise AnswerRefusedError("The nonce is none.")
    if platform.spent_assertions.get(f"nonce {nonce}"):
        raise AnswerRefusedError("The nonce has been used before.")
    platform.spent_assertions.put(thing=True, name=f"nonce {nonce}")


def _items(claims: Mapping[str, object], platform: Platform) -> list[Item]:
    given = claims.get(f"{DL}content_items")
    if not isinstance(given, list):
        raise AnswerRefusedError("content_items is no list.")
    if len(given) > 1 and not platform.content.accepts_multiple:
        raise AnswerRefusedError("One item was asked for, and several came.")
    return [_item(one, platform) for one in given]


def _item(given: object, platform: Platform) -> Item:
    if not isinstance(given, dict) or given.get("type") not in platform.content.accept_types:
        raise AnswerRefusedError("An item is of a type that was not asked for.")
    if given["type"] != _TYPES_WE_LINK:
        raise AnswerRefusedError("This practice LMS makes nothing but links to tools.")
    # Even an added query is refused, as in the field.
    if given.get("url", platform.tool.target_link_uri) != platform.tool.target_link_uri:
        raise AnswerRefusedError("The url of an item is not the registered target link URI.")
    custom = given.get("custom", {})
    if not isinstance(custom, dict) or not all(isinstance(value, str) for value in custom.values()):
        raise AnswerRefusedError("A custom value is no text.")
    title, text = given.get("title", ""), given.get("text", "")
    if not isinstance(title, str) or not isinstance(text, str):
        raise AnswerRefusedError("The title or the text of an item is no text.")
    return Item(title or "Untitled", text, tuple(custom.items()))


def _add(platform: Platform, course: Course, item: Item) -> Link:
    link = platform.campus.new_link(course.org_unit, item.title, item.text or None, custom=item.custom)
    platform.campus = platform.campus.with_link(link)
    return link


def _course_and_session(request: Request) -> tuple[Course, Session] | Response:
    course = platform_of(request).campus.course(request.path_params["course"])
    session = session_of(request)
    if course is None:
        return pages.message(request, "There is no such course here.", status_code=404)
    if session is None:
        return pages.not_signed_in(request)
    if not may_add_content(session.person, course):
        return pages.message(request, f"{session.person.name} does not build this course.", status_code=403)
    return course, session


ROUTES: Final = [
    Route("/sign-in/add/", sign_in, methods=["POST"]),
    Route("/course/{course:int}/add/", picker_page),
    Route("/d2l/le/lti/course/{course:int}/add", initiate),
    Route("/d2l/le/lti/content/{key}/return", take_back, methods=["POST"]),
]
