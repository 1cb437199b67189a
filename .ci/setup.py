"""Make .venv/ as requirements.lock says and, with --tests, install what tests need from the system.

Needs nothing but a Python: the standard library only, and no syntax younger than Python 3.7, so that an old
`python3` can still say what is wrong or hand over to a newer one beside it.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / ".foyer-lock"  # what was installed: the lock's hash and the Python it was installed for

OLDEST = (3, 11)
NEWER_PYTHONS = ("python3.13", "python3.12", "python3.11", "python3.14")  # the best tested first


def say(text: str) -> None:
    print(f"[setup] {text}", flush=True)


def stop(text: str) -> None:
    print(f"[setup] {text}", file=sys.stderr, flush=True)
    sys.exit(1)


def run(*command: str, **environment: str) -> None:
    done = subprocess.run(command, cwd=str(ROOT), env={**os.environ, **environment}, check=False)
    if done.returncode != 0:
        stop(f"This did not work (exit status {done.returncode}): {' '.join(command)}")


# ----------------------------------------------------------------------------------- the system's packages


def find_postgres() -> str | None:
    """PostgreSQL's server programs stand outside PATH on Debian and its kin."""
    beside = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return shutil.which("initdb") or (str(beside[-1]) if beside else None)


def find_chromium() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def missing_for_tests() -> dict[str, str]:
    """What is not here, each with the Debian package that brings it."""
    wanted = {
        "PostgreSQL server": ("postgresql", find_postgres()),
        "Redis server": ("redis-server", shutil.which("redis-server")),
        "Chromium": ("chromium", find_chromium()),
        "gettext": ("gettext", shutil.which("msgfmt")),
    }
    return {what: package for what, (package, found) in wanted.items() if not found}


def install(missing: dict[str, str]) -> None:
    """Install with apt-get where we may; elsewhere say what is missing, and stop."""
    if not missing:
        return
    names = ", ".join(missing)
    packages = list(missing.values())
    by_hand = f"sudo apt-get update && sudo apt-get install {' '.join(packages)}"
    if not shutil.which("apt-get"):
        stop(f"Missing: {names}. Please install what Debian calls {' '.join(packages)}, then try again.")
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        stop(f"Missing: {names}. Installing needs root; please run:\n    {by_hand}")
    say(f"Installing with apt-get: {names} (a few minutes the first time) ...")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", "-qq", **quiet)
    run(
        "apt-get", "install", "-y", "-qq", "-o=Dpkg::Use-Pty=0", "--no-install-recommends", *packages, **quiet
    )


def install_for_tests() -> None:
    install(missing_for_tests())
    missing = missing_for_tests()
    if missing:
        stop(f"Still missing after installing: {', '.join(missing)}. Please install by hand, then try again.")


# ------------------------------------------------------------------------------------------ the Python side


def answers(python: str, condition: str, *, needs: str = "sys") -> bool:
    """Tell whether this Python is there, starts, has the module `needs`, and meets the condition."""
    probe = f"import sys, {needs}; sys.exit(not ({condition}))"
    try:
        done = subprocess.run(
            [python, "-c", probe], stdin=subprocess.DEVNULL, capture_output=True, check=False
        )
    except OSError:
        return False
    return done.returncode == 0


def use_a_new_enough_python() -> None:
    """Go on in a newer Python when this one is too old and there is one beside it."""
    if sys.version_info >= OLDEST:
        return
    for name in NEWER_PYTHONS:
        found = shutil.which(name)
        if found and answers(found, f"sys.version_info >= {OLDEST}"):
            os.execv(found, [found, *sys.argv])  # noqa: S606 - replaces this process on purpose
    stop(
        f"Foyer needs Python 3.11 or newer; this is {sys.version.split()[0]}, and no newer one is beside it."
    )


def need_venv_module() -> None:
    """Debian ships Python without the parts that make environments; fetch them."""
    if importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv"):
        return
    install({"Python's venv module": f"python3.{sys.version_info.minor}-venv"})
    importlib.invalidate_caches()


def make_venv() -> None:
    """Bring .venv/ to what requirements.lock says; nothing to do when its stamp matches."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    wanted = f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()} python{version}\n"
    python = VENV / "bin" / "python"
    if STAMP.is_file() and STAMP.read_text() == wanted and python.exists():
        return
    if not answers(str(python), f"sys.version_info[:2] == {sys.version_info[:2]}", needs="pip"):
        need_venv_module()
        say(f"Making .venv/ with Python {version} ...")
        run(sys.executable, "-m", "venv", "--clear", str(VENV))
    say("Installing requirements.lock into .venv/ (about a minute the first time) ...")
    pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input")
    run(*pip, "--require-hashes", "--requirement", str(LOCK))
    STAMP.write_text(wanted)
    say("Python environment ready.")


def compile_catalogues() -> None:
    """Translations, as Python reads them; those that are younger than their source are left alone."""
    run(str(VENV / "bin" / "python"), str(ROOT / ".ci" / "catalogues.py"))


if __name__ == "__main__":
    use_a_new_enough_python()
    if "--tests" in sys.argv[1:]:
        install_for_tests()
    make_venv()
    compile_catalogues()
