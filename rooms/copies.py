"""What an empty link may have been meant for: a choice in our content picker, or what a copied course had.

Suggestions only. Each of them is shown to nobody but somebody who may place that entry anyway.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.conf import settings

from lti_tool.models import Course, Placement, Tab
from rooms.links import EntryHint, Hint, WishHint, unseal
from rooms.models import Binding, Entry
from rooms.queries import placeable_entries


class Source(StrEnum):
    """Where a suggestion comes from."""

    COPIED = "copied"
    CHOSEN = "chosen"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An entry that the link may have been meant for."""

    entry: Entry
    source: Source
    course: Course | None = None  # where it was copied from, if that is known


def hint_of(placement: Placement) -> Hint | None:
    """What our content picker wrote into the link, if it is ours and of the same institution."""
    hint = unseal(placement.hint, keys=settings.LINK_KEYS) if placement.hint else None
    return hint if hint and hint.tenant_id == placement.tenant_id else None


def suggestion_for(tab: Tab) -> Suggestion | None:
    """The entry to offer at the tab's empty link; None where there is none that this tab may place."""
    placement = tab.placement
    if placement is None:
        return None
    return _copied(tab, placement) or _chosen(tab, placement)


def wish_for(tab: Tab, *, now: datetime) -> WishHint | None:
    """The room that the content picker promised for the tab's link, as long as none was made for it.

    A schedule that is over, as in a copy of last year's course, is left out.
    """
    placement = tab.placement
    wish = hint_of(placement) if placement else None
    if not isinstance(wish, WishHint) or Entry.objects.filter(made_for=placement).exists():
        return None
    end = wish.ends_at or wish.starts_at
    if end is not None and end <= now:
        wish = replace(wish, starts_at=None, ends_at=None)
    return wish


def _copied(tab: Tab, placement: Placement) -> Suggestion | None:
    links = [str(one) for one in placement.ancestors]
    contexts = [str(one) for one in placement.course.ancestors] if placement.course else []
    if not links and not contexts:
        return None
    shown = Binding.objects.filter(placement__tenant_id=tab.tenant_id).exclude(placement=placement)
    shown = shown.select_related("placement__course")
    near = sorted(
        shown.filter(placement__resource_link_id__in=links),
        key=lambda one: links.index(one.placement.resource_link_id),
    )
    if not near and contexts and placement.title:
        # Some platforms tell the history of the course alone: there the link of the same name is meant.
        near = sorted(
            shown.filter(placement__course__context_id__in=contexts, placement__title=placement.title),
            key=lambda one: contexts.index(one.placement.course.context_id) if one.placement.course else 0,
        )
    if not near:
        return None
    entry = placeable_entries(tab).filter(pk=near[0].entry_id).first()
    return Suggestion(entry, Source.COPIED, near[0].placement.course) if entry else None


def _chosen(tab: Tab, placement: Placement) -> Suggestion | None:
    hint = hint_of(placement)
    if not isinstance(hint, EntryHint):
        return None
    entry = placeable_entries(tab).filter(pk=hint.entry_id).first()
    if entry is None:
        return None
    # In a copied course the choice was made for another course: it is told so.
    contexts = [str(one) for one in placement.course.ancestors] if placement.course else []
    old = Binding.objects.filter(entry=entry, placement__course__context_id__in=contexts)
    copied_from = old.select_related("placement__course").first()
    if copied_from:
        return Suggestion(entry, Source.COPIED, copied_from.placement.course)
    return Suggestion(entry, Source.CHOSEN)
