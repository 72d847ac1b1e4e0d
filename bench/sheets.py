"""What a workbook of many rows takes: ``python -m bench.sheets [rows]`` lists issues on a database of its own, as a report task does.

The memory is the whole process's at its highest, by one that does nothing else; must be under 300 MB for 100,000 rows.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import datetime, timedelta

from bench.responses import begin, peak_kb

BATCH = 5_000


def fill(rows: int) -> None:
    """So many issues of one month, in every state of a full life."""
    from core.ids import uuid7
    from inspections.models import Issue
    from inspections.rulebook import IssueCategory
    from organizations.models import Department, Enterprise, Region
    from reports.periods import SHANGHAI
    from tests.reports import worlds

    worlds.furnish()
    first = datetime(2026, 10, 1, 8, tzinfo=SHANGHAI)
    region = Region.objects.order_by("code")[0]
    firms = [Enterprise.objects.create(name=f"江阴第{n}机械有限公司", region=region) for n in range(50)]
    categories = [*IssueCategory.objects.all()]
    leads = [*Department.objects.values_list("code", flat=True)]
    for start in range(0, rows, BATCH):
        Issue.objects.bulk_create(
            Issue(
                id=uuid7(), enterprise=firms[n % 50], region=region, category=categories[n % len(categories)], state="closed",
                description=f"第{n}件：夜班津贴三个月没有发，涉及{n % 90 + 1}名职工，多次反映无果", lead_code=leads[n % len(leads)],
                submitted_at=first + timedelta(seconds=n * 20), dispatched_at=first, due=first, replied_at=first,
                closed_at=first, updated_at=first, deadline_class_id="B",
            )
            for n in range(start, min(start + BATCH, rows))
        )  # fmt: skip


def deliver(dress: str) -> dict[str, float]:
    """Rows per second, size and memory of the register of issues in one dress."""
    from core.actors import SYSTEM
    from inspections.models import Issue
    from reports import deliverables, periods

    wanted = deliverables.Wanted("register", periods.read("2026-10"), dress, register="issues")
    at, rows = datetime(2026, 11, 22, 12, tzinfo=periods.SHANGHAI), Issue.objects.count()
    began, spent = time.perf_counter(), time.process_time()
    file = deliverables.deliver(wanted, by=SYSTEM, at=at, language="zh-Hans")
    with file.content:
        return {
            f"{dress}: rows": rows,
            f"{dress}: seconds": time.perf_counter() - began,
            f"{dress}: rows per CPU-second": rows / (time.process_time() - spent),
            f"{dress}: MB of the file": file.size / 1e6,
            f"{dress}: MB of memory in all": peak_kb() / 1024,
        }


def main() -> None:
    if sys.argv[1:2] == ["deliver"]:
        print(json.dumps(deliver(sys.argv[2])))
        return
    fill(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
    found: dict[str, float] = {}
    for dress in ("xlsx", "csv"):
        told = subprocess.run([sys.executable, "-m", "bench.sheets", "deliver", dress], capture_output=True, check=True)
        found |= json.loads(told.stdout)
    print(json.dumps({name: round(value, 2) for name, value in found.items()}, indent=1))


if __name__ == "__main__":
    begin()
    main()
