"""Make a new signing key."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from lti_tool.own_keys import REST, rotate_own_keys


class Command(BaseCommand):
    """The new key is published at once and signs after a day; old ones stay published for a while."""

    help = "Publish a new signing key. It signs after a day, when platforms have had time to fetch it."

    def handle(self, *_args: Any, **_options: Any) -> None:  # noqa: ANN401 - as Django has it
        """Rotate, and say what happened."""
        new, removed = rotate_own_keys(now=timezone.now())
        begins = f"{new.made_at + REST:%Y-%m-%d %H:%M} UTC"
        self.stdout.write(f"Published {new.path.name}; it signs from {begins} on.")
        for key in removed:
            self.stdout.write(f"Removed {key.path.name}.")
