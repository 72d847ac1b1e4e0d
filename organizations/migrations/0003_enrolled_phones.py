from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("organizations", "0002_console_sessions")]

    operations = [
        migrations.AddField(
            model_name="device",
            name="enrolled_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="注册码绑定时间"),
        ),
    ]
