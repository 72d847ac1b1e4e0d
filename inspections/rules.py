"""The office's rules as rows: categories, deadline classes, versioned routing rules; loaded, edited, previewed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from core.actors import Actor
from core.ids import stable, uuid7
from core.problems import Invalid, NotFound
from inspections import calendar, documents, reference, routing, tables
from inspections.models import Issue
from inspections.routing import Case, Decision, Rule
from inspections.rulebook import CalendarYear, DeadlineClass, IssueCategory, RoutingRule
from journal import journal
from journal.journal import SHARED
from journal.remembered import Remembered
from organizations import places
from organizations.changes import plain
from organizations.models import Department, Enterprise, Region
from organizations.permissions import permit

FIELDS = ("priority", "category", "place", "when", "lead", "add_assists", "deadline_class", "why")


def load(*, by: Actor, at: datetime) -> None:
    """Lay down the categories, classes, rules and calendar that ship with the project, where there are none yet."""
    with journal.unit(by=by, at=at):
        if not DeadlineClass.objects.exists():
            classes = [_shipped_class(row) for row in reference.table("deadline_classes")]
            tables.add(classes)
            journal.record([_laid_down("deadline_classes", row.code) for row in classes])
        if not IssueCategory.objects.exists():
            _add_categories([_shipped_category(row) for row in reference.table("issue_categories")])
        if not RoutingRule.objects.exists():
            rows = [_row(rule, stable("routing_rules", rule.name), at) for rule in reference.rules()]
            tables.add(rows)
            journal.record([_laid_down("routing_rules", row.id) for row in rows])
        if not CalendarYear.objects.exists():
            _load_years(by=by, at=at)


def _laid_down(collection: str, code: UUID | str) -> journal.Change:
    """A row that came with the project."""
    record = code if isinstance(code, UUID) else stable(collection, code)
    return journal.Change("reference.laid_down", collection, record, {"code": [None, str(code)]}, ruling=True)


def _shipped_class(row: Mapping[str, str]) -> DeadlineClass:
    return DeadlineClass(
        code=row["class"],
        name=row["name_zh"],
        acknowledge_workdays=int(row["acknowledge_workdays"]),
        first_response_workdays=int(row["first_response_workdays"]),
        resolve_workdays=int(row["resolve_workdays"]),
        may_be_extended=row["extension_allowed"] != "no",
        note=row["note"],
    )


def _shipped_category(row: Mapping[str, str]) -> IssueCategory:
    return IssueCategory(
        id=stable("issue_categories", row["code"]),
        code=row["code"],
        number=int(row["no"]),
        name=row["name_zh"],
        name_en=row["name_en"],
        dimension=row["dimension"],
        lead=row["lead"],
        assists=row["assists"].split(),
        deadline_class_id=row["deadline_class"],
    )


def _add_categories(rows: Sequence[IssueCategory]) -> None:
    tables.add(rows)
    journal.record(
        [
            journal.Change(
                "category.created",
                "issue_categories",
                row.id,
                {"code": [None, row.code]},
                SHARED,
                documents.category(row),
            )
            for row in rows
        ]
    )


def _load_years(*, by: Actor, at: datetime) -> None:
    years: dict[int, dict[str, Any]] = {}
    for row in reference.table("calendar"):
        year = years.setdefault(int(row["year"]), {"official": row["status"] == "official", "off": {}, "makeup": {}})
        year[row["kind"]][date.fromisoformat(row["date"])] = row["name_zh"]
    for number, year in years.items():
        calendar.put_year(number, **year, source="随产品附带", by=by, at=at)


def put_category(code: str, changes: Mapping[str, Any], *, by: Actor, at: datetime) -> IssueCategory:
    """Change a category's names, defaults or whether it is in use. Raises NotFound, Invalid, Forbidden."""
    with journal.unit(by=by, at=at):
        permit(by, "rule.write")
        row = IssueCategory.objects.select_for_update().filter(code=code).first()
        if row is None:
            raise NotFound
        rule = Rule(
            0, row.code, lead=changes.get("lead", row.lead), add_assists=tuple(changes.get("assists", row.assists))
        )
        check_all([rule])
        changed = {}
        for name in ("name", "name_en", "dimension", "lead", "assists", "deadline_class_id", "active", "number"):
            if name in changes and getattr(row, name) != changes[name]:
                changed[name] = [getattr(row, name), changes[name]]
                setattr(row, name, changes[name])
        if changed:
            tables.put([row])
            journal.record(
                [
                    journal.Change(
                        "category.changed", "issue_categories", row.id, changed, SHARED, documents.category(row)
                    )
                ]
            )
        return row


def as_rule(row: RoutingRule) -> Rule:
    """The rule as routing reads it."""
    return Rule(
        row.priority, row.category, row.place, row.when, row.lead, tuple(row.add_assists), row.deadline_class, row.why,
        str(row.id),
    )  # fmt: skip


def _row(rule: Rule, line: UUID, at: datetime, version: int = 1) -> RoutingRule:
    return RoutingRule(
        id=uuid7() if version > 1 else line, line=line, version=version, priority=rule.priority, category=rule.category,
        place=rule.place, when=rule.when, lead=rule.lead, add_assists=list(rule.add_assists),
        deadline_class=rule.deadline_class, why=rule.why, valid_from=at,
    )  # fmt: skip


def current(at: datetime | None = None) -> list[tuple[Rule, RoutingRule]]:
    """The rules that count now, or counted at an instant."""
    rows = RoutingRule.objects.filter(ended_at=None)
    if at is not None:
        rows = RoutingRule.objects.filter(valid_from__lte=at).exclude(ended_at__lte=at)
    return [(as_rule(row), row) for row in rows.order_by("priority")]


standing = Remembered(lambda: [rule for rule, _ in current()])
"""The rules that count now, as routing reads them."""
categories = Remembered(lambda: {row.code: row for row in IssueCategory.objects.all()})
"""All categories by code."""


def tried(changed: Mapping[UUID, Rule | None]) -> list[Rule]:
    """The rules that count now, by line: some of them replaced, some added, some (None) taken away."""
    counting: dict[UUID, Rule | None] = {row.line: rule for rule, row in current()}
    return [rule for rule in (counting | dict(changed)).values() if rule is not None]


def put(rule: Rule, *, line: UUID | None = None, by: Actor, at: datetime) -> RoutingRule:
    """Write a new rule, or the next version of one. Raises Invalid with a fault a field, NotFound, Forbidden."""
    with journal.unit(by=by, at=at):
        permit(by, "rule.write")
        check_all([rule])
        old = RoutingRule.objects.select_for_update().filter(line=line, ended_at=None).first() if line else None
        if line and old is None:
            raise NotFound
        if old is not None:
            old.ended_at = at
            tables.put([old])
        row = _row(rule, line or uuid7(), at, old.version + 1 if old else 1)
        tables.add([row])
        _note(old, row)
        return row


def end(line: UUID, *, by: Actor, at: datetime) -> RoutingRule:
    """Take a rule out of use; it stays on record for the issues it has routed. Raises NotFound, Forbidden."""
    with journal.unit(by=by, at=at):
        permit(by, "rule.write")
        row = RoutingRule.objects.select_for_update().filter(line=line, ended_at=None).first()
        if row is None:
            raise NotFound
        row.ended_at = at
        tables.put([row])
        ended = {"ended_at": [None, plain(at)]}
        journal.record([journal.Change("rule.ended", "routing_rules", row.id, ended, ruling=True)])
        return row


def _note(old: RoutingRule | None, row: RoutingRule) -> None:
    changed = {
        name: [getattr(old, name, None), getattr(row, name)]
        for name in FIELDS
        if getattr(old, name, None) != getattr(row, name)
    }
    verb = "rule.changed" if old else "rule.created"
    journal.record([journal.Change(verb, "routing_rules", row.id, changed, ruling=True)])


def check_all(rules: Sequence[Rule], *, under: str = "") -> None:
    """Refuse rules that name what there is not. Raises Invalid with every fault of every rule, ``under`` a pointer."""
    regions = list(Region.objects.values_list("code", flat=True))
    parks = Enterprise.objects.exclude(industrial_park="").values_list("industrial_park", flat=True).distinct()
    departments = [*Department.objects.values_list("code", flat=True), *regions]
    categories = list(IssueCategory.objects.values_list("code", flat=True))
    classes = list(DeadlineClass.objects.values_list("code", flat=True))
    places = {*regions, *parks} if any(rule.place for rule in rules) else None
    faults = [
        fault.under(f"{under}/{number}" if under else "")
        for number, rule in enumerate(rules)
        for fault in routing.check(rule, departments=departments, categories=categories, classes=classes, places=places)
    ]
    if faults:
        raise Invalid(errors=faults)


def cases(issues: Sequence[Issue], region_codes: Mapping[UUID, str]) -> dict[UUID, Case]:
    """What routing looks at, for a set of issues; one query."""
    known = categories.get()
    enterprises = places.enterprises(issue.enterprise_id for issue in issues)
    return {
        issue.id: case(issue, known[issue.category_id], enterprises[issue.enterprise_id], region_codes)
        for issue in issues
    }


def case(issue: Issue, category: IssueCategory, enterprise: Enterprise, region_codes: Mapping[UUID, str]) -> Case:
    """What routing looks at, for one issue."""
    town = region_codes.get(enterprise.region_id)
    facts = {
        "severity": issue.severity,
        "workers_affected": issue.workers_affected,
        "immediate_danger": issue.immediate_danger,
        "special_equipment": issue.special_equipment,
        "confidential": issue.confidential,
        "external_channel": issue.external_channel or None,
        "dimension": category.dimension or None,
        "industry": enterprise.industry or None,
        "ownership": enterprise.ownership or None,
        "size": enterprise.size or None,
        "employees": enterprise.employees,
        "pilot_tier": enterprise.pilot_tier or None,
        "designation_level": enterprise.designation_level or None,
        "park": enterprise.industrial_park or None,
        "region": town,
    }
    places = tuple(filter(None, (town, enterprise.industrial_park)))
    return Case(category.code, category.lead, tuple(category.assists), category.deadline_class_id, places, town, facts)


@dataclass(frozen=True, slots=True)
class Rerouted:
    """An issue that other rules would have sent elsewhere."""

    issue: Issue
    then: Decision
    now: Decision


def compare(
    changed: Sequence[Rule], *, since: datetime, until: datetime, region_codes: Mapping[UUID, str]
) -> list[Rerouted]:
    """Which issues of a period the changed rules would send elsewhere than the rules that count now."""
    issues = list(Issue.objects.filter(submitted_at__gte=since, submitted_at__lt=until).order_by("submitted_at"))
    found = cases(issues, region_codes)
    rules = [rule for rule, _ in current()]
    compared = (
        (issue, routing.decide(rules, found[issue.id]), routing.decide(changed, found[issue.id])) for issue in issues
    )
    return [
        Rerouted(issue, then, now)
        for issue, then, now in compared
        if (then.lead, then.assists, then.deadline_class) != (now.lead, now.assists, now.deadline_class)
    ]
