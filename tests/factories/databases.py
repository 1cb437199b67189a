"""How another process reaches the database of the running tests."""

from urllib.parse import quote

from django.db import connection


def environment_of_test_database() -> dict[str, str]:
    """DATABASE_URL for a process that a test starts."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return {"DATABASE_URL": f"sqlite:///{values['NAME']}"}
    user, password = quote(str(values["USER"]), safe=""), quote(str(values["PASSWORD"]), safe="")
    host, port = quote(str(values["HOST"]), safe=""), values["PORT"] or 5432
    return {"DATABASE_URL": f"postgres://{user}:{password}@{host}:{port}/{values['NAME']}"}
