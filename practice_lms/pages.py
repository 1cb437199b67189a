"""What people see: the course, the page of a link, and who they are signed in as."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.templating import Jinja2Templates

from practice_lms.people import (
    ASSISTANT_ROLE,
    COURSE_BUILDER_ROLE,
    INSTITUTION_ADMINISTRATOR,
    INSTRUCTOR_ROLE,
    LEARNER_ROLE,
    Course,
    Enrolment,
    Person,
)
from practice_lms.platform import Platform, Session

if TYPE_CHECKING:
    from starlette.requests import Request

TEMPLATES: Final = Jinja2Templates(Path(__file__).parent / "templates")

SESSION_COOKIE: Final = "practice-lms-session"
_SPOKEN: Final = {
    ASSISTANT_ROLE: "Teaching assistant",
    INSTRUCTOR_ROLE: "Instructor",
    COURSE_BUILDER_ROLE: "Course builder",
    LEARNER_ROLE: "Learner",
    INSTITUTION_ADMINISTRATOR: "Administrator",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A person as the course page lists them."""

    person: Person
    role: str

    @property
    def initials(self) -> str:
        return "".join(name[:1] for name in (self.person.given_name, self.person.family_name)).upper()


def platform_of(request: Request) -> Platform:
    platform = request.app.state.platform
    if not isinstance(platform, Platform):
        raise TypeError("the application was made without a platform")
    return platform


def session_of(request: Request) -> Session | None:
    return platform_of(request).sessions.get(request.cookies.get(SESSION_COOKIE, ""))


def spoken_role(person: Person, course: Course) -> str:
    roles = (*course.roles_of(person), *person.institution_roles)
    return next((spoken for uri, spoken in _SPOKEN.items() if uri in roles), "Member")


def message(request: Request, text: str, *, status_code: int) -> Response:
    return TEMPLATES.TemplateResponse(request, "lms/message.html", {"text": text}, status_code=status_code)


def not_signed_in(request: Request) -> Response:
    return message(request, "Choose on the course page who you want to be.", status_code=403)


async def home(request: Request) -> Response:
    return _course_page(request, platform_of(request).campus.courses[0])


async def course_page(request: Request) -> Response:
    course = platform_of(request).campus.course(request.path_params["course"])
    if course is None:
        return message(request, "There is no such course here.", status_code=404)
    return _course_page(request, course)


async def sign_in(request: Request, *, in_tab: bool) -> Response:
    """Become the chosen person in this browser, then open the chosen link: in the page, or as a tab."""
    platform = platform_of(request)
    form = await request.form()
    link = platform.campus.link(number(form.get("link")))
    person = platform.campus.person(number(form.get("person")))
    deployment_id = str(form.get("deployment") or platform.registration.deployment_ids[0])
    if link is None or person is None or deployment_id not in platform.registration.deployment_ids:
        return message(request, "That person or that link is not here.", status_code=404)
    if not platform.campus.may_open(person, platform.campus.course_of(link)):
        return message(request, f"{person.name} is not in this course.", status_code=403)
    place = f"/d2l/le/lti/{link.number}/launch" if in_tab else f"/course/{link.org_unit}/link/{link.number}/"
    response = RedirectResponse(place, status_code=303)
    # Secure and None as in any LMS today: the authorisation endpoint is reached from the tool's framed page.
    response.set_cookie(
        SESSION_COOKIE,
        platform.sessions.put(Session(person, deployment_id)),
        path="/",
        secure=True,
        httponly=True,
        samesite="none",
    )
    return response


async def link_page(request: Request) -> Response:
    """The link in its frame, as the signed-in person."""
    platform = platform_of(request)
    session = session_of(request)
    course = platform.campus.course(request.path_params["course"])
    link = None if course is None else course.link(request.path_params["link"])
    if course is None or link is None:
        return message(request, "There is no such link here.", status_code=404)
    if session is None:
        return not_signed_in(request)
    if not platform.campus.may_open(session.person, course):
        return message(request, f"{session.person.name} is not in this course.", status_code=403)
    row = Row(session.person, spoken_role(session.person, course))
    return TEMPLATES.TemplateResponse(
        request,
        "lms/link.html",
        {"course": course, "link": link, "row": row, "session": session, "manners": platform.frame},
        headers={"Cache-Control": "no-store"},
    )


async def storage_frame(request: Request) -> Response:
    """A frame of ours beside the tool's, which keeps the storage where the page does not."""
    return TEMPLATES.TemplateResponse(request, "lms/storage.html", {"manners": platform_of(request).frame})


def _course_page(request: Request, course: Course) -> Response:
    campus = platform_of(request).campus
    rows = [_row(one, course) for one in course.enrolments]
    return TEMPLATES.TemplateResponse(
        request,
        "lms/course.html",
        {
            "course": course,
            "courses": campus.courses,
            "staff": [row for row in rows if row.role != "Learner"],
            "learners": [row for row in rows if row.role == "Learner"],
            "administrators": [Row(one, "Administrator") for one in campus.administrators],
        },
    )


def _row(enrolment: Enrolment, course: Course) -> Row:
    return Row(enrolment.person, spoken_role(enrolment.person, course))


def number(value: object) -> int:
    """A number from a form; 0 for anything else."""
    return int(value) if isinstance(value, str) and value.isdecimal() else 0


ROUTES: Final = [
    Route("/", home),
    Route("/course/{course:int}/", course_page),
    Route("/course/{course:int}/link/{link:int}/", link_page),
    Route("/storage/", storage_frame),
    Route("/sign-in/page/", partial(sign_in, in_tab=False), methods=["POST"]),
    Route("/sign-in/tab/", partial(sign_in, in_tab=True), methods=["POST"]),
]
