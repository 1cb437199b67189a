"""The database folds text as Python does."""

import pytest
from django.db.models import Value

from invites.queries.folding import Fold
from lti_tool.folding import fold
from lti_tool.models import Tenant
from tests.factories.lti import make_tenant

pytestmark = pytest.mark.django_db

TEXTS = [
    "Ana",
    "MÜLLER",
    "Søren Ødegård",
    "Łukasz",
    "Çağla Iğdır",  # noqa: RUF001 - a real letter
    "O’Brien",
    "Straße",
    "Œuvre",
    "é",
    "ana@x.example",
]


@pytest.mark.parametrize("text", TEXTS)
def test_accents_case_and_special_letters_fall_away(text: str) -> None:
    make_tenant()
    folded = Tenant.objects.annotate(folded=Fold(Value(text))).values_list("folded", flat=True)
    assert list(folded) == [fold(text)]


def test_nothing_folded_is_nothing() -> None:
    make_tenant()
    assert list(Tenant.objects.annotate(folded=Fold(Value(None))).values_list("folded", flat=True)) == [None]
