"""A campus to search: people with names as unevenly spread as real ones, guests, one large course."""

import random
import uuid

from django.utils import timezone

from lti_tool.models import Course, Deployment, Membership, Person, Platform, Tenant
from rooms.models import Entry, Guest

GIVEN = (  # noqa: SIM905 - nobody reads a hundred quoted words
    "Anna Maria José Jürgen Łukasz Zoë François Bjørn Søren Anne-Marie Mohammed Fatima Wei Li Yuki "
    "Haruto Ana Luis Thomas Michael Sarah Laura Julia Peter Jan Eva Sofia Emma Noah Liam Olivia Lucas "
    "Mia Léa Hugo Chloé Aïcha Björn Åsa Øystein Siobhán Séamus Nguyên Thảo Đức Ivan Olga Dmitri Natasha "
    "Giulia Marco Elena Paolo Inês João Beatriz Tiago Ayşe Mehmet Zeynep Ahmet Priya Rahul Aisha Omar "
    "Leila Hassan Kofi Ama Chinedu Ngozi David Daniel"
).split()
FAMILY = (  # noqa: SIM905 - as above
    "Müller Schmidt García Fernández López Martínez Silva Santos Nguyễn Trần Wang Li Zhang Chen Kim "
    "Park Smith Jones Brown Taylor Wilson Johansson Ørsted Łukaszewski Kowalski Nowak Novák Horváth "
    "Nagy Papadopoulos Öztürk Ivanov Petrova O’Brien MacDonald van-der-Berg De-Vries Dubois "
    "Lefèvre Moreau Rossi Bianchi Ferrari Strauß Groß Bergström Lindqvist Hansen Nielsen Jørgensen "
    "Sørensen Haddad Khan Patel Singh Okafor Mensah Tanaka Suzuki Sato"
).split()
SYLLABLES = [first + second for first in "bdfghklmnprstvw" for second in "aeio"]


HOSTS = ["uni", "med.uni", "students.uni"]
COMMON = 0.6  # of all names


def some_name(pick: random.Random, common: list[str]) -> str:
    """A common name, the first ones most of all, or one that few people have."""
    if pick.random() < COMMON:
        return common[min(int(pick.expovariate(0.06)), len(common) - 1)]
    return "".join(pick.choices(SYLLABLES, k=pick.randint(2, 4))).title()


def seed(
    *, people: int, guests: int, members: int, seed_number: int
) -> tuple[Entry, Course, Person, list[Person]]:
    """Fill an empty database; the entry, the course, an inviter, and everybody."""
    pick = random.Random(seed_number)  # noqa: S311 - the same campus at each run
    now = timezone.now()
    platform = Platform.objects.create(name="Campus", issuer="https://lms.example", client_id="search")
    tenant = Tenant.objects.create(name="Campus", platform=platform)
    deployment = Deployment.objects.create(platform=platform, tenant=tenant, deployment_id="1")
    course = Course.objects.create(tenant=tenant, deployment=deployment, context_id="1", title="Course")
    everybody = []
    for number in range(people):
        given, family = some_name(pick, GIVEN), some_name(pick, FAMILY)
        email = f"{given}.{family}{number}@{pick.choice(HOSTS)}.example".lower()
        person = Person(
            id=uuid.UUID(int=pick.getrandbits(128), version=4),
            tenant=tenant,
            sub=f"sub-{number}",
            name=f"{given} {family}",
            given_name=given,
            family_name=family,
            email=email,
            normalised_email=email,
        )
        person.make_searchable()
        everybody.append(person)
    Person.objects.bulk_create(everybody, batch_size=2000)
    strangers = []
    for number in range(guests):
        given, family = some_name(pick, GIVEN), some_name(pick, FAMILY)
        email = f"{family}{number}@elsewhere{number % 900}.example".lower()
        guest = Guest(tenant=tenant, email=email, normalised_email=email, first_name=given, last_name=family)
        guest.make_searchable()
        strangers.append(guest)
    Guest.objects.bulk_create(strangers, batch_size=2000)
    chosen = pick.sample(everybody, members)
    Membership.objects.bulk_create(
        [Membership(course=course, person=person, launched_at=now) for person in chosen], batch_size=2000
    )
    entry = Entry.objects.create(tenant=tenant, title="Guest lecture")
    return entry, course, everybody[0], everybody


def terms(everybody: list[Person], *, number: int, seed_number: int) -> list[tuple[str, str]]:
    """What people type, with a word for its kind."""
    pick = random.Random(seed_number)  # noqa: S311 - the same questions at each run
    found = []
    for turn in range(number):
        person = pick.choice(everybody)
        word = pick.choice([person.given_name, person.family_name])
        length = pick.randint(2, 10)
        match turn % 8:
            case 0 | 1:
                found.append(("beginning of a name", word[:length]))
            case 2:
                found.append(("two letters", word[:2]))
            case 3:
                start = pick.randint(0, max(0, len(person.email) - length))
                found.append(("part of an address", person.email[start : start + length]))
            case 4:
                two = f"{person.given_name[: pick.randint(1, 4)]} {person.family_name[: pick.randint(2, 6)]}"
                found.append(("two words", two))
            case 5:
                words = [
                    person.given_name[:3],
                    person.family_name[:3],
                    "uni",
                    person.email.split("@")[0][-2:],
                ]
                found.append(("three or four words", " ".join(words[: pick.randint(3, 4)])))
            case 6:
                letters = "".join(pick.choices("abcdefghijklmnopqrstuvwxyz", k=length))
                found.append(("hardly anybody", letters))
            case _:
                found.append(("whole address", person.email))
    return found
