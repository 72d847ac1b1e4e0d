"""The audit trail: read and taken away by the auditor and the office, by nobody else."""

from __future__ import annotations

import csv
import io

import pytest
from django.db import transaction

from journal import reading
from journal.models import Feed
from tests.api.line import Line


def test_the_auditor_reads_what_happened_and_takes_it_away_as_a_sheet(cast):
    Line(cast.office).patch(f"enterprises/{cast.bakery.id}", {"name": "新面包厂"})
    auditor = Line(cast.auditor)

    newest = auditor.get(f"journal?record={cast.bakery.id}").data["results"][0]
    assert newest["changes"]["name"] == ["面包厂", "新面包厂"]
    assert newest["person"] == str(cast.office.id)

    answer = auditor.get(f"journal?record={cast.bakery.id}&format=csv")
    assert answer.status_code == 200 and answer["Content-Type"] == "text/csv; charset=utf-8"
    sheet = b"".join(answer.streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(sheet)))
    assert [row["id"] for row in rows][-1] == str(newest["id"])
    assert "新面包厂" in rows[-1]["changes"]


def test_nobody_else_reads_it_in_any_form(cast):
    for person in (cast.liaison, cast.town, cast.handler, cast.outsider):
        for path in ("journal", "journal?format=csv"):
            assert Line(person).get(path).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_a_moment_within_a_moment_is_the_same_moment():
    with reading.snapshot(), reading.snapshot():
        list(Feed.objects.all())
    with transaction.atomic():  # and it is over
        list(Feed.objects.select_for_update())
