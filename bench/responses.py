"""How long taking responses takes, and exporting many: ``python -m bench.responses [how many to export]`` on a database of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)


def begin() -> None:
    """A fresh SQLite database, unless DATABASE_URL names another."""
    os.environ.setdefault("DATABASE_URL", f"sqlite:///{Path(tempfile.mkdtemp()) / 'bench.sqlite3'}")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def measure(exported: int) -> dict[str, float]:
    """CPU-seconds per 1,000 responses taken, rows per second exported, and the memory that took in MB."""
    from core.actors import SYSTEM
    from core.drafts import Draft
    from core.ids import stable, uuid7
    from core.problems import Problem
    from organizations.models import Enterprise, Region
    from surveys import questionnaires, responses
    from surveys.samples import sample

    region = Region.objects.create(id=stable("regions", "320281106"), code="320281106", name="周庄镇", kind="town")
    firms = [Enterprise.objects.create(name=f"企业 {at}", region=region).id for at in range(50)]
    workbook = Path(__file__).resolve().parent.parent / "data" / "questionnaires" / "visit.xlsx"
    version = questionnaires.upload(workbook.read_bytes(), by=SYSTEM, at=AT)
    questionnaires.publish("visit", version.number, by=SYSTEM, at=AT)
    samples = [sample("visit", Random(seed), TODAY) for seed in range(200)]

    def batch(start: int) -> list[Draft]:
        common = {
            "questionnaire": "visit",
            "version": 1,
            "status": "submitted",
            "started_at": "2026-11-22T08:40:00+08:00",
        }
        return [
            Draft(uuid7(), {**common, "enterprise": str(firms[at % 50]), "answers": samples[at % 200]})
            for at in range(start, start + 100)
        ]

    figures: dict[str, float] = {}
    batches = [batch(start) for start in range(0, 3_000, 100)]
    responses.put(batches.pop(), by=SYSTEM, at=AT)
    before, wall = time.process_time(), time.perf_counter()
    for one in batches:
        assert not any(isinstance(each, Problem) for each in responses.put(one, by=SYSTEM, at=AT))
    count = len(batches) * 100
    figures["put: CPU-s per 1,000 responses"] = (time.process_time() - before) / count * 1000
    figures["put: responses per second"] = count / (time.perf_counter() - wall)
    _multiply(exported)
    told = subprocess.run([sys.executable, "-m", "bench.responses", "export"], capture_output=True, check=True)
    return figures | json.loads(told.stdout)


def export() -> dict[str, float]:
    """Rows per second of each format and the memory it took, by a process that does nothing else."""
    from surveys.exports import Export
    from surveys.models import Questionnaire, Response

    figures: dict[str, float] = {}
    questionnaire, count = Questionnaire.objects.get(pk="visit"), Response.objects.count()
    floor = peak_kb()
    for form in ("csv", "geojson", "xlsx"):
        made = Export(questionnaire, Response.objects.all())
        content: Any = made.csv(made.table("responses")) if form == "csv" else getattr(made, form)()
        wall, spent = time.perf_counter(), time.process_time()
        size = sum(len(piece) for piece in content)
        figures[f"{form}: rows per second"] = count / (time.perf_counter() - wall)
        figures[f"{form}: rows per CPU-second"] = count / (time.process_time() - spent)
        figures[f"{form}: MB"] = size / 1e6
    figures["export: MB of memory more than before"] = (peak_kb() - floor) / 1024
    figures["export: MB of memory in all"] = peak_kb() / 1024
    return figures


def peak_kb() -> int:
    """The most memory this process ever held; unlike getrusage it does not begin with what its parent held."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def _multiply(wanted: int) -> None:
    """Fill the table with copies until it holds so many rows."""
    from core.ids import uuid7
    from surveys.models import Response

    rows = list(Response.objects.all()[:1_000])
    while Response.objects.count() < wanted:
        for row in rows:
            row.id = uuid7()
        Response.objects.bulk_create(rows)


if __name__ == "__main__":
    begin()
    found = export() if sys.argv[1:] == ["export"] else measure(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
    sys.stdout.write(json.dumps({name: round(value, 2) for name, value in found.items()}, indent=1) + "\n")
