from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("rooms", "0003_the_room_live"),
    ]

    operations = [
        migrations.AddField(
            model_name="pass",
            name="moved_at",
            field=models.DateTimeField(
                blank=True, help_text="another device has it now, place and all", null=True
            ),
        ),
    ]
