from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("lti_tool", "0005_searchable_people"),
        ("rooms", "0005_changes_to_be_told"),
    ]

    operations = [
        migrations.AddField(
            model_name="guest",
            name="erased_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="made anonymous"),
        ),
        migrations.AddField(
            model_name="guest",
            name="search_text",
            field=models.TextField(blank=True, db_default="", default="", editable=False),
        ),
        migrations.AddIndex(
            model_name="guest",
            index=GinIndex(
                fields=["tenant", "search_text"], name="guest_search", opclasses=["uuid_ops", "gin_trgm_ops"]
            ),
        ),
    ]
