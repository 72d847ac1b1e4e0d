"""How long the server takes over forms: compiling them, and judging answers. Run: ``python -m bench.forms``."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from io import BytesIO
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any

import orjson
import xlsxwriter

from surveys.answers import check, settle
from surveys.definition import Definition
from surveys.samples import sample
from surveys.scores import score_settled
from surveys.xlsform import read_xlsform

FORMS = Path(__file__).resolve().parent.parent / "data" / "questionnaires"
TODAY = date(2026, 11, 22)


def median_us(run: Callable[[], Any], times: int) -> float:
    """Median time of one call, in microseconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter_ns()
        run()
        taken.append(time.perf_counter_ns() - start)
    return statistics.median(taken) / 1000


def repeat_form(columns: int) -> Definition:
    """A repeat with a relevance, a constraint, a choice and a calculation in each row."""
    return Definition(
        {
            "languages": ["zh"],
            "lists": {"kind": [{"name": str(at)} for at in range(columns)]},
            "questions": [
                {"name": "limit", "type": "integer"},
                {"name": "rows", "type": "repeat", "children": [
                    {"name": "kind", "type": "select_one", "list": "kind", "required": True},
                    {"name": "amount", "type": "integer", "constraint": ". >= 0 and . <= ${limit}"},
                    {"name": "why", "type": "text", "relevant": "${amount} > 90"},
                ]},
                {"name": "total", "type": "calculate", "calculation": "sum(${amount})"},
            ],
        }
    )  # fmt: skip


def large_workbook(questions: int, choices: int) -> bytes:
    """An XLSForm with a cascade over many choices and every third question depending on another."""
    stream = BytesIO()
    book = xlsxwriter.Workbook(stream)
    survey, sheet, settings = (
        book.add_worksheet("survey"),
        book.add_worksheet("choices"),
        book.add_worksheet("settings"),
    )
    survey.write_row(
        0, 0, ["type", "name", "label::Chinese (zh)", "label::English (en)", "relevant", "constraint", "choice_filter"]
    )
    survey.write_row(1, 0, ["select_one place", "q0", "地点", "Place"])
    for at in range(1, questions):
        kind = "select_one place" if at % 10 == 0 else "integer"
        survey.write_row(at + 1, 0, [kind, f"q{at}", f"问题 {at}", f"Question {at}", f"${{q{at - 1}}} != ''" if at % 3 == 0 else "",
                                     ". >= 0 and . < 1000" if kind == "integer" else "",
                                     "above = ${q0}" if kind != "integer" else ""])  # fmt: skip
    sheet.write_row(0, 0, ["list_name", "name", "label::Chinese (zh)", "label::English (en)", "above"])
    for at in range(choices):
        sheet.write_row(at + 1, 0, ["place", f"c{at}", f"选项 {at}", f"Choice {at}", f"c{at // 20}"])
    settings.write_row(0, 0, ["form_id", "form_title", "default_language"])
    settings.write_row(1, 0, ["large", "Large", "Chinese (zh)"])
    book.close()
    return stream.getvalue()


def measure(times: int = 2_000) -> dict[str, float]:
    """Every figure the project states about forms; times in µs unless the name says otherwise."""
    figures: dict[str, float] = {}
    for code in ("visit", "worker_satisfaction", "observer", "sme_problems"):
        definition = Definition(read_xlsform((FORMS / f"{code}.xlsx").read_bytes()).form)
        answers = [sample(code, Random(seed), TODAY) for seed in range(50)]
        turn, other = cycle(answers), cycle([settle(definition, one, today=TODAY) for one in answers])
        figures[f"{code}: answers"] = statistics.median(len(one) for one in answers)
        figures[f"{code}: check"] = median_us(lambda d=definition, t=turn: check(d, next(t), today=TODAY), times)
        figures[f"{code}: score"] = median_us(lambda t=other: score_settled(next(t)), times)
    rows = repeat_form(20)
    filled = {"limit": 100, "rows": [{"kind": str(at % 20), "amount": at % 90} for at in range(200)], "total": 8_000}
    figures["200 rows: check"] = median_us(lambda: check(rows, filled, today=TODAY), 200)
    workbook = large_workbook(300, 5_000)
    start, spent = time.perf_counter(), time.process_time()
    compiled = read_xlsform(workbook)
    figures["300 questions, 5,000 choices: compile, s"] = time.perf_counter() - start
    figures["300 questions, 5,000 choices: compile, CPU-s"] = time.process_time() - spent
    figures["300 questions, 5,000 choices: kB"] = len(orjson.dumps(compiled.form)) / 1000
    return figures


if __name__ == "__main__":
    figures = {name: round(value, 2) for name, value in measure().items()}
    sys.stdout.write(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
