"""The way to searchable names: rows that are there already, and a database that wants its owner's help."""

import importlib

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.state import ProjectState

from lti_tool.models import Person
from rooms.models import Guest
from tests.factories.lti import make_person, make_tenant
from tests.factories.rooms import make_guest

pytestmark = pytest.mark.django_db


def test_rows_from_before_are_found_as_if_they_were_written_now() -> None:
    tenant = make_tenant()
    people = [
        make_person(
            tenant, name="Jürgen Müller-Østby", given_name="Jürgen", family_name="O’Hara", email="J.M@x.edu"
        ),
        make_person(tenant, name="Nobody", email=""),
        make_person(
            tenant, name="", given_name="", family_name="", chosen_name="Łukasz Strauß", email="l@x.edu"
        ),
    ]
    guest = make_guest(tenant, first_name="Zoë", last_name="de la Cruz")
    written_now = [person.search_text for person in people]
    Person.objects.update(search_text="")
    Guest.objects.update(search_text="")
    migration = importlib.import_module("rooms.migrations.0007_fold_names_for_search")
    migration.fold_names(apps, connection.SchemaEditorClass(connection))
    for person, text in zip(people, written_now, strict=True):
        person.refresh_from_db()
        assert sorted(person.search_text.split()) == sorted(text.split())
    assert Guest.objects.get().search_text == guest.search_text


def test_whoever_may_create_no_extension_is_told_what_to_do() -> None:
    migration = importlib.import_module("lti_tool.migrations.0005_searchable_people")
    operation = migration.NeededExtension("file_fdw")
    editor = connection.SchemaEditorClass(connection)
    if connection.vendor != "postgresql":
        operation.database_forwards("lti_tool", editor, ProjectState(), ProjectState())  # nothing to do
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        if cursor.fetchone() == (True,):  # somebody's own server; .ci/services.py gives a role that is none
            cursor.execute("CREATE ROLE foyer_of_little_power")
            cursor.execute("SET LOCAL ROLE foyer_of_little_power")
    with pytest.raises(RuntimeError, match='as a superuser, run "CREATE EXTENSION pg_trgm; ') as raised:
        operation.database_forwards("lti_tool", editor, ProjectState(), ProjectState())
    assert repr(connection.settings_dict["NAME"]) in str(raised.value)
