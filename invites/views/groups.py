"""The console's tab `groups`: people whom AllowedUsers may name together. Beside it the search for people."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from common.throttle import Limit
from invites.access import ConsoleRequest, for_console
from invites.group_forms import GroupForm, group_initial_of
from invites.models import Group
from invites.queries import (
    courses_found,
    group_for,
    groups_named_in,
    groups_of,
    is_named_group,
    line_of,
    line_of_course,
    members_of,
    people_found,
    people_named_in,
    settings_for,
    sizes_of,
)
from invites.services.groups import GroupNameTakenError, change_group, delete_group, make_group
from invites.views.console_page import console_page, saved
from lti_tool.claims import clean

SEARCHES: Final = Limit("console-search", 240, 60)
SHOWN_MEMBERS: Final = 200
LONGEST_SEARCH: Final = 320


def groups(request: ConsoleRequest) -> HttpResponse:
    """The tenant's groups; a POST makes one."""
    console = request.console
    rows = list(groups_of(console.tenant))
    sizes = sizes_of(rows)
    named = {group.pk for group in groups_named_in(settings_for(console.tenant))}
    context = {
        "rows": [
            {
                "group": row,
                "size": sizes[row.pk],
                "is_named": row.pk in named,
                "url": console.address("invites:group", row.pk),
                "delete_url": console.address("invites:group-delete", row.pk),
            }
            for row in rows
        ],
        "new_url": console.address("invites:group-new"),
        "rules_url": console.url("invitetomedia"),
    }
    return console_page(request, console, "groups", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_console
def group_new(request: ConsoleRequest) -> HttpResponse:
    """Make a group."""
    console = request.console
    if request.method != "POST":
        return _form_page(request, GroupForm(tenant=console.tenant))
    form = GroupForm(request.POST, tenant=console.tenant)
    if not form.is_valid():
        return _form_page(request, form, status=422)
    try:
        group = make_group(console.tenant, form.read(), by=console.actor, now=timezone.now())
    except GroupNameTakenError:
        return _taken(request, form)
    return saved(console.address("invites:group", group.pk))


@require_http_methods(["GET", "HEAD", "POST"])
@for_console
def group(request: ConsoleRequest, group_id: int) -> HttpResponse:
    """One group with everybody in it; a POST changes it.

    Raises:
        MissingError: there is no such group, or it is another tenant's.
    """
    console = request.console
    stored = group_for(console.tenant, group_id)
    initial = group_initial_of(stored)
    if request.method != "POST":
        return _form_page(request, GroupForm(tenant=console.tenant, initial=initial), stored)
    form = GroupForm(request.POST, tenant=console.tenant, initial=initial)
    if not form.is_valid():
        return _form_page(request, form, stored, status=422)
    try:
        change_group(stored, form.read(), by=console.actor, now=timezone.now())
    except GroupNameTakenError:
        return _taken(request, form, stored)
    return saved(console.address("invites:group", stored.pk))


@require_http_methods(["GET", "HEAD", "POST"])
@for_console
def group_delete(request: ConsoleRequest, group_id: int) -> HttpResponse:
    """Ask whether a group shall go, and say which rule uses it; a POST deletes it.

    Raises:
        MissingError: there is no such group, or it is another tenant's.
    """
    console = request.console
    stored = group_for(console.tenant, group_id)
    if request.method == "POST":
        delete_group(console.tenant, stored.pk, by=console.actor, now=timezone.now())
        return saved(console.url("groups"))
    rules = settings_for(console.tenant)
    is_named, others = is_named_group(stored), [row for row in groups_named_in(rules) if row != stored]
    decides = is_named and rules.allowed_users == rules.AllowedUsers.NAMED
    context = {
        "group": stored,
        "size": sizes_of([stored])[stored.pk],
        "is_named": is_named,
        "decides": decides,
        "leaves_nobody": decides and not others and not people_named_in(rules),
        "rules_url": console.url("invitetomedia"),
        "delete_url": console.address("invites:group-delete", stored.pk),
        "group_url": console.address("invites:group", stored.pk),
    }
    return console_page(request, console, "groups", context, template="invites/console/group_delete.html")


def _taken(request: ConsoleRequest, form: GroupForm, stored: Group | None = None) -> HttpResponse:
    form.add_error("name", _("Another group is called so. Choose another name."))
    return _form_page(request, form, stored, status=422)


def _form_page(
    request: ConsoleRequest, form: GroupForm, stored: Group | None = None, *, status: int = 200
) -> HttpResponse:
    console = request.console
    members = members_of(stored) if stored else []
    context = {
        "form": form,
        "group": stored,
        "members": members[:SHOWN_MEMBERS],
        "member_count": len(members),
        "more_members": len(members) - SHOWN_MEMBERS,
        "is_named": stored is not None and is_named_group(stored),
        "groups_url": console.url("groups"),
        "rules_url": console.url("invitetomedia"),
        "action_url": (
            console.address("invites:group", stored.pk) if stored else console.address("invites:group-new")
        ),
        "delete_url": console.address("invites:group-delete", stored.pk) if stored else "",
        "people_search_url": console.address("invites:people-search"),
        "course_search_url": console.address("invites:course-search"),
    }
    return console_page(
        request, console, "groups", context, template="invites/console/group.html", status=status
    )


# --- Search as you type ---------------------------------------------------------------------------


@require_POST
@never_cache
@for_console
def people_search(request: ConsoleRequest) -> HttpResponse:
    """People of the tenant whom somebody may mean. By POST, so that what is typed stands in no log."""
    SEARCHES.count(request.console.actor)
    people = people_found(request.console.tenant, _typed(request))
    found = [(line_of(person), person.shown_name, person.email) for person in people]
    return render(request, "invites/console/_found.html", {"found": found})


@require_POST
@never_cache
@for_console
def course_search(request: ConsoleRequest) -> HttpResponse:
    """Courses of the tenant that somebody may mean."""
    SEARCHES.count(request.console.actor)
    courses = courses_found(request.console.tenant, _typed(request))
    found = [(line_of_course(course), str(course), course.label) for course in courses]
    return render(request, "invites/console/_found.html", {"found": found})


def _typed(request: ConsoleRequest) -> str:
    return clean(request.POST.get("q", ""), cap=LONGEST_SEARCH)
