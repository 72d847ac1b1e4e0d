"""Write down who was at the visits that count, and whose issues the segments are of, for what there was before."""

from collections import defaultdict
from datetime import timedelta

from django.db import migrations
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce

STEP = 900
COUNTED = ("submitted", "accepted")


def steps(rows):
    """Lists of ids in order, so that no transaction is long."""
    last = None
    while some := list((rows.filter(pk__gt=last) if last else rows).order_by("pk").values_list("pk", flat=True)[:STEP]):
        last = some[-1]
        yield some


def fill(apps, schema_editor):
    of = apps.get_model
    attendance, visits = of("surveys", "Attendance"), of("inspections", "Visit").objects
    counted = visits.filter(mode="on_site", status__in=COUNTED, check_in__isnull=False)
    for ids in steps(counted):
        forms = of("surveys", "Response").objects.filter(visit__in=ids, status__in=COUNTED)
        formed = set(forms.values_list("visit", flat=True))
        people = defaultdict(set)
        for visit, person in of("inspections", "JointParticipant").objects.filter(visit__in=ids).values_list("visit", "person"):
            people[visit].add(person)
        known = counted.filter(pk__in=ids).annotate(received=Coalesce("submitted_at", "created_at"))
        columns = known.values_list("pk", "author", "enterprise", "started_at", "received")
        rows = [
            attendance(visit=visit, person=person, enterprise=enterprise, began=began)
            for visit, author, enterprise, began, received in columns
            if visit in formed and received >= began - timedelta(days=1)
            for person in people[visit] | {author}
        ]
        attendance.objects.bulk_create(rows, ignore_conflicts=True)
    issue = of("inspections", "Issue").objects.filter(pk=OuterRef("issue"))
    segments = of("inspections", "Segment").objects
    for ids in steps(segments.filter(region=None)):
        segments.filter(pk__in=ids).update(region=Subquery(issue.values("region")), reporter=Subquery(issue.values("reporter")))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("inspections", "0009_copies_for_reports"), ("surveys", "0005_attendance")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
