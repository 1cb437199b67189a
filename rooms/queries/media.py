"""What the stage of an entry shows, and from where its tenant lets it."""

from uuid import UUID

from django.db.models import QuerySet

from lti_tool.models import Tenant
from rooms.models import Captions, EmbedHosts, Entry, Media
from rooms.policy.media import USUAL_HOSTS


def media_of(entry: Entry) -> Media | None:
    """The file or address of an entry, with its captions."""
    return Media.objects.filter(entry=entry).prefetch_related("captions").first()


def file_of(entry: Entry, file_id: UUID) -> Media | Captions | None:
    """One of the files that an entry shows."""
    media = Media.objects.filter(entry=entry, pk=file_id).exclude(file="").first()
    return media or Captions.objects.select_related("media").filter(media__entry=entry, pk=file_id).first()


def captions_of(entry: Entry) -> QuerySet[Captions]:
    """The captions of an entry's video."""
    return Captions.objects.filter(media__entry=entry).order_by("language")


def embed_hosts_of(tenant: Tenant) -> tuple[str, ...]:
    """The hosts from which a tenant lets entries show something."""
    stored = EmbedHosts.objects.filter(tenant=tenant).first()
    return USUAL_HOSTS if stored is None else tuple(stored.hosts)
