"""The console as tests drive it."""

import re
from typing import Final, Protocol

from django.test import Client

from lti_tool.identity import TAB_COOKIE
from lti_tool.models import Tab, Tenant
from tests.factories.lti import make_course, make_member, make_tab

INVITE_TO_MEDIA: Final = "/admin/config/tab/invitetomedia"
GOOD: Final[dict[str, str]] = {
    "enable": "Yes",
    "LinkDuration": "60",
    "LinkReusability": "2",
    "ValidUntilSessionEnds": "No",
    "AllowedUsers": "admin",
    "AllowedPeople": "",
    "Suggestions": "tenant",
    "RestrictNewUserDomains": "",
    "VerifyMailbox": "hosting",
    "inviteEmailTemplate": "shipped",
    "SenderName": "Northfield Events",
    "SenderAddress": "events@university.edu",
    "QuotaPerInviterHour": "20",
    "QuotaPerEntry": "300",
    "QuotaPerRecipientDay": "3",
    "QuotaPerTenantDay": "4000",
    "GuestRetentionDays": "90",
    "AdminContact": "help@university.edu",
}


def launched_tab(client: Client, tenant: Tenant, *, is_admin: bool = True) -> Tab:
    """A launched tab in this browser."""
    tab, secret = make_tab(make_member(make_course(tenant)), is_console_admin=is_admin)
    client.cookies[TAB_COOKIE] = secret
    return tab


class Answer(Protocol):
    """An answer of the test client."""

    content: bytes


def text_of(response: Answer) -> str:
    """The page."""
    return response.content.decode()


def field_error(response: Answer, name: str) -> str:
    """What stands beside a field, without the markup."""
    found = re.search(rf'id="id_{name}_error">(.*?)</div>', text_of(response), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split()) if found else ""


def confirmation_in(response: Answer) -> str:
    """What answers the question that the page asks."""
    found = re.search(r'name="confirmed" value="([0-9a-f]+)"', text_of(response))
    return found[1] if found else ""
