"""Fields that the console's forms share, and how values are written there."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from invites.domains import (
    AddressError,
    BadLine,
    RuleProblem,
    RulesError,
    normalise_email,
    parse_rules,
    shown_domain,
)
from invites.queries import courses_behind, people_behind
from lti_tool.models import Course, Person, Tenant

YES_NO: Final = [("Yes", gettext_lazy("Yes")), ("No", gettext_lazy("No"))]
MOST_LINES: Final = 500

F = TypeVar("F", Person, Course)


class LinesField(forms.CharField):
    """Text of several lines; its value is a list of them, empty ones included, so that they count."""

    def __init__(self, *, rows: int = 4, **kwargs: Any) -> None:  # noqa: ANN401 - as Django has it
        widget = forms.Textarea(
            attrs={"class": "input", "rows": rows, "spellcheck": "false", "autocomplete": "off"}
        )
        super().__init__(strip=False, widget=widget, **kwargs)

    def clean(self, value: Any) -> Any:  # noqa: ANN401 - as Django has it
        lines = str(super().clean(value)).splitlines()
        if len(lines) > MOST_LINES:
            raise ValidationError(_("At most %(number)s lines, please.") % {"number": MOST_LINES})
        return lines


class PeopleField(LinesField):
    """People of a tenant, one in a line; its value is the people. The form sets `tenant`."""

    tenant: Tenant

    def clean(self, value: Any) -> Any:  # noqa: ANN401 - as Django has it
        return find_people(self.tenant, super().clean(value))


class CoursesField(LinesField):
    """Courses of a tenant, one in a line; its value is the courses. The form sets `tenant`."""

    tenant: Tenant

    def clean(self, value: Any) -> Any:  # noqa: ANN401 - as Django has it
        return find_courses(self.tenant, super().clean(value))


class DomainRulesField(LinesField):
    """Rules about domains, one in a line; its value is the rules."""

    def clean(self, value: Any) -> Any:  # noqa: ANN401 - as Django has it
        try:
            return parse_rules(super().clean(value))
        except RulesError as error:
            raise ValidationError([_say(bad) for bad in error.lines]) from error


class WholeNumberField(forms.IntegerField):
    """A whole number, typed as text: what is none stays to be seen. A real minus sign counts as one."""

    widget = forms.TextInput(attrs={"autocomplete": "off"})

    def widget_attrs(self, _widget: forms.Widget) -> dict[str, Any]:
        """No `min` and `max`, which mean nothing in a field for text."""
        return {}

    def to_python(self, value: Any) -> int | None:  # noqa: ANN401 - as Django has it
        return super().to_python(value.replace("\u2212", "-") if isinstance(value, str) else value)


class AmountField(WholeNumberField):
    """How many of something, at least one; whatever is wrong, the error says what would be right."""

    def __init__(self, *, most: int, **kwargs: Any) -> None:  # noqa: ANN401 - as Django has it
        super().__init__(min_value=1, max_value=most, **kwargs)
        self.most = most

    def clean(self, value: Any) -> Any:  # noqa: ANN401 - as Django has it
        try:
            return super().clean(value)
        except ValidationError as error:
            words = _("Write a whole number from 1 to %(most)s.") % {"most": self.most}
            raise ValidationError(words) from error


def dress(form: forms.Form) -> None:
    """Give the widgets the classes of our style sheets."""
    for field in form.fields.values():
        if isinstance(field.widget, forms.RadioSelect | forms.CheckboxSelectMultiple):
            continue
        is_short = isinstance(field, forms.IntegerField)
        field.widget.attrs["class"] = "input input--short" if is_short else "input"


# --- people and courses, one in a line ------------------------------------------------------------


def find_people(tenant: Tenant, lines: Sequence[str]) -> tuple[Person, ...]:
    """The people behind the lines, each once.

    Raises:
        ValidationError: names every line that stands for nobody, or for several.
    """

    def missing(line: str, number: int) -> str:
        return _(
            "Line %(number)s, “%(line)s”: nobody here has this address, id or name. People are known from "
            "their first launch, or from a course’s roster."
        ) % {"number": number, "line": line}

    def several(line: str, number: int, count: int) -> str:
        return _("Line %(number)s, “%(line)s”: %(count)s people fit. Use the address or the id.") % {
            "number": number,
            "line": line,
            "count": count,
        }

    return _find(lines, lambda line: people_behind(tenant, line), missing, several)


def find_courses(tenant: Tenant, lines: Sequence[str]) -> tuple[Course, ...]:
    """The courses behind the lines, each once.

    Raises:
        ValidationError: names every line that stands for none, or for several.
    """

    def missing(line: str, number: int) -> str:
        return _(
            "Line %(number)s, “%(line)s”: no course here has this title, code or id. Courses are known from "
            "their first launch."
        ) % {"number": number, "line": line}

    def several(line: str, number: int, count: int) -> str:
        return _("Line %(number)s, “%(line)s”: %(count)s courses fit. Use the search, or the id.") % {
            "number": number,
            "line": line,
            "count": count,
        }

    return _find(lines, lambda line: courses_behind(tenant, line), missing, several)


def _find(
    lines: Sequence[str],
    behind: Callable[[str], list[F]],
    missing: Callable[[str, int], str],
    several: Callable[[str, int, int], str],
) -> tuple[F, ...]:
    found: dict[object, F] = {}
    problems = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        rows = behind(line)
        if not rows:
            problems.append(missing(line.strip(), number))
        elif len(rows) > 1:
            problems.append(several(line.strip(), number, len(rows)))
        else:
            found[rows[0].pk] = rows[0]
    if problems:
        raise ValidationError(problems)
    return tuple(found.values())


# --- domains, addresses, durations ----------------------------------------------------------------

_PROBLEMS: Final = {
    RuleProblem.ADDRESS: gettext_lazy("write the domain alone, without a name and @."),
    RuleProblem.WILDCARD: gettext_lazy("leave the * out: a domain stands for everything below it, too."),
    RuleProblem.SEVERAL: gettext_lazy("write one domain in a line, without spaces and commas."),
    RuleProblem.NOT_A_DOMAIN: gettext_lazy("this is no domain. Write it like university.edu."),
    RuleProblem.PUBLIC_SUFFIX: gettext_lazy(
        "this is an ending that many institutions share. Name your own domain, like university.edu."
    ),
    RuleProblem.DUPLICATE: gettext_lazy("it stands in line %(earlier)s already."),
    RuleProblem.CONTRADICTION: gettext_lazy("it says the opposite of line %(earlier)s. Keep one of the two."),
}


def _say(bad: BadLine) -> str:
    problem = str(_PROBLEMS[bad.problem]) % {"earlier": bad.earlier}
    return _("Line %(number)s, “%(line)s”: %(problem)s") % {
        "number": bad.line,
        "line": bad.text,
        "problem": problem,
    }


def shown_rule(line: str) -> str:
    """A stored rule as its author would write it: `bücher.example`, not `xn--…`."""
    signs = re.match(r"!?=?", line)
    prefix = signs[0] if signs else ""
    return prefix + shown_domain(line.removeprefix(prefix))


def is_page(text: str) -> bool:
    """Whether it is the address of a page."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and " " not in text


def is_address(text: str) -> bool:
    """Whether mail could be sent to it."""
    try:
        normalise_email(text)
    except AddressError:
        return False
    return True


def yes_no(*, answer: bool) -> str:
    """The choice that stands for it."""
    return "Yes" if answer else "No"


def shown_minutes(minutes: int) -> str:
    """A duration in words: `1 day`, `2 hours`, `90 minutes`."""
    if minutes % 1440 == 0:
        days = minutes // 1440
        return ngettext("%(number)s day", "%(number)s days", days) % {"number": days}
    if minutes % 60 == 0:
        hours = minutes // 60
        return ngettext("%(number)s hour", "%(number)s hours", hours) % {"number": hours}
    return ngettext("%(number)s minute", "%(number)s minutes", minutes) % {"number": minutes}
