import re
import unicodedata
from typing import Any

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

# What lti_tool.folding did when this was written; later writes are its own.
LETTERS = str.maketrans(
    dict(zip("øłđðħŧıŋĸə", "olddhtinke", strict=True))
    | {"æ": "ae", "œ": "oe", "þ": "th", "ß": "ss"}
    | dict.fromkeys("'’‘ʼʻ`´′", "")  # O'Brien and OBrien are one name  # noqa: RUF001 - real signs
)
WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
SIGNS = str.maketrans("@._+", "ʘǀǁǂ")
BETWEEN_WORDS = re.compile(r"[\s\-‐‑‒–—,;:()<>\"“”„«»/|]+")  # noqa: RUF001 - real signs
AT_ONCE = 1000


def fold(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text)
    bare = "".join(sign for sign in apart if unicodedata.category(sign) != "Mn")
    folded = bare.casefold().translate(LETTERS)
    return "".join(sign for sign in folded if unicodedata.category(sign) != "Mn")


def search_text(names: list[str], address: str) -> str:
    folded = fold(address.strip())
    if not folded:
        return ""
    written_out = [unicodedata.normalize("NFC", name).lower().translate(WRITTEN_OUT) for name in names]
    words = [
        spelling
        for name, other in zip(names, written_out, strict=True)
        for pair in zip(BETWEEN_WORDS.split(name), BETWEEN_WORDS.split(other), strict=True)
        for spelling in map(fold, pair)
    ]
    parts = re.split(r"[^\w]+|_+", folded.rpartition("@")[0])
    return f" {' '.join(dict.fromkeys(word for word in [*words, folded, *parts] if word))[:600]} ".translate(
        SIGNS
    )


def fill(rows: Any, fields: list[str]) -> None:  # noqa: ANN401 - a manager of historical rows
    some = []
    for row in rows.exclude(email="").filter(search_text="").iterator(chunk_size=AT_ONCE):
        row.search_text = search_text([getattr(row, field) for field in fields], row.email)
        some.append(row)
        if len(some) == AT_ONCE:
            rows.bulk_update(some, ["search_text"])
            some = []
    rows.bulk_update(some, ["search_text"])


def fold_names(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    people = apps.get_model("lti_tool", "Person").objects.using(schema_editor.connection.alias)
    guests = apps.get_model("rooms", "Guest").objects.using(schema_editor.connection.alias)
    fill(people, ["name", "given_name", "family_name", "chosen_name"])
    fill(guests, ["first_name", "last_name"])


class Migration(migrations.Migration):
    dependencies = [
        ("lti_tool", "0005_searchable_people"),
        ("rooms", "0006_searchable_guests"),
    ]

    operations = [migrations.RunPython(fold_names, migrations.RunPython.noop, elidable=True)]
