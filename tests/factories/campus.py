"""A course with a room, and browsers that launched into it."""

from dataclasses import dataclass, field

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from lti_tool.models import Course, Person, Placement, Tab
from lti_tool.roles import ApplicationRole, Right
from rooms.models import Binding, Collaborator, Entry
from tests.factories.lti import make_course, make_member, make_person, make_placement, make_tab, make_tenant
from tests.factories.rooms import make_entry


@dataclass
class Browser:
    """One browser with one launched tab."""

    tab: Tab
    client: Client

    @property
    def person(self) -> Person:
        return self.tab.person

    def at(self, path: str) -> str:
        """A path in this tab."""
        return f"/~{self.tab.handle}{path}"

    def get(self, path: str, **query: str) -> "Answer":
        return Answer(self, self.client.get(self.at(path), query))

    def cost(self, path: str) -> int:
        """How many questions to the database a page takes."""
        with CaptureQueriesContext(connection) as asked:
            assert self.get(path).status == 200
        return len(asked)

    def post(self, path: str, **data: str) -> "Answer":
        return Answer(self, self.client.post(self.at(path), data))


@dataclass
class Answer:
    """What came back: a page, or where to go (without the tab's prefix)."""

    browser: Browser
    response: object = field(repr=False)

    @property
    def status(self) -> int:
        status: int = self.response.status_code  # type: ignore[attr-defined]
        return status

    @property
    def text(self) -> str:
        content: bytes = self.response.content  # type: ignore[attr-defined]
        return content.decode()

    @property
    def to(self) -> str:
        location: str = self.response.headers["Location"]  # type: ignore[attr-defined]
        prefix = self.browser.at("")
        assert location.startswith(prefix), "an answer never leaves its tab"
        return location.removeprefix(prefix)


@dataclass
class Campus:
    """A course with one link, and a room of its own at another link."""

    course: Course
    link: Placement
    entry: Entry
    entry_link: Placement

    def launch(
        self,
        right: Right = Right.OWNER,
        application_role: ApplicationRole = ApplicationRole.ADMIN,
        *,
        at: Placement | None = None,
        person: Person | None = None,
        **values: object,
    ) -> Browser:
        """Somebody launches: from the link that shows the room, or from `at`."""
        placement = at or self.entry_link
        course = placement.course or self.course
        person = person or make_person(course.tenant)
        member = make_member(course, right=right, application_role=application_role, person=person)
        tab, secret = make_tab(member, placement, **values)
        client = Client()
        client.cookies["foyer-tab"] = secret
        return Browser(tab, client)

    def learner(self, **values: object) -> Browser:
        return self.launch(Right.NONE, ApplicationRole.VIEWER, **values)  # type: ignore[arg-type]

    def page(self, name: str = "") -> str:
        return f"/media/{self.entry.pk}/{name}"

    def placed(self, **values: object) -> Entry:
        """One more room of the course."""
        entry = make_entry(self.course.tenant, **values)
        Binding.objects.create(placement=make_placement(self.course), entry=entry)
        return entry

    def name(self, right: Right, **values: object) -> Collaborator:
        """One more person with a right by name."""
        person = make_person(self.course.tenant, **values)
        make_member(self.course, person=person)
        return Collaborator.objects.create(entry=self.entry, person=person, right=right.value)


def make_campus() -> Campus:
    """Everything of it."""
    course = make_course(make_tenant(), title="GEO 214 Glaciology")
    entry = make_entry(course.tenant, title="Reading the ice")
    entry_link = make_placement(course, title="Week 5")
    Binding.objects.create(placement=entry_link, entry=entry)
    return Campus(course, make_placement(course, title="Week 6: Live session"), entry, entry_link)
