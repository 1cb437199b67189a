"""The forms of the tab `rolemapping`: what each role is worth, and the question how that comes out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lti_tool.claims import MAX_TOKEN
from lti_tool.models import APPLICATION_ROLE_CHOICES, RIGHT_CHOICES, Tenant
from lti_tool.roles import (
    CONTEXT_ROLES,
    SUB_ROLES,
    VOCABULARY,
    ApplicationRole,
    Right,
    Role,
    Worth,
    context_uri,
    default_rules,
    inherits_from,
)
from lti_tool.services.rolemapping import RoleMapping

_NOTHING: Final = (Right.NONE, ApplicationRole.VIEWER)
_SAME: Final = ""  # the choice "like its principal"

MEANINGS: Final[dict[str, str | Promise]] = {
    "Instructor": gettext_lazy("Teaches the course."),
    "Administrator": gettext_lazy("Administers the course, not the whole institution."),
    "ContentDeveloper": gettext_lazy("Builds the course’s content."),
    "Learner": gettext_lazy("Takes the course."),
    "Mentor": gettext_lazy("Looks after learners: advisors, tutors, auditors."),
    "Manager": gettext_lazy("Manages the course’s organisation."),
    "Member": gettext_lazy("Belongs to the course, no more is said."),
    "Officer": gettext_lazy("Holds an office in a group."),
}


@dataclass(frozen=True, slots=True)
class RoleRow:
    """One role of the page: its two fields, and how it stands to the default."""

    role: Role
    right: forms.BoundField
    application_role: forms.BoundField
    source: Role | None  # whose worth it has when it has none of its own

    @property
    def name(self) -> str:
        """The name that the LMS's documentation uses."""
        return self.role.sub_role or self.role.principal

    @property
    def anchor(self) -> str:
        """Where the row stands on the page."""
        return f"role-{key_of(self.role)}"

    @property
    def is_own(self) -> bool:
        """Whether it has a worth of its own."""
        return bool(self.right.value() or self.application_role.value()) or self.source is None

    @property
    def is_changed(self) -> bool:
        """Whether it differs from the default."""
        return (str(self.right.value()), str(self.application_role.value())) != _shown(_default_of(self.role))


@dataclass(frozen=True, slots=True)
class RoleGroup:
    """A principal role and its sub-roles."""

    principal: RoleRow
    sub_roles: tuple[RoleRow, ...]
    meaning: str

    @property
    def own_count(self) -> int:
        """How many sub-roles have a worth of their own that is no default."""
        return sum(row.is_changed for row in self.sub_roles)


class RoleMappingForm(forms.Form):
    """What each context role is worth, and what becomes of several."""

    learner_wins = forms.ChoiceField(
        label=gettext_lazy("Learner beside another role"),
        widget=forms.RadioSelect,
        choices=[
            ("Yes", gettext_lazy("Learner wins: no right, and the person is told so (default)")),
            ("No", gettext_lazy("The highest right counts")),
        ],
        help_text=gettext_lazy(
            "Some LMSs send Learner and Instructor together, for example for students who look after a group."
        ),
    )
    institution_admin_gets_console = forms.ChoiceField(
        label=gettext_lazy("Administrators of the institution may use this console"),
        widget=forms.RadioSelect,
        choices=[("Yes", gettext_lazy("Yes (default)")), ("No", gettext_lazy("No"))],
        help_text=gettext_lazy(
            "Whether whoever launches with the institution or system role Administrator gets in here."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as Django has it
        super().__init__(*args, **kwargs)
        for role in _context_roles():
            default = _default_of(role)
            rights = _choices(RIGHT_CHOICES, default and default[0].value, role)
            standings = _choices(APPLICATION_ROLE_CHOICES, default and default[1].value, role)
            self.fields[f"right:{key_of(role)}"] = _select(rights, _("%(role)s: right"), role)
            self.fields[f"standing:{key_of(role)}"] = _select(
                standings, _("%(role)s: application role"), role
            )

    def groups(self) -> list[RoleGroup]:
        """The rows as the page shows them."""
        return [
            RoleGroup(
                principal=self._row(VOCABULARY[context_uri(name)]),
                sub_roles=tuple(self._row(VOCABULARY[context_uri(name, sub)]) for sub in SUB_ROLES[name]),
                meaning=str(MEANINGS[name]),
            )
            for name in _IN_ORDER
        ]

    def read(self) -> RoleMapping:
        """The checked mapping; call it on a valid form."""
        rules = [self._rule(role) for role in _context_roles()]
        return RoleMapping(
            rules=tuple(rule for rule in rules if rule is not None),
            learner_wins=self.cleaned_data["learner_wins"] == "Yes",
            institution_admin_gets_console=self.cleaned_data["institution_admin_gets_console"] == "Yes",
        )

    def _row(self, role: Role) -> RoleRow:
        key = key_of(role)
        return RoleRow(role, self[f"right:{key}"], self[f"standing:{key}"], _source_of(role))

    def _rule(self, role: Role) -> Worth | None:
        right, standing = self._chosen(role)
        source = _source_of(role)
        if source is not None:
            if not right and not standing:
                return None
            like_right, like_standing = self._chosen(source)
            right, standing = right or like_right, standing or like_standing
        worth = (Right(right), ApplicationRole(int(standing)))
        if worth == _NOTHING and source is None and role.uri not in _DEFAULTS:
            return None
        return Worth(role.uri, *worth)

    def _chosen(self, role: Role) -> tuple[str, str]:
        key = key_of(role)
        return self.cleaned_data[f"right:{key}"], self.cleaned_data[f"standing:{key}"]


def mapping_initial_of(tenant: Tenant, rules: Iterable[Worth]) -> dict[str, object]:
    """What the form shows of stored rules."""
    return {
        **_shown_rules({rule.role: (rule.right, rule.application_role) for rule in rules}),
        "learner_wins": "Yes" if tenant.learner_wins else "No",
        "institution_admin_gets_console": "Yes" if tenant.institution_admin_gets_console else "No",
    }


def default_mapping_initial() -> dict[str, object]:
    """What the form shows of the defaults."""
    rules = {rule.role: (rule.right, rule.application_role) for rule in default_rules()}
    return {**_shown_rules(rules), "learner_wins": "Yes", "institution_admin_gets_console": "Yes"}


def key_of(role: Role) -> str:
    """A short name for fields and anchors: `Instructor`, `Instructor-TeachingAssistant`."""
    return f"{role.principal}-{role.sub_role}" if role.sub_role else role.principal


# Those whom an administrator looks for come first.
_FIRST: Final = ("Instructor", "Learner", "Administrator", "ContentDeveloper", "Mentor")
_IN_ORDER: Final = (*_FIRST, *(name for name in CONTEXT_ROLES if name not in _FIRST))


def _context_roles() -> Iterator[Role]:
    for name in _IN_ORDER:
        yield VOCABULARY[context_uri(name)]
        yield from (VOCABULARY[context_uri(name, sub)] for sub in SUB_ROLES[name])


def _source_of(role: Role) -> Role | None:
    uri = inherits_from(role)
    return VOCABULARY[uri] if uri and uri != role.uri else None


def _default_of(role: Role) -> tuple[Right, ApplicationRole] | None:
    """The default of a role with a row of its own; None for one that is worth what its source is."""
    found = _DEFAULTS.get(role.uri)
    return found or (None if _source_of(role) else _NOTHING)


_DEFAULTS: Final = {rule.role: (rule.right, rule.application_role) for rule in default_rules()}


def _shown(worth: tuple[Right, ApplicationRole] | None) -> tuple[str, str]:
    return (worth[0].value, str(worth[1].value)) if worth else (_SAME, _SAME)


def _shown_rules(rules: Mapping[str, tuple[Right, ApplicationRole]]) -> dict[str, object]:
    shown: dict[str, object] = {}
    for role in _context_roles():
        right, standing = _shown(rules.get(role.uri) or (None if _source_of(role) else _NOTHING))
        shown |= {f"right:{key_of(role)}": right, f"standing:{key_of(role)}": standing}
    return shown


def _choices(choices: Iterable[tuple[Any, Any]], default: object, role: Role) -> list[tuple[str, str]]:
    """The choices with the default marked; before them "like …" where a role can do without its own."""
    source = _source_of(role)
    marked = [
        (str(value), _("%(label)s (default)") % {"label": label} if value == default else str(label))
        for value, label in choices
    ]
    if source is None:
        return marked
    like = _("Like %(role)s") % {"role": source.sub_role or source.principal}
    return [(_SAME, _("%(label)s (default)") % {"label": like} if default is None else like), *marked]


def _select(choices: list[tuple[str, str]], label: str, role: Role) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label % {"role": role.sub_role or role.principal},
        choices=choices,
        required=_source_of(role) is None,
        widget=forms.Select(attrs={"class": "input"}),
    )


class ExplainForm(forms.Form):
    """What somebody wants explained: a paste, or a person."""

    pasted = forms.CharField(
        label=gettext_lazy("An id_token, its claims as JSON, or a list of roles"),
        required=False,
        strip=True,
        max_length=MAX_TOKEN,
        widget=forms.Textarea(
            attrs={"class": "input", "rows": 6, "spellcheck": "false", "autocomplete": "off"}
        ),
        help_text=gettext_lazy(
            "It is read, shown here once, and neither kept nor logged. Signature, times and addressee are "
            "not checked."
        ),
    )
    person = forms.CharField(
        label=gettext_lazy("Or a person"),
        required=False,
        max_length=400,
        widget=forms.TextInput(attrs={"class": "input", "autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("By name, email address or id. People are known from their first launch."),
    )
