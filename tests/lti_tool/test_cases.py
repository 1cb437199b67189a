"""Every row of the specification's tables has its test."""

import os
import subprocess
import sys
from pathlib import Path

from tests.lti_tool.cases import CASES, CERTIFICATION, ROWS

TESTS = Path(__file__).resolve().parent.parent


def collected() -> set[str]:
    """The names of all tests in the files that hold a case, with their parameters."""
    files = {proof.partition("::")[0] for proofs in CASES.values() for proof in proofs}
    files.add("lti_tool/views/test_specification.py")
    pytest = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    listing = subprocess.run(  # noqa: S603 - of this very environment
        [*pytest, *sorted(files)],
        cwd=TESTS,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return {line.removeprefix("tests/") for line in listing.splitlines() if "::" in line}


def test_no_case_is_lost() -> None:
    tests = collected()
    functions = {name.partition("[")[0] for name in tests}
    named = {name.partition("[")[2].removesuffix("]") for name in tests if "test_specification.py::" in name}
    missing = {
        case
        for case, proofs in CASES.items()
        if not (proofs or any(name == case or name.startswith(f"{case} ") for name in named))
    }
    missing |= {proof for proofs in CASES.values() for proof in proofs if proof not in tests | functions}
    assert not missing


def test_the_tables_are_whole() -> None:
    assert set(ROWS) == {f"R{row}" for row in range(25)}
    cases = [
        f"{group}{number}" for group, last in (("B", 12), ("T", 9), ("S", 9)) for number in range(1, last + 1)
    ]
    assert set(cases) <= set(CERTIFICATION)
