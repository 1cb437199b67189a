"""The console's tabs `invitetomedia` and `theming`: a tenant's rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from hashlib import sha256
from typing import Final

from django.core.paginator import Page, Paginator
from django.http import HttpResponse
from django.utils import timezone

from invites.access import Console, ConsoleRequest
from invites.audit_words import ShownEvent, event_in_words
from invites.domains import shown_domain
from invites.embed_forms import EmbedHostsForm
from invites.models import Invite, ModuleSettings
from invites.queries import (
    audit_events_of,
    groups_named_in,
    groups_of,
    invites_broken_by,
    mails_stopped_in,
    names_in,
    newest_event,
    people_named_in,
    settings_for,
    sizes_of,
)
from invites.services.embeds import change_embeds
from invites.services.settings import InvitingRules, change_inviting_rules, change_theming
from invites.settings_fields import shown_minutes
from invites.settings_forms import (
    InvitingForm,
    ThemingForm,
    initial_of,
    installation_sender,
    theming_initial_of,
)
from invites.views.console_page import console_page, saved
from rooms.queries.media import embed_hosts_of

SHOWN_BROKEN: Final = 10  # invites named one by one before a rule is saved that would break them
BROKEN_ON_A_PAGE: Final = 50

# The fields in the order in which they stand; each group has a heading of its own in the template.
FIELDSETS: Final = {
    "who": ("enable", "AllowedUsers", "AllowedPeople", "AllowedGroups", "Suggestions"),
    "links": ("LinkDuration", "LinkReusability", "ValidUntilSessionEnds"),
    "guests": ("RestrictNewUserDomains", "VerifyMailbox"),
    "mail": ("inviteEmailTemplate", "SenderName", "SenderAddress"),
    "quotas": ("QuotaPerInviterHour", "QuotaPerEntry", "QuotaPerRecipientDay", "QuotaPerTenantDay"),
    "privacy": ("GuestRetentionDays", "AdminContact"),
}


def invitetomedia(request: ConsoleRequest) -> HttpResponse:
    """The rules of inviting: shown, asked about where they would break something, or saved."""
    tenant, now = request.console.tenant, timezone.now()
    stored = settings_for(tenant)
    initial = initial_of(stored, people_named_in(stored), groups_named_in(stored))
    if request.method != "POST":
        return _inviting_page(request, stored, InvitingForm(tenant=tenant, initial=initial))
    form = InvitingForm(request.POST, tenant=tenant, initial=initial)
    if not form.is_valid():
        return _inviting_page(request, stored, form, status=422)
    overtaken = _overtaken_by(request)
    if overtaken or "back" in request.POST:
        return _inviting_page(request, stored, form, overtaken=overtaken)
    rules = form.read()
    broken = invites_broken_by(stored, enable=rules.enable, rules=rules.restrict_new_user_domains, now=now)
    stopped = 0 if rules.sends_mail or not rules.enable else mails_stopped_in(stored, now=now)
    question = _question(rules, broken, stopped)
    if (broken or stopped) and request.POST.get("confirmed") != question:
        asked = _asked(rules, broken, stopped, question, page=request.POST.get("broken_page", ""))
        return _inviting_page(request, stored, form, asked=asked)
    change_inviting_rules(tenant, rules, by=request.console.actor, now=now)
    return saved(request.console.url("invitetomedia"))


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked before rules are saved that break something.

    Args:
        confirmation: what the answer has to carry.
        page: some of the invites; all of them where there is but one page.
        more: how many are not named.
        stopped: mails that would never go out.
    """

    confirmation: str
    switches_off: bool
    count: int
    stopped: int
    page: Page[Invite]
    more: int


def _asked(
    rules: InvitingRules, broken: list[Invite], stopped: int, confirmation: str, *, page: str
) -> Asked:
    per_page = BROKEN_ON_A_PAGE if page else SHOWN_BROKEN
    shown = Paginator(broken, per_page).get_page(page or 1)
    more = 0 if page else max(0, len(broken) - SHOWN_BROKEN)
    return Asked(confirmation, not rules.enable, len(broken), stopped, shown, more)


def _inviting_page(
    request: ConsoleRequest,
    stored: ModuleSettings,
    form: InvitingForm,
    *,
    asked: Asked | None = None,
    overtaken: Sequence[ShownEvent] = (),
    status: int = 200,
) -> HttpResponse:
    console = request.console
    groups = groups_of(console.tenant)
    context = {
        "form": form,
        "asked": asked,
        "overtaken": overtaken,
        "seen": newest_event(console.tenant, tab="invitetomedia"),
        "stored_duration": shown_minutes(stored.link_duration),
        "templates_url": console.url("emailtemplates"),
        "groups_url": console.url("groups"),
        "people_search_url": console.address("invites:people-search"),
        "group_choices": _group_choices(form, sizes_of(groups)),
        "installation_sender": installation_sender(),
        "foreign_sender": _foreign_domain(str(form["SenderAddress"].value() or "")),
        "bad_fields": [form[name] for names in FIELDSETS.values() for name in names if form[name].errors],
    }
    return console_page(request, console, "invitetomedia", context, status=status)


def _overtaken_by(request: ConsoleRequest) -> list[ShownEvent]:
    """What others have saved here since the page was made: saving it as it is would take that back unseen."""
    seen = request.POST.get("seen", "")
    if not seen.isdecimal():
        return []
    console = request.console
    events = list(audit_events_of(console.tenant, tab="invitetomedia").filter(pk__gt=int(seen[:18])))
    names = names_in(console.tenant, events)
    return [event_in_words(one, names, names_operators=console.operator_id is not None) for one in events]


def _group_choices(form: InvitingForm, sizes: dict[int, int]) -> list[dict[str, object]]:
    """The tick boxes with the number of people behind each."""
    chosen = {str(value) for value in form["AllowedGroups"].value() or ()}
    return [
        {"group": group, "size": sizes.get(group.pk, 0), "is_chosen": str(group.pk) in chosen}
        for group in form.fields["AllowedGroups"].queryset  # type: ignore[attr-defined]  # it has one
    ]


def _foreign_domain(address: str) -> str:
    """The domain of a sender that is not the installation's own: its owner has to allow us to send for it."""
    domain = address.strip().rpartition("@")[2].lower()
    own = parseaddr(installation_sender())[1].rpartition("@")[2].lower()
    return shown_domain(domain) if domain and domain != own else ""


def _question(rules: InvitingRules, broken: list[Invite], stopped: int) -> str:
    """What a confirmation answers: these rules, breaking so much. Any other is asked about anew."""
    restricted = [str(rule) for rule in rules.restrict_new_user_domains]
    said = (rules.enable, rules.sends_mail, restricted, len(broken), stopped)
    return sha256(repr(said).encode()).hexdigest()[:16]


def theming(request: ConsoleRequest) -> HttpResponse:
    """Whether media pages offer inviting; and, as a form of its own, from where they may show media."""
    stored = settings_for(request.console.tenant)
    initial = theming_initial_of(stored)
    if request.method != "POST":
        return _theming_page(request.console, request, ThemingForm(initial=initial))
    if "embedHosts" in request.POST:
        return _save_embeds(request, ThemingForm(initial=initial))
    form = ThemingForm(request.POST, initial=initial)
    if not form.is_valid():
        return _theming_page(request.console, request, form, status=422)
    change_theming(
        request.console.tenant,
        shows_on_media_page=form.read(),
        by=request.console.actor,
        now=timezone.now(),
    )
    return saved(request.console.url("theming"))


def _save_embeds(request: ConsoleRequest, beside: ThemingForm) -> HttpResponse:
    console = request.console
    form = EmbedHostsForm(request.POST)
    if not form.is_valid():
        return _theming_page(console, request, beside, embeds=form, status=422)
    hosts = form.cleaned_data["embedHosts"]
    change_embeds(console.tenant, hosts, by=console.actor, now=timezone.now())
    return saved(console.url("theming"))


def _theming_page(
    console: Console,
    request: ConsoleRequest,
    form: ThemingForm,
    *,
    embeds: EmbedHostsForm | None = None,
    status: int = 200,
) -> HttpResponse:
    hosts = "\n".join(embed_hosts_of(console.tenant))
    embeds = embeds or EmbedHostsForm(initial={"embedHosts": hosts})
    return console_page(request, console, "theming", {"form": form, "embeds": embeds}, status=status)
