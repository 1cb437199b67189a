"""What a template needs to show an entry's stage."""

from django import template

from rooms.media_forms import language_name
from rooms.models import Entry, Media
from rooms.policy.media import AddressForm, form_of
from rooms.queries.media import media_of

register = template.Library()


@register.simple_tag
def shown_on_stage(entry: Entry) -> dict[str, object] | None:
    """The file of an entry with its captions, or that it comes from elsewhere; None where nothing is shown.

    The address itself is not told: it stands in the frame that only those inside may open. A room that has
    never had slides costs no question.
    """
    has_shown_nothing = entry.kind == Entry.Kind.ROOM and not entry.media_revision
    media = None if has_shown_nothing else media_of(entry)
    if media is None:
        return None
    return {
        "media": media,
        "is_elsewhere": bool(media.address),
        "is_page": bool(media.address) and form_of(media.address) == AddressForm.PAGE,
        "captions": captions_shown(media),
    }


@register.simple_tag
def captions_shown(media: Media) -> list[dict[str, object]]:
    """The captions of what `media_of` has found, by the names of their languages."""
    captions: list[dict[str, object]] = [
        {"id": each.pk, "code": each.language, "name": language_name(each.language)}
        for each in media.captions.all()
    ]
    return sorted(captions, key=lambda each: str(each["name"]))
