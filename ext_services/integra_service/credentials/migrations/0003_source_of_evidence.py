from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def fill(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Until now a person's evidence came from the one classroom they were handed over from."""
    identities = apps.get_model("people", "LearnerIdentity").objects.order_by("-pk")
    sources = dict(identities.values_list("person_id", "source_id"))  # the first one of a person wins
    documents = apps.get_model("credentials", "CredentialDocument").objects.filter(source=None)
    for document in documents.select_related("credential").iterator():
        document.source_id = sources[document.credential.person_id]
        document.save(update_fields=["source"])


class Migration(migrations.Migration):
    dependencies = [("credentials", "0002_life"), ("people", "0003_roles")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
