from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('people', '0007_source_active_since'),
    ]

    operations = [
        migrations.AddField(
            model_name='handoveruse',
            name='browser_digest',
            field=models.CharField(blank=True, default='', max_length=64),
        ),
    ]
