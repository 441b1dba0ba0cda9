"""Does nothing: on MariaDB the package's own changes a column which its tables do not have, and stops.

It would make char(32) columns native ones; a database made today by Django 5 has native ones already.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("submissions", "0005_CreateTeamModel")]
    operations = []
