"""Compile the catalogues in locale/ that are newer than what was made of them. Needs Babel, not gettext."""

import os
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).resolve().parent.parent / "locale"


def compile_catalogue(source: Path) -> bool:
    """Write the .mo beside a .po; False where it is there already."""
    target = source.with_suffix(".mo")
    if target.is_file() and target.stat().st_mtime >= source.stat().st_mtime:
        return False
    with source.open("rb") as text:
        catalogue = read_po(text, locale=source.parent.parent.name, abort_invalid=True)
    for message in [each for each in catalogue if each.pluralizable and not all(each.string or ())]:
        catalogue.delete(message.id)  # would be compiled to nothing, and nothing be shown
    unfinished = target.with_suffix(f".{os.getpid()}")
    with unfinished.open("wb") as compiled:
        write_mo(compiled, catalogue)
    unfinished.replace(target)  # at once: a server that is starting reads the old or the new one
    return True


if __name__ == "__main__":
    sources = sorted(LOCALE.glob("*/LC_MESSAGES/*.po"))
    done = [path.parent.parent.name for path in sources if compile_catalogue(path)]
    if done:
        print(f"[setup] Compiled the catalogues: {', '.join(done)}", flush=True)
