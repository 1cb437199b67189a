from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import CreateExtension
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState
from django.db.utils import NotSupportedError, OperationalError, ProgrammingError


class NeededExtension(CreateExtension):
    """An extension of PostgreSQL; on other databases nothing. Both of ours may be created by a database's owner."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        try:
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        except (NotSupportedError, OperationalError, ProgrammingError) as error:
            database = schema_editor.connection.settings_dict["NAME"]
            raise RuntimeError(
                f"PostgreSQL's extension {self.name} is missing, and the role of DATABASE_URL may not create it. "
                f'Connect to the database {database!r} as a superuser, run "CREATE EXTENSION pg_trgm; CREATE EXTENSION '
                'btree_gin;" (both belong to the package postgresql-contrib), then run "manage.py migrate" again.'
            ) from error


class Migration(migrations.Migration):
    dependencies = [
        ("lti_tool", "0004_registration_invitations"),
    ]

    operations = [
        NeededExtension("pg_trgm"),
        NeededExtension("btree_gin"),
        migrations.AddField(
            model_name="person",
            name="search_text",
            field=models.TextField(blank=True, db_default="", default="", editable=False),
        ),
        migrations.AddIndex(
            model_name="person",
            index=GinIndex(
                fields=["tenant", "search_text"], name="person_search", opclasses=["uuid_ops", "gin_trgm_ops"]
            ),
        ),
    ]
