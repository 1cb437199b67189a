"""The console's tab `rolemapping`: what roles of the LMS are worth, and how a person's rights came about."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.http import HttpResponse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from common.throttle import Limit
from invites.access import Console, ConsoleRequest, for_console
from invites.queries import people_behind
from invites.rolemapping_forms import (
    ExplainForm,
    RoleMappingForm,
    default_mapping_initial,
    key_of,
    mapping_initial_of,
)
from invites.services.platforms import change_mapping
from invites.views.console_page import console_page, saved
from lti_tool.models import APPLICATION_ROLE_CHOICES, RIGHT_CHOICES, Membership, Person
from lti_tool.pasted import Pasted, Unreadable, UnreadableError, read_pasted
from lti_tool.queries import latest_memberships, people_like, rules_of
from lti_tool.roles import (
    VOCABULARY,
    ApplicationRole,
    Explanation,
    Right,
    Scope,
    Weighed,
    Weight,
    explain_roles,
)

EXPLAINED: Final = Limit("explain-roles", 120, 60)


def rolemapping(request: ConsoleRequest) -> HttpResponse:
    """The mapping: shown, filled with the defaults, or saved."""
    tenant = request.console.tenant
    if request.method != "POST":
        initial = mapping_initial_of(tenant, rules_of(tenant))
        return _mapping_page(request, RoleMappingForm(initial=initial))
    if "defaults" in request.POST:
        return _mapping_page(request, RoleMappingForm(initial=default_mapping_initial()), is_reset=True)
    form = RoleMappingForm(request.POST)
    if not form.is_valid():
        return _mapping_page(request, form, status=422)
    change_mapping(tenant, form.read(), by=request.console.actor, now=timezone.now())
    return saved(request.console.url("rolemapping"))


def _mapping_page(
    request: ConsoleRequest, form: RoleMappingForm, *, is_reset: bool = False, status: int = 200
) -> HttpResponse:
    context = {
        "form": form,
        "groups": form.groups(),
        "is_reset": is_reset,
        "explain_url": explain_url(request.console),
        "bad_fields": [form[name] for name in form.errors if name in form.fields],
    }
    return console_page(request, request.console, "rolemapping", context, status=status)


# --- Explain --------------------------------------------------------------------------------------

_UNREADABLE: Final[dict[Unreadable, str | Promise]] = {
    Unreadable.EMPTY: gettext_lazy("Paste a token or its claims, or name a person."),
    Unreadable.TOO_LONG: gettext_lazy("That is longer than a launch may be (64 KB)."),
    Unreadable.ENCRYPTED: gettext_lazy(
        "This token is encrypted. LTI signs tokens and does not encrypt them."
    ),
    Unreadable.NOT_A_TOKEN: gettext_lazy(
        "This is neither a token (three parts with dots between them) nor JSON. Copy all of it, from the "
        "first letter to the last."
    ),
    Unreadable.NO_ROLES: gettext_lazy(
        "The claim “roles” is missing. A launch without it is refused with the code no_roles; an empty list "
        "would be let in."
    ),
    Unreadable.ROLES_ARE_NO_LIST: gettext_lazy(
        "The claim “roles” is no list. Such a launch is refused with the code no_roles."
    ),
}


@dataclass(frozen=True, slots=True)
class ExplainedRole:
    """One role in words."""

    text: str
    name: str
    weighed: Weighed
    words: str
    row_url: str
    gives_right: bool
    gives_application_role: bool

    @property
    def right_label(self) -> str:
        """The right that its row names; empty where no row counted."""
        return right_label(self.weighed.row.right) if self.weighed.row else ""

    @property
    def application_role_label(self) -> str:
        """The application role that its row names; empty where no row counted."""
        return application_role_label(self.weighed.row.application_role) if self.weighed.row else ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One answer: what comes out, and of what."""

    explanation: Explanation
    roles: tuple[ExplainedRole, ...]
    title: str = ""
    at: datetime | None = None
    stored: Membership | None = None

    @property
    def right_label(self) -> str:
        """The right that comes out."""
        return right_label(self.explanation.standing.right)

    @property
    def application_role_label(self) -> str:
        """The application role that comes out."""
        return application_role_label(self.explanation.standing.application_role)

    @property
    def differs(self) -> bool:
        """Whether what the person has by now is not what the mapping says: it changed since."""
        standing = self.explanation.standing
        return self.stored is not None and (self.stored.right, self.stored.application_role) != (
            standing.right.value,
            standing.application_role.value,
        )


@sensitive_post_parameters("pasted", "person")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_console
def explain(request: ConsoleRequest) -> HttpResponse:
    """Which right and application role come out, and which row decided. What is asked is kept nowhere."""
    if request.method != "POST":
        return _explain_page(request, ExplainForm())
    EXPLAINED.count(request.console.actor)
    form = ExplainForm(request.POST)
    if not form.is_valid():
        return _explain_page(request, form, status=422)
    pasted, line = form.cleaned_data["pasted"], form.cleaned_data["person"]
    if line and not pasted:
        return _explain_person(request, form, line)
    try:
        found = read_pasted(pasted)
    except UnreadableError as error:
        form.add_error("pasted", str(_UNREADABLE[error.reason]))
        return _explain_page(request, form, status=422)
    outcome = _outcome(request.console, found.roles)
    return _explain_page(request, form, outcomes=[outcome], pasted=found)


def _explain_person(request: ConsoleRequest, form: ExplainForm, line: str) -> HttpResponse:
    tenant = request.console.tenant
    people = people_behind(tenant, line) or people_like(tenant, line)
    if not people:
        form.add_error("person", _("Nobody here is called so, or has this address or id."))
        return _explain_page(request, form, status=422)
    if len(people) > 1:
        return _explain_page(request, form, people=people)
    outcomes = [_outcome(request.console, row.roles, stored=row) for row in latest_memberships(people[0])]
    return _explain_page(request, form, person=people[0], outcomes=outcomes)


def _explain_page(
    request: ConsoleRequest,
    form: ExplainForm,
    *,
    outcomes: Iterable[Outcome] = (),
    person: Person | None = None,
    people: Iterable[Person] = (),
    pasted: Pasted | None = None,
    status: int = 200,
) -> HttpResponse:
    tenant = request.console.tenant
    context = {
        "form": form,
        "outcomes": list(outcomes),
        "person": person,
        "people": list(people),
        "pasted": pasted,
        "is_of_another": bool(pasted and pasted.issuer and pasted.issuer != tenant.platform.issuer),
        "mapping_url": request.console.url("rolemapping"),
        "explain_url": explain_url(request.console),
    }
    template = "invites/console/explain.html"
    return console_page(request, request.console, "rolemapping", context, template=template, status=status)


def right_label(right: Right) -> str:
    """The name of a right."""
    return str(dict(RIGHT_CHOICES)[right.value])


def application_role_label(application_role: ApplicationRole) -> str:
    """The name of an application role."""
    return str(dict(APPLICATION_ROLE_CHOICES)[application_role.value])


def explain_url(console: Console) -> str:
    """Where the question is asked; an operator's address carries the tenant."""
    return console.address("invites:explain-roles")


def _outcome(console: Console, texts: Iterable[str], *, stored: Membership | None = None) -> Outcome:
    tenant = console.tenant
    explanation = explain_roles(texts, rules_of(tenant), learner_wins=tenant.learner_wins)
    url = console.url("rolemapping")
    return Outcome(
        explanation,
        roles=tuple(_in_words(one, explanation, url) for one in explanation.weighed),
        title=str(stored.course) if stored else "",
        at=stored.launched_at if stored else None,
        stored=stored,
    )


def _in_words(one: Weighed, explanation: Explanation, mapping_url: str) -> ExplainedRole:
    row = VOCABULARY.get(one.row.role) if one.row else None
    return ExplainedRole(
        text=one.text,
        name=(one.role.sub_role or one.role.principal) if one.role else "",
        weighed=one,
        words=_words_of(one, explanation),
        row_url=f"{mapping_url}#role-{key_of(row)}" if row else "",
        gives_right=one.text in explanation.right_from,
        gives_application_role=one.text in explanation.application_role_from,
    )


def _words_of(one: Weighed, explanation: Explanation) -> str:
    role = one.role
    if role is None:
        return _("Not in the vocabulary of LTI 1.3: passed over. Names are compared letter by letter.")
    if one.weight is Weight.MARKER:
        return _("Says that this is the LMS’s preview person. It gives nothing by itself.")
    if one.weight is Weight.OUTSIDE:
        return _outside_words(one, explanation)
    if one.weight is Weight.EXPLAINED:
        return _("Passed over: one of its sub-roles stands beside it and says more exactly what is meant.")
    if one.row is None:
        return _("There is no row for this role: it is worth nothing.")
    if explanation.learner_decided and role.principal != "Learner":
        return _("Would count by its row, but Learner stands beside it, and Learner wins here.")
    if one.row.role != role.uri:
        row = VOCABULARY[one.row.role]
        return _("Has no row of its own and counts as “%(row)s”.") % {"row": row.sub_role or row.principal}
    return _("Counts by its own row.")


def _outside_words(one: Weighed, explanation: Explanation) -> str:
    system = one.role is not None and one.role.scope is Scope.SYSTEM
    where = _("A role in the whole system") if system else _("A role in the institution")
    if explanation.standing.is_institution_admin and one.text in explanation.application_role_from:
        return _("%(where)s: no right in a course, but the highest application role.") % {"where": where}
    return _("%(where)s, not in this course: it gives no right here.") % {"where": where}
