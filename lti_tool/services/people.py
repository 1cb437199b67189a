"""People of whom the LMS tells no name: what they choose to be called here."""

from datetime import datetime

from lti_tool.models import Person


def name_person(person: Person, name: str, *, now: datetime) -> None:
    """Keep what a person wants to be called; an empty name: they were asked, and went on without one.

    The LMS's own name counts as soon as it tells one; a launch that tells none takes this one not away.
    """
    person.chosen_name, person.name_asked_at = name, now
    person.save(update_fields=["chosen_name", "name_asked_at"])
