import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("credentials", "0003_source_of_evidence")]

    operations = [
        migrations.AlterField(
            model_name="credentialdocument",
            name="source",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="people.source"
            ),
        ),
    ]
