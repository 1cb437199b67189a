import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """How much an author has said lately is asked with every message."""

    dependencies = [("rooms", "0010_answers_that_are_hidden")]

    operations = [
        migrations.AddIndex(
            model_name="chatmessage",
            index=models.Index(fields=["author", "sent_at"], name="chat_said_lately"),
        ),
        migrations.AlterField(
            model_name="chatmessage",
            name="author",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="chat_messages",
                to="rooms.participant",
            ),
        ),
    ]
