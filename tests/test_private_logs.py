"""Logs and the audit log hold ids: a whole story is played, and nothing in them names anybody."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Final

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from common.middleware import PathScrubber
from invites.links import mailbox_code, token_for
from invites.models import AuditEvent, Invite, MailboxCode
from invites.services.delivery import send_due_mails
from lti_tool.identity import TAB_COOKIE
from lti_tool.models import Course, Tab
from practice_lms.people import GUEST_LECTURE, INSTRUCTOR
from practice_lms.server import RunningLms
from rooms.models import Binding, Guest
from tests.factories.console import launched_tab
from tests.factories.launches import Browser, Stage, register, tab_behind
from tests.factories.lti import make_member, make_person
from tests.factories.mailserver import Mailserver, running_mailserver
from tests.factories.rooms import make_entry

pytestmark = pytest.mark.django_db

FIRST, LAST, EMAIL = "Xanthippe", "Quetzalcoatl", "xanthippe.q@glaciers.example"
WRONG: Final = "zebulon@nowhere.example"
TYPED: Final = "wolkenstein"
# The browser, the LMS and the mail server of this test write into the same process's log.
NOT_OURS: Final = {"httpx", "httpcore", "asyncio", "uvicorn", "mail", "practice_lms"}


@contextmanager
def listening() -> Iterator[StringIO]:
    """Everything that would be written to the log at the lowest level, as the shipped settings write it."""
    written = StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(lambda record: record.name.partition(".")[0] not in NOT_OURS)
    handler.addFilter(PathScrubber())
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield written
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


@pytest.fixture
def stage(foyer: str) -> Iterator[Stage]:
    with RunningLms() as lms:
        lms.connect_tool(foyer)
        yield Stage(lms, register(lms))


@pytest.fixture
def mailserver(settings: Settings) -> Iterator[Mailserver]:
    with running_mailserver(Mailserver(answers={EMAIL: f"550 5.1.1 <{EMAIL}> is unknown here"})) as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


class Story:
    """What happens, one after another; `secrets` gathers what must be in no log."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.secrets: list[str] = [
            *(FIRST, LAST, EMAIL, WRONG, TYPED, EMAIL.partition("@")[0]),
            *(INSTRUCTOR.given_name, INSTRUCTOR.family_name, INSTRUCTOR.email),
        ]

    def launch(self) -> tuple[Client, Tab]:
        browser = Browser()
        reply = self.stage.launch(browser, person=INSTRUCTOR, link=GUEST_LECTURE)
        tab = tab_behind(browser, reply)
        client = Client()
        client.cookies[TAB_COOKIE] = browser.cookies_for(reply.location)[TAB_COOKIE]
        self.secrets += [tab.handle, client.cookies[TAB_COOKIE].value]
        refused = self.stage.launch(Browser(), put={"aud": "somebody else"})
        assert refused.status == 401
        return client, tab

    def invite(self, client: Client, tab: Tab) -> Invite:
        entry = make_entry(tab.tenant, title="Reading the ice")
        assert tab.placement is not None
        Binding.objects.create(placement=tab.placement, entry=entry)
        at = f"/~{tab.handle}/media/{entry.pk}/invites/"
        assert client.post(f"{at}suggest/", {"q": TYPED}).status_code == 200
        fields = {
            "email": EMAIL,
            "first_name": FIRST,
            "last_name": LAST,
            "role": "speaker",
            "is_mailed": "on",
        }
        assert client.post(f"{at}new/", {**fields, "email": "nonsense"}).status_code == 422
        assert client.post(f"{at}new/", fields).status_code == 303
        assert client.get(at).status_code == 200
        invite = Invite.objects.get()
        self.secrets.append(token_for(invite))
        return invite

    def knock(self, invite: Invite) -> None:
        phone, door = Client(), f"/join/{token_for(invite)}"
        for typed, status in ((WRONG, 422), ("", 422), (EMAIL, 303)):
            page = phone.get(door).content.decode()
            key = re.findall(r'name="key" value="([0-9a-f]+)"', page)[0]
            assert phone.post(door, {"key": key, "email": typed}).status_code == status
        self.secrets += [morsel.value for morsel in phone.cookies.values()]
        laptop = Client()
        page = laptop.get(f"{door}/move").content.decode()
        key = re.findall(r'name="key" value="([0-9a-f]+)"', page)[0]
        laptop.post(f"{door}/move", {"key": key, "email": EMAIL})
        self.secrets.append(mailbox_code(MailboxCode.objects.get().pk))
        assert Client().get(f"{door}x").status_code >= 400
        assert Client().get(f"/media/{invite.entry_id}/").status_code == 404

    def erase(self, invite: Invite) -> None:
        client = Client()
        tab = launched_tab(client, invite.tenant)
        prefix = f"/~{tab.handle}"
        found = client.post(f"{prefix}/admin/config/tab/guests", {"address": EMAIL})
        assert found.status_code == 303
        self.secrets += [tab.handle, client.cookies[TAB_COOKIE].value]
        assert client.get(found["Location"]).status_code == 200
        assert client.post(f"{found['Location']}/export").status_code == 200
        assert client.post(found["Location"], {"confirmed": "on"}).status_code == 303
        assert client.get(found["Location"]).status_code == 404


@pytest.mark.timeout(120)
def test_no_log_names_anybody(stage: Stage, mailserver: Mailserver) -> None:
    story = Story(stage)
    with listening() as written:
        client, tab = story.launch()
        make_member(Course.objects.get(tabs=tab), person=make_person(tab.tenant, name=TYPED))
        invite = story.invite(client, tab)
        send_due_mails(timezone.now())
        story.knock(invite)
        send_due_mails(timezone.now())
        story.erase(invite)
        call_command("purge", stdout=StringIO())
    log = written.getvalue()
    assert "mail given_up" in log, "the story was told"
    assert [secret for secret in story.secrets if secret and secret.lower() in log.lower()] == []
    audit = str(list(AuditEvent.objects.values()))
    assert "privacy.erased" in audit
    assert "privacy.exported" in audit
    assert [secret for secret in story.secrets if secret and secret.lower() in audit.lower()] == []
    assert Guest.objects.get().email == ""
    for table in ("invites_invite", "invites_outboxmail", "rooms_guest"):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 - one of these three
            assert EMAIL not in str(cursor.fetchall())
