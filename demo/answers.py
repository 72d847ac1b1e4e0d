"""Answers that fit the enterprise and the visit: the samples of the questionnaires, made true to what the demo world knows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from demo.dice import Dice
from demo.firms import Firm
from surveys import samples

Answers = dict[str, Any]


def of_visit(
    dice: Dice, firm: Firm, today: date, found: Sequence[tuple[str, str]], check_in: dict[str, Any] | None
) -> Answers:
    """The visit form; ``found`` are the issues reported, as category and description."""
    answers = samples.sample("visit", dice, today, region=firm.town.code)
    employees = max(5, round(firm.employees * dice.uniform(0.97, 1.03)))
    frontline = round(employees * 0.66)
    certified = round(frontline * dice.uniform(0.35, 0.6))
    senior = round(certified * dice.uniform(0.12, 0.42))
    answers |= {
        "employees": employees,
        "frontline": frontline,
        "dispatched": round(employees * 0.05),
        "party_recruits": min(frontline, answers["party_recruits"]),
        "certified": certified,
        "senior_skilled": senior,
        "senior_share": int(senior / certified * 10_000 + 0.5) / 10_000 if certified else 0,
        "issues": [{"issue_category": category, "issue_description": said} for category, said in found],
        "arrears": "open" if any(category == "wage_arrears" for category, _ in found) else _settled(answers["arrears"]),
        "mode": "on_site" if check_in else dice.choice(["meeting", "phone"]),
    }
    if "members" in answers:
        answers["members"] = round(employees * dice.uniform(0.6, 1.0))
    answers.pop("check_in", None)
    photo = answers.pop("check_in_photo", f"check-in-{dice.getrandbits(32):08x}.jpg")
    if check_in:
        answers["check_in"] = {name: check_in[name] for name in ("lat", "lon", "crs", "accuracy_m")}
        answers["check_in_photo"] = photo
    return answers


def _settled(arrears: str) -> str:
    return "none" if arrears == "open" else arrears


def of_observation(dice: Dice, firm: Firm, today: date) -> Answers:
    return samples.sample("observer", dice, today, region=firm.town.code)


def of_worker(dice: Dice, firm: Firm, today: date) -> Answers:
    return samples.sample("worker_satisfaction", dice, today, region=firm.town.code)


def of_small_firm(dice: Dice, firm: Firm, today: date, category: str, said: str, *, answered: bool) -> Answers:
    """The form of the guidance stations about one problem; ``answered`` on the spot or reported."""
    answers = samples.sample("sme_problems", dice, today, region=firm.town.code)
    answers |= {
        "credit_code": firm.uscc,
        "category": category,
        "description": f"{said}。企业希望有关部门协调解决,并给予政策指导。",
        "answered_now": "yes" if answered else "no",
    }
    answers.pop("answer", None)
    if answered:
        answers["answer"] = "已说明政策依据和申请流程,并提供办事指南。"
    return answers
