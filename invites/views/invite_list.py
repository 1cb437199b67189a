"""The list of an entry's invites, as a page, as a part of it, and as a file.

What is searched for stands in no address (design §10.8): it comes by POST, is kept for the tab, and the
address names the key under which it is kept. So the way back, another page and the file show the same search.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from django.core.cache import cache
from django.http import HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from common.htmx import render_part, wants_part
from invites.forms import ROLE_NAMES
from invites.list_forms import (
    LONGEST_SEARCH,
    MOST_AT_ONCE,
    SHOWN_NAMES,
    SORT_NAMES,
    Act,
    Selection,
    Wish,
    read_number,
    read_selection,
    read_wanted,
)
from invites.models import Invite
from invites.policy import invitable_roles, judge_inviting
from invites.queries import inviting_facts, settings_for
from invites.queries.invite_list import Counts, all_found, chosen_invites, found_ids, list_page
from invites.services.lifecycle import change_roles, withdraw_invites
from invites.services.restore import restore_invites
from invites.services.selected import mail_links
from invites.sheet import invite_sheet
from invites.views.inviting import demand_right, row_of
from invites.views.one_invite import withdrawal_in
from rooms.access import Viewer, ViewerRequest, for_viewer
from rooms.policy.rights import Power

SEARCH_IS_KEPT: Final = 8 * 3600  # seconds: as long as a tab lives
_KEY: Final = 20  # letters
_KEY_FORM: Final = re.compile("[0-9a-f]{20}")


@for_viewer
@require_http_methods(["GET", "HEAD", "POST"])
def invite_list(request: ViewerRequest) -> HttpResponse:
    """The invites of the entry; co-publishers see their own. A POST searches."""
    demand_right(request)
    if request.method != "POST":
        return _show(request, _wish_of(request))
    words = " ".join(request.POST.get("q", "")[:LONGEST_SEARCH].split())
    wish = Wish(read_wanted(request.POST, words=words), _keep(request.viewer, words))
    address = _address(request, wish.query())
    if wants_part(request):
        response = _show(request, wish)
        response["HX-Replace-Url"] = address
        return response
    response = HttpResponseRedirect(address)
    response.status_code = HTTPStatus.SEE_OTHER
    return response


@for_viewer
@require_safe
def invite_file(request: ViewerRequest) -> StreamingHttpResponse:
    """What the list shows, on all its pages, as a file for a spreadsheet."""
    demand_right(request)
    now = timezone.now()
    found = all_found(request.viewer, request.entry, _wish_of(request).wanted, now=now)
    return invite_sheet(request, found, settings_for(request.entry.tenant), now=now)


@for_viewer
@require_POST
def selected(request: ViewerRequest) -> HttpResponse:
    """Do something with the invites that are ticked, and say what became of it."""
    demand_right(request)
    selection = read_selection(request.POST)
    wish = _wish_of(request)
    ids, left_out = selection.ids[:MOST_AT_ONCE], max(0, len(selection.ids) - MOST_AT_ONCE)
    if selection.is_all:
        ids = found_ids(request.viewer, request.entry, wish.wanted, most=MOST_AT_ONCE + 1, now=timezone.now())
        if len(ids) > MOST_AT_ONCE:
            return _done(request, wish, {"is_too_many": True, "most": MOST_AT_ONCE}, status=422)
    invites = chosen_invites(request.viewer, ids)
    missing = len(ids) - len(invites)
    if not ids or selection.act is None:
        return _done(request, wish, {"is_nothing": True}, status=422)
    if selection.act == Act.WITHDRAW and not selection.is_confirmed:
        open_ones = [invite for invite in invites if invite.withdrawn_at is None]
        context = {
            **_links(request, wish),
            "invites": open_ones,
            "sends_mail": settings_for(request.entry.tenant).sends_mail,
        }
        return render(request, "invites/selected_withdraw.html", context)
    told = _act(request, selection, invites)
    return _done(request, wish, {"missing": missing, "left_out": left_out, **told})


def _act(request: ViewerRequest, selection: Selection, invites: list[Invite]) -> Mapping[str, object]:
    """Do what is wished, and answer with what the page tells."""
    viewer, now = request.viewer, timezone.now()
    told: dict[str, object] = {"act": selection.act}
    match selection.act:
        case Act.WITHDRAW:
            done = withdraw_invites(invites, by=viewer, now=now, is_told=selection.is_told)
            told |= {"withdrawn_at": now, "unchanged": len(invites) - len(done)}
        case Act.RESTORE:
            meant = withdrawal_in(request)
            done = []
            if meant is not None:
                done = restore_invites(request.entry, invites, withdrawn_at=meant, by=viewer, now=now)
            told["unchanged"] = len(invites) - len(done)
        case Act.ROLE:
            if selection.role is None or selection.role not in invitable_roles(request.entry.kind):
                return {"is_without_role": True}
            before = {invite.pk: invite.role for invite in invites}
            done = change_roles(invites, selection.role, by=viewer, now=now)
            told |= {
                "role": ROLE_NAMES[selection.role],
                "role_value": selection.role.value,
                "before": [f"{invite.pk}:{before[invite.pk]}" for invite in done],
                "unchanged": len(invites) - len(done),
            }
        case Act.ROLES_BACK:
            done = []
            for invite in invites:
                was = selection.roles_before.get(invite.pk)
                if was is not None:
                    done += change_roles([invite], was, by=viewer, now=now, only_from=selection.role)
            told["unchanged"] = len(invites) - len(done)
        case _:
            mailed = mail_links(invites, by=viewer, language=get_language() or "en", now=now)
            done = mailed.done
            told |= {"closed": mailed.closed, "refusals": list(mailed.refusals.items())}
    return {**told, "done": done, "count": len(done)}


def _done(
    request: ViewerRequest, wish: Wish, told: Mapping[str, object], *, status: int = HTTPStatus.OK
) -> HttpResponse:
    context = {**_links(request, wish), **told}
    return render(request, "invites/selected.html", context, status=status)


def _show(request: ViewerRequest, wish: Wish) -> HttpResponse:
    rules = settings_for(request.entry.tenant)
    now = timezone.now()
    page = list_page(request.viewer, request.entry, wish.wanted, number=wish.number, now=now)
    context = {
        **_links(request, wish),
        "page": page,
        "rows": [row_of(invite, rules) for invite in page.invites],
        "filters": _filters(request, wish, page.counts),
        "sorts": [
            (sort.value, name, _address(request, wish.query(sort=sort.value)), sort == wish.wanted.sort)
            for sort, name in SORT_NAMES.items()
        ],
        "has_any": bool(page.counts.total or wish.wanted.words),
        "sees_all": request.viewer.may(Power.MANAGE_ALL_INVITES),
        "may_invite": bool(judge_inviting(inviting_facts(request.viewer, request.entry, rules))),
        "sends_mail": rules.sends_mail,
        "is_module_off": not rules.enable,
        "roles": [(role.value, ROLE_NAMES[role]) for role in invitable_roles(request.entry.kind)],
        "previous_url": _address(request, wish.query(page=str(page.number - 1))) if page.number > 1 else "",
        "next_url": _address(request, wish.query(page=str(page.number + 1)))
        if page.number < page.pages
        else "",
    }
    return render_part(request, "invites/list.html", "found", context)


def _links(request: ViewerRequest, wish: Wish) -> dict[str, object]:
    """What each page of the list says about where one is."""
    query = wish.query(page=str(wish.number) if wish.number > 1 else "")
    return {
        "entry": request.entry,
        "wish": wish,
        "shown": wish.wanted.shown.value if wish.wanted.shown else "",
        "list_url": _address(request, query),
        "selected_url": _address(request, query, name="invites:selected"),
        "file_url": _address(request, wish.query(), name="invites:file"),
    }


@dataclass(frozen=True, slots=True)
class Filter:
    """One of the filters above the list."""

    value: str
    name: object
    url: str
    count: int
    is_here: bool


def _filters(request: ViewerRequest, wish: Wish, counts: Counts) -> list[Filter]:
    """All that show something, and the one that is chosen."""
    offered = [(None, _("All")), *SHOWN_NAMES.items()]
    return [
        Filter(
            value=shown.value if shown else "",
            name=name,
            url=_address(request, wish.query(state=shown.value if shown else "")),
            count=counts.of(shown),
            is_here=shown == wish.wanted.shown,
        )
        for shown, name in offered
        if shown is None or counts.of(shown) or shown == wish.wanted.shown
    ]


def _wish_of(request: ViewerRequest) -> Wish:
    key = request.GET.get("search", "")
    words = _kept(request.viewer, key) if _KEY_FORM.fullmatch(key) else ""
    return Wish(read_wanted(request.GET, words=words), key if words else "", read_number(request.GET))


def _address(request: ViewerRequest, query: str, *, name: str = "invites:list") -> str:
    address = reverse(name, args=[request.entry.pk])
    return f"{address}?{query}" if query else address


def _keep(viewer: Viewer, words: str) -> str:
    """Keep the words of a search for this tab, and answer with their key; the same words have the same."""
    if not words:
        return ""
    key = salted_hmac("invites.search", f"{viewer.tab_handle}\n{words}").hexdigest()[:_KEY]
    cache.set(_place(viewer, key), words, SEARCH_IS_KEPT)
    return key


def _kept(viewer: Viewer, key: str) -> str:
    return str(cache.get(_place(viewer, key)) or "")


def _place(viewer: Viewer, key: str) -> str:
    return f"invite-search:{viewer.tab_handle}:{viewer.entry_id}:{key}"
