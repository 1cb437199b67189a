"""Make an address at which an LMS may register itself."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from lti_tool.services.registration_invitation import INVITATION_LIFE, make_registration_invitation


class Command(BaseCommand):
    """The address is shown once: only a hash of it is kept."""

    help = "Make an address for dynamic registration, to be given to one LMS administrator."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """For whom, for how long, and what the operator vouches for."""
        parser.add_argument("--note", default="", help="for whom it is")
        parser.add_argument("--days", type=int, default=INVITATION_LIFE.days, help="how long it may be used")
        parser.add_argument(
            "--active", action="store_true", help="the registration launches at once, without confirmation"
        )
        parser.add_argument(
            "--other-host",
            action="store_true",
            help="its configuration may lie on another host than its issuer",
        )

    def handle(self, *_args: Any, **options: Any) -> None:  # noqa: ANN401 - as Django has it
        """Make it, and say what it is for."""
        if not 1 <= options["days"] <= 365:  # noqa: PLR2004 - a year
            raise CommandError("--days takes 1 to 365.")
        made = make_registration_invitation(
            by="operator:command",
            now=timezone.now(),
            note=options["note"],
            life=timedelta(days=options["days"]),
            confirms_itself=options["active"],
            allows_other_host=options["other_host"],
        )
        until = f"{made.invitation.expires_at:%Y-%m-%d %H:%M} UTC"
        self.stdout.write(
            f"{made.address}\n"
            "Give it to the LMS administrator, for the LMS's own page of dynamic registration. It is good\n"
            f"for one registration until {until}, and is not shown again."
        )
