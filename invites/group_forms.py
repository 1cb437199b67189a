"""The form of one group of people."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from invites.models import Group
from invites.queries import line_of, line_of_course
from invites.services.groups import GroupContent
from invites.settings_fields import CoursesField, PeopleField, dress
from lti_tool.models import Tenant


class GroupForm(forms.Form):
    """A group: its name, people by name, and courses whose staff belong to it."""

    name = forms.CharField(
        label=gettext_lazy("Name of the group"),
        max_length=100,
        help_text=gettext_lazy("Only administrators see it, for example “Event office”."),
        error_messages={"required": gettext_lazy("Give the group a name.")},
    )
    people = PeopleField(
        label=gettext_lazy("People"),
        required=False,
        rows=5,
        help_text=gettext_lazy("One in a line, by address, id or name."),
    )
    courses = CoursesField(
        label=gettext_lazy("Staff of courses"),
        required=False,
        rows=3,
        help_text=gettext_lazy("One course in a line, by title, code or id. Its staff belong to the group."),
    )

    def __init__(self, *args: Any, tenant: Tenant, **kwargs: Any) -> None:  # noqa: ANN401 - as Django has it
        super().__init__(*args, **kwargs)
        people, courses = self.fields["people"], self.fields["courses"]
        assert isinstance(people, PeopleField)  # noqa: S101 - tells mypy what stands above
        assert isinstance(courses, CoursesField)  # noqa: S101
        people.tenant = courses.tenant = tenant
        dress(self)

    def clean_name(self) -> str:
        """One line, each gap one space."""
        return " ".join(str(self.cleaned_data["name"]).split())

    def read(self) -> GroupContent:
        """The checked group; call it on a valid form."""
        data = self.cleaned_data
        return GroupContent(
            name=data["name"],
            people=tuple(person.pk for person in data["people"]),
            courses=tuple(course.pk for course in data["courses"]),
        )


def group_initial_of(group: Group) -> dict[str, object]:
    """What the form shows of a stored group."""
    people = group.people.order_by("family_name", "name", "pk")
    courses = group.courses.order_by("title", "pk")
    return {
        "name": group.name,
        "people": "\n".join(line_of(person) for person in people),
        "courses": "\n".join(line_of_course(course) for course in courses),
    }
