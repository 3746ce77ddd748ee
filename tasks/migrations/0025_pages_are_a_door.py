from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tasks', '0024_own_orders'),
    ]

    operations = [
        migrations.AlterField(
            model_name='auditentry',
            name='door',
            field=models.CharField(choices=[('api', 'api'), ('admin', 'admin'), ('pages', 'pages'), ('mcp', 'mcp'), ('shell', 'shell')], max_length=5),
        ),
    ]
