"""`manage.py purge`: retention. The worker does it once a day; this does it now."""

from argparse import ArgumentParser
from dataclasses import fields

from django.core.management.base import BaseCommand
from django.utils import timezone

from invites.services.purge import foresee_purge, purge

WORDS = {
    "guests": "guests made anonymous",
    "invites": "invites made anonymous",
    "codes": "expired mailbox codes deleted",
    "runs": "old lists of many invitations deleted",
    "quota_uses": "old counts of quotas deleted",
    "tabs": "ended tabs deleted",
    "refusals": "old refused launches deleted",
    "claims": "unused claim links deleted",
    "sessions": "ended operators' sessions deleted",
}
UNFORESEEN = {"runs", "quota_uses"}


class Command(BaseCommand):
    """Anonymises guests whose time is over and deletes what is too old; done twice, it does no more."""

    help = "Make guests anonymous GuestRetentionDays after their last entry, and delete what is too old."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say how much there is to do")

    def handle(self, *_args: object, **options: object) -> None:
        is_dry_run = bool(options["dry_run"])
        now = timezone.now()
        counts = foresee_purge(now) if is_dry_run else purge(now)
        if is_dry_run:
            self.stdout.write("Nothing was changed. This is what there is to do:")
        for each in fields(counts):
            if not (is_dry_run and each.name in UNFORESEEN):
                self.stdout.write(f"{getattr(counts, each.name):8} {WORDS[each.name]}")
