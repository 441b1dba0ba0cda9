from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("credentials", "0007_terms_and_withdrawals"),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="moved_at",
            field=models.DateTimeField(null=True),
        ),
    ]
