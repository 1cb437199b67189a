"""Who studies and teaches here, and what: the campus as data.

Nothing in here changes: who adds a link or copies a course gets another campus. No name in here belongs to
anybody.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from typing import Final

_LIS: Final = "http://purl.imsglobal.org/vocab/lis/v2"

INSTRUCTOR_ROLE: Final = f"{_LIS}/membership#Instructor"
ASSISTANT_ROLE: Final = f"{_LIS}/membership/Instructor#TeachingAssistant"
COURSE_BUILDER_ROLE: Final = f"{_LIS}/membership#ContentDeveloper"
LEARNER_ROLE: Final = f"{_LIS}/membership#Learner"

FACULTY: Final = f"{_LIS}/institution/person#Faculty"
STAFF: Final = f"{_LIS}/institution/person#Staff"
STUDENT: Final = f"{_LIS}/institution/person#Student"
INSTITUTION_ADMINISTRATOR: Final = f"{_LIS}/institution/person#Administrator"

# One prefix for all people of one instance; it is not the tenant's own id.
USER_GUID: Final = "6f1d2c3a-8b40-4e57-9a16-2d0c5e7f9b31"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account here. Names and address may be empty, as they may be in any LMS."""

    number: int
    given_name: str
    family_name: str
    username: str
    email: str
    org_defined_id: str
    institution_roles: tuple[str, ...] = (STUDENT,)
    locale: str = "en-us"

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def sub(self) -> str:
        """The id that tools see: opaque to them, with the user's number after the last underscore."""
        return f"{USER_GUID}_{self.number}"


@dataclass(frozen=True, slots=True)
class Link:
    """A place in a course from which the tool is opened."""

    number: int
    guid: str
    org_unit: int
    title: str
    description: str | None = None
    history: tuple[str, ...] = ()
    custom: tuple[tuple[str, str], ...] = ()  # parameters that came with a deep link

    @property
    def resource_link_id(self) -> str:
        return f"{self.guid}-{self.number}_{self.org_unit}"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A person in a course, with the context roles that the LMS sends for them there."""

    person: Person
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """An org unit with its classlist and its links."""

    org_unit: int
    code: str
    title: str
    term: str
    links: tuple[Link, ...]
    enrolments: tuple[Enrolment, ...]
    history: tuple[str, ...] = ()

    @property
    def context_id(self) -> str:
        return str(self.org_unit)

    def link(self, number: int) -> Link | None:
        return next((link for link in self.links if link.number == number), None)

    def roles_of(self, person: Person) -> tuple[str, ...]:
        """Empty for people who are not enrolled, such as administrators who look in."""
        return next((one.roles for one in self.enrolments if one.person == person), ())


@dataclass(frozen=True)
class Campus:
    """Everything that one run of this LMS knows."""

    courses: tuple[Course, ...]
    administrators: tuple[Person, ...]
    people: tuple[Person, ...] = field(init=False)

    def __post_init__(self) -> None:
        everybody = [one.person for course in self.courses for one in course.enrolments]
        object.__setattr__(self, "people", tuple(dict.fromkeys([*everybody, *self.administrators])))

    def course(self, org_unit: int) -> Course | None:
        return next((course for course in self.courses if course.org_unit == org_unit), None)

    def course_of(self, link: Link) -> Course:
        course = self.course(link.org_unit)
        if course is None:
            raise LookupError(f"no course with the org unit {link.org_unit} on this campus")
        return course

    def link(self, number: int) -> Link | None:
        return next((link for course in self.courses for link in course.links if link.number == number), None)

    def person(self, number: int) -> Person | None:
        return next((person for person in self.people if person.number == number), None)

    def may_open(self, person: Person, course: Course) -> bool:
        return person in self.administrators or bool(course.roles_of(person))

    def new_link(
        self,
        org_unit: int,
        title: str,
        description: str | None = None,
        *,
        custom: tuple[tuple[str, str], ...] = (),
    ) -> Link:
        """A link with a number of its own."""
        number = 1 + max((link.number for course in self.courses for link in course.links), default=0)
        return Link(number, str(uuid.uuid4()), org_unit, title, description, custom=custom)

    def with_link(self, link: Link) -> Campus:
        """The campus with one more link in that link's course."""
        courses = (
            replace(course, links=(*course.links, link)) if course.org_unit == link.org_unit else course
            for course in self.courses
        )
        return Campus(tuple(courses), self.administrators)

    def copy_of(self, course: Course) -> Course:
        """The same course once more: new ids, the old ones as history; what links carry is carried along."""
        org_unit = 1 + max(one.org_unit for one in self.courses)
        number = 1 + max((link.number for one in self.courses for link in one.links), default=0)
        links = (
            replace(
                link,
                number=number + count,
                guid=str(uuid.uuid4()),
                org_unit=org_unit,
                history=(link.resource_link_id, *link.history),
            )
            for count, link in enumerate(course.links)
        )
        return replace(
            course,
            org_unit=org_unit,
            code=f"{course.code}-{org_unit}",
            title=f"{course.title} (copy)",
            links=tuple(links),
            history=(course.context_id, *course.history),
        )

    def with_course(self, course: Course) -> Campus:
        """The campus with one more course."""
        return Campus((*self.courses, course), self.administrators)


def _learner(
    number: int, given_name: str, family_name: str, username: str, *, locale: str = "en-us"
) -> Person:
    address = f"{username}@campus.example"
    return Person(number, given_name, family_name, username, address, f"S{480000 + number}", locale=locale)


INSTRUCTOR: Final = Person(
    1102, "Marisol", "Ibarra-Quintero", "mibarra", "marisol.ibarra@campus.example", "F20417", (FACULTY,)
)
SECOND_INSTRUCTOR: Final = Person(
    1117, "Tobias", "Lindqvist", "tlindqvist", "tobias.lindqvist@campus.example", "F20433", (FACULTY,)
)
ASSISTANT: Final = Person(
    1240, "Adaeze", "Okonkwo", "aokonkwo", "adaeze.okonkwo@campus.example", "S481240", (STUDENT, STAFF)
)
COURSE_BUILDER: Final = Person(
    1305, "Priya", "Raghunathan", "praghu", "priya.raghu@campus.example", "E30088", (STAFF,)
)
HARBOUR_INSTRUCTOR: Final = Person(
    1164, "Wim", "van der Heijden", "wvdheijden", "wim.vanderheijden@campus.example", "F20466", (FACULTY,)
)
ADMINISTRATOR: Final = Person(
    1003,
    "Ingrid",
    "Solheim",
    "isolheim",
    "ingrid.solheim@campus.example",
    "E30002",
    (INSTITUTION_ADMINISTRATOR,),
)

LEARNERS: Final = (
    _learner(2001, "Amélie", "Deschênes", "adeschenes", locale="en-ca"),
    _learner(2002, "Mateusz", "Wójcik", "mwojcik"),
    _learner(2003, "Nguyễn Thị", "Minh Châu", "ntmchau"),
    _learner(2004, "Jürgen", "Großmann", "jgrossmann", locale="de-de"),
    _learner(2005, "Siobhán", "Ó Súilleabháin", "sosuilleabhain"),
    _learner(2006, "Wulandari", "", "wulandari"),
    _learner(2007, "Aliyah", "Al-Mansouri", "aalmansouri"),
    _learner(2008, "Björk", "Þórhallsdóttir", "bthorhalls"),
    _learner(2009, "陽菜", "佐藤", "hsato"),
    _learner(2010, "Kwabena", "Asante-Boateng", "kasante"),
    _learner(2011, "Zoë", "Papadopoulou", "zpapadopoulou"),
    _learner(2012, "João Pedro", "Cavalcanti de Albuquerque e Silva", "jpcavalcanti", locale="pt-br"),
    _learner(2013, "Šárka", "Dvořáková", "sdvorakova"),
    _learner(2014, "Owen", "Li", "oli"),
    _learner(2015, "Fatoumata", "N’Diaye", "fndiaye", locale="fr-fr"),
    _learner(2016, "Δημήτρης", "Αναγνώστου", "danagnostou"),
    _learner(2017, "Lars-Erik", "Åkerström", "lakerstrom"),
    _learner(2018, "Ximena", "Ñáñez", "xnanez", locale="es-mx"),
    _learner(2019, "Олександра", "Шевчук", "oshevchuk"),
    _learner(2020, "Maximiliane Wilhelmina", "Freifrau von Hohenstaufen-Löwenherz", "mwvhohenstaufen"),
    _learner(2021, "Te Ariki", "Ngāta", "tngata"),
    _learner(2022, "Yağmur", "Öztürk", "yozturk"),
    _learner(2023, "Ravi", "Subramaniam Venkataraghavan", "rvenkat"),
    _learner(2024, "Eilidh", "MacGillivray", "emacgillivray"),
    # Released without an address: an empty string, which is how Brightspace sends it.
    Person(2025, "Sunniva", "Bjørnstad", "sbjornstad", "", "S482025"),
    _learner(2026, "سارة", "الحداد", "salhaddad"),
    _learner(2027, "Jean-Baptiste", "L’Heureux", "jblheureux", locale="fr-ca"),
    _learner(2028, "Tình", "D’Souza", "tdsouza"),
    _learner(2029, "Ana", "Kovačević", "akovacevic"),
    _learner(2030, "Bo", "Ek", "bek"),
)
LEARNER: Final = LEARNERS[0]
SECOND_LEARNER: Final = LEARNERS[1]

_BIOLOGY: Final = 6784
_HARBOUR: Final = 6921

SEMINAR_ROOM: Final = Link(
    41,
    "b7a4d0e2-5c19-4f38-8e6b-0d93f1a27c54",
    _BIOLOGY,
    "Weekly seminar room",
    "Our live hour, every Thursday.",
)
GUEST_LECTURE: Final = Link(
    42,
    "0c8e5f71-9d2a-4b63-a1f7-34be60d8925c",
    _BIOLOGY,
    "Guest lecture: life at hydrothermal vents",
    "With a guest from outside the university.",
)
OFFICE_HOURS: Final = Link(43, "e51b93c8-27d4-4a0f-bd65-8f17c02a6e39", _BIOLOGY, "Office hours")
SITE_VISIT: Final = Link(
    57,
    "2fd06a9b-4e83-47c1-96d5-b10c7e38f4a2",
    _HARBOUR,
    "Site visit debrief",
    history=("2fd06a9b-4e83-47c1-96d5-b10c7e38f4a2-31_6512",),
)

MARINE_BIOLOGY: Final = Course(
    _BIOLOGY,
    "BIO-210-26A",
    "Introduction to Marine Biology",
    "Autumn 2026",
    (SEMINAR_ROOM, GUEST_LECTURE, OFFICE_HOURS),
    (
        Enrolment(INSTRUCTOR, (INSTRUCTOR_ROLE,)),
        Enrolment(SECOND_INSTRUCTOR, (INSTRUCTOR_ROLE,)),
        Enrolment(ASSISTANT, (ASSISTANT_ROLE, INSTRUCTOR_ROLE)),
        Enrolment(COURSE_BUILDER, (COURSE_BUILDER_ROLE,)),
        *(Enrolment(learner, (LEARNER_ROLE,)) for learner in LEARNERS),
    ),
)
# Some people are in both courses, not always in the same role: what they may do in one must not show in the
# other. It was made by copying last year's course, whose ids it carries as its history.
HARBOUR_ENGINEERING: Final = Course(
    _HARBOUR,
    "ENG-334-26A",
    "Harbour Engineering",
    "Autumn 2026",
    (SITE_VISIT,),
    (
        Enrolment(HARBOUR_INSTRUCTOR, (INSTRUCTOR_ROLE,)),
        Enrolment(SECOND_INSTRUCTOR, (COURSE_BUILDER_ROLE,)),
        Enrolment(ASSISTANT, (LEARNER_ROLE,)),
        *(Enrolment(learner, (LEARNER_ROLE,)) for learner in LEARNERS[:6]),
    ),
    history=("6512",),
)

CAMPUS: Final = Campus((MARINE_BIOLOGY, HARBOUR_ENGINEERING), (ADMINISTRATOR,))


def crowded_campus(learners: int) -> Campus:
    """The same campus with one more course of that many learners, for trying long classlists."""
    org_unit = 7300
    crowd = (
        _learner(100_000 + count, f"Learner {count}", "Crowd", f"crowd{count}") for count in range(learners)
    )
    course = Course(
        org_unit,
        "GEN-100-26A",
        "First-year lecture",
        "Autumn 2026",
        (Link(90, "9a6c3f10-71d8-4be2-8f05-c4d2e19b7a60", org_unit, "Lecture hall"),),
        (
            Enrolment(INSTRUCTOR, (INSTRUCTOR_ROLE,)),
            *(Enrolment(learner, (LEARNER_ROLE,)) for learner in crowd),
        ),
    )
    return Campus((*CAMPUS.courses, course), CAMPUS.administrators)
