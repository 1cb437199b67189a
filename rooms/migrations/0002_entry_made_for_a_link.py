import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("lti_tool", "0002_content_requests_and_copies"),
        ("rooms", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="entry",
            name="made_for",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="entries_made",
                to="lti_tool.placement",
            ),
        ),
    ]
