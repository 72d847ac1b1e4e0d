"""Count the files set aside before they were counted."""

import orjson
from django.db import migrations


def count(apps, schema_editor):
    submissions = apps.get_model("surveys", "Submission").objects
    for row in submissions.filter(aside=0).only("instance", "received").iterator(chunk_size=500):
        received = row.received if isinstance(row.received, dict) else orjson.loads(row.received)
        aside = sum(each.get("kept") == "aside" for each in received.values())
        if aside:
            submissions.filter(pk=row.pk).update(aside=aside)


class Migration(migrations.Migration):
    dependencies = [("surveys", "0003_collect_replays_and_files_set_aside")]

    operations = [migrations.RunPython(count, migrations.RunPython.noop)]
