"""Routing rules over REST: versioned rows, a preview that explains itself, and what a change would have moved."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.shapes import Flag, Identifier, Strict, String, Whole
from api.views import Noun
from core.problems import Fault, Invalid, NotFound
from core.texts import Text
from inspections import issues, routing, rules
from inspections.dossiers import Desk
from inspections.models import Issue, Severity
from inspections.routing import ANY, DEFAULT_LEAD, FIELDS, Case, Decision, Rule
from inspections.rulebook import IssueCategory, RoutingRule
from inspections.shapes import REQUIRED
from organizations.models import Enterprise
from reports import periods
from reports.periods import Period

UNKNOWN_RULE = Text("没有此规则", "No such rule counts now")


class RuleInput(Strict):
    priority = Whole(min_value=0, max_value=100_000)
    category = String(max_length=40, required=False, help_text="a code, or * for every category")
    place = String(max_length=40, required=False, allow_blank=True, help_text="a region's code or a park's name")
    when = String(
        max_length=300, required=False, allow_blank=True, help_text=f"field operator value; fields: {', '.join(FIELDS)}"
    )
    lead = String(max_length=40, required=False, help_text=f"a department's code, TOWN, OFFICE or {DEFAULT_LEAD}")
    add_assists = serializers.ListField(child=String(max_length=20), required=False, max_length=20)
    deadline_class = String(max_length=4, required=False, allow_blank=True)
    why = String(max_length=200, required=False, allow_blank=True)


class RuleShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    version = serializers.IntegerField()
    priority = serializers.IntegerField()
    category = serializers.CharField()
    place = serializers.CharField()
    when = serializers.CharField()
    lead = serializers.CharField()
    add_assists = serializers.ListField(child=serializers.CharField())
    deadline_class = serializers.CharField()
    why = serializers.CharField()
    valid_from = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class RuleList(serializers.Serializer[Any]):
    results = RuleShape(many=True)
    next = serializers.CharField(allow_null=True)


class RuleFilter(Strict):
    history = Flag(required=False, help_text="with the versions that count no more")


class PreviewInput(Strict):
    """An issue that exists, or one described: its category, where it is, and what is known of it."""

    issue = Identifier(required=False)
    category = String(max_length=40, required=False)
    enterprise = Identifier(required=False)
    severity = serializers.ChoiceField(choices=Severity.choices, required=False)
    workers_affected = Whole(min_value=0, max_value=1_000_000, required=False, allow_null=True)
    immediate_danger = Flag(required=False, allow_null=True)
    special_equipment = Flag(required=False, allow_null=True)
    confidential = Flag(required=False)
    external_channel = String(max_length=40, required=False, allow_blank=True)
    industry = String(max_length=60, required=False, allow_blank=True)
    ownership = String(max_length=20, required=False, allow_blank=True)
    rules = RuleInput(many=True, required=False, help_text="in place of the rules that count now")


class VerdictShape(serializers.Serializer[Any]):
    rule = serializers.CharField()
    priority = serializers.IntegerField()
    applies = serializers.BooleanField()
    wins = serializers.BooleanField()
    why = serializers.CharField()


class PreviewShape(serializers.Serializer[Any]):
    lead = serializers.CharField(allow_null=True)
    assists = serializers.ListField(child=serializers.CharField())
    deadline_class = serializers.CharField()
    rule = serializers.CharField(allow_null=True)
    reason = serializers.CharField()
    rules = VerdictShape(many=True)


class ChangedRule(RuleInput):
    id = Identifier(required=False, help_text="of a rule that counts now; without it a new one")
    priority = Whole(min_value=0, max_value=100_000, required=False)


class CompareInput(Strict):
    """Other rules altogether, or what would change in the ones that count now."""

    rules = RuleInput(many=True, required=False, help_text="in place of all rules that count now")
    changed = ChangedRule(many=True, required=False, help_text="only these are written anew; others stay")
    ended = serializers.ListField(child=Identifier(), required=False, max_length=100, help_text="taken out of use")
    period = String(
        max_length=12,
        required=False,
        help_text="of submission: a year, quarter, month or ISO week; else the last quarter",
    )


class DecisionShape(serializers.Serializer[Any]):
    lead = serializers.CharField(allow_null=True)
    assists = serializers.ListField(child=serializers.CharField())
    deadline_class = serializers.CharField()
    rule = serializers.CharField(allow_null=True)


class ReroutedShape(serializers.Serializer[Any]):
    issue = serializers.UUIDField()
    now = DecisionShape()
    then = DecisionShape()


class CompareShape(serializers.Serializer[Any]):
    results = ReroutedShape(many=True)
    next = serializers.CharField(allow_null=True)


def _shown(row: RoutingRule) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in rules.FIELDS}
    return {"id": row.line, "version": row.version, **told, "valid_from": row.valid_from, "ended_at": row.ended_at}


def _rule(asked: dict[str, Any]) -> Rule:
    values = {"category": ANY, "lead": DEFAULT_LEAD} | asked
    return Rule(**values | {"add_assists": tuple(values.get("add_assists", ()))})


def _rules(asked: list[dict[str, Any]]) -> list[Rule]:
    """Rules that are only tried: they have to stand up as if they were to count. Raises Invalid."""
    given = [_rule(one) for one in asked]
    rules.check_all(given, under="/rules")
    return given


def _changed(asked: dict[str, Any]) -> list[Rule]:
    """The rules that count now with the asked changes. Raises Invalid, naming every one that cannot be."""
    counting = {row.line: row for _, row in rules.current()}
    changed: dict[UUID, Rule | None] = {}
    faults: list[Fault] = []
    for number, one in enumerate(asked.get("changed", [])):
        line = one.pop("id", None)
        row = counting.get(line) if line else None
        if line and row is None:
            faults.append(Fault(f"/changed/{number}/id", "unknown", UNKNOWN_RULE))
        elif row is None and "priority" not in one:
            faults.append(Fault(f"/changed/{number}/priority", "required", REQUIRED))
        else:
            present = {name: getattr(row, name) for name in rules.FIELDS} if row else {}
            changed[line or uuid4()] = _rule(present | one)
    for number, line in enumerate(asked.get("ended", [])):
        if line not in counting:
            faults.append(Fault(f"/ended/{number}", "unknown", UNKNOWN_RULE))
        changed[line] = None
    if not faults and not changed:
        faults.append(Fault("/rules", "required", Text("请给出规则,或其改动", "Give rules, or what would change")))
    if faults:
        raise Invalid(errors=faults)
    rules.check_all([rule for rule in changed.values() if rule is not None], under="/changed")
    return rules.tried(changed)


def last_quarter(at: datetime) -> Period:
    """The quarter before the one that an instant falls in."""
    day = periods.day_of(at)
    return periods.read(f"{day.year}-Q{(day.month + 2) // 3}").previous()


class Rules(Noun):
    @extend_schema(parameters=[RuleFilter], responses=RuleList, operation_id="list_routing_rules")
    def get(self, request: Request) -> Response:
        """The rules in order of their numbers."""
        rows = RoutingRule.objects.order_by("priority", "line", "version")
        if not self.query(RuleFilter).get("history"):
            rows = rows.filter(ended_at=None)
        return self.shown({"results": [_shown(row) for row in rows], "next": None})

    @extend_schema(request=RuleInput, responses={201: RuleShape}, operation_id="create_routing_rule")
    def post(self, request: Request) -> Response:
        """Add a rule; it counts at once."""
        asked = self.read(RuleInput)
        return self.once(lambda: self.shown(_shown(rules.put(_rule(asked), by=self.by, at=self.at)), 201))


class OneRule(Noun):
    @extend_schema(responses=RuleShape, operation_id="read_routing_rule")
    def get(self, request: Request, line: UUID) -> Response:
        """A rule as it counts now, or as it last counted."""
        return self.shown(_shown(self._row(line)))

    @extend_schema(request=RuleInput, responses=RuleShape, operation_id="change_routing_rule")
    def patch(self, request: Request, line: UUID) -> Response:
        """Write the next version of a rule. Takes ``If-Match``."""
        asked, row = self.read(RuleInput, partial=True), self._row(line)
        self.match(_shown(row))
        present = {name: getattr(row, name) for name in rules.FIELDS}
        return self.shown(_shown(rules.put(_rule(present | asked), line=line, by=self.by, at=self.at)))

    @extend_schema(responses={204: None}, operation_id="end_routing_rule")
    def delete(self, request: Request, line: UUID) -> Response:
        """Take a rule out of use; it stays on record."""
        rules.end(line, by=self.by, at=self.at)
        return Response(status=204)

    def _row(self, line: UUID) -> RoutingRule:
        row = RoutingRule.objects.filter(line=line).order_by("-version").first()
        if row is None:
            raise NotFound
        return row


class Preview(Noun):
    @extend_schema(request=PreviewInput, responses=PreviewShape, operation_id="preview_routing")
    def post(self, request: Request) -> Response:
        """Which rule would win for an issue, and why each of the others would not."""
        asked = self.read(PreviewInput)
        given = _rules(asked["rules"]) if "rules" in asked else [rule for rule, _ in rules.current()]
        case = self._case(asked)
        decision, language = routing.decide(given, case), self.by.language
        verdicts = [
            {
                "rule": verdict.rule.name,
                "priority": verdict.rule.priority,
                "applies": verdict.applies,
                "wins": verdict.wins,
                "why": verdict.why.of(language),
            }
            for verdict in routing.explain(given, case)
        ]
        return Response(_decision(decision) | {"reason": decision.reason.of(language), "rules": verdicts})

    def _case(self, asked: dict[str, Any]) -> Case:
        codes = Desk().region_codes
        if "issue" in asked:
            row = issues.visible(self.by).select_related("category", "enterprise").filter(pk=asked["issue"]).first()
            if row is None:
                raise NotFound
            return rules.case(row, row.category, row.enterprise, codes)
        category = IssueCategory.objects.filter(code=asked.get("category", "")).first()
        enterprise = (
            Enterprise.objects.filter(pk=asked["enterprise"]).first() if "enterprise" in asked else Enterprise()
        )
        faults = []
        if category is None:
            code = "unknown" if asked.get("category") else "required"
            faults.append(Fault("/category", code, Text("请给出有效的问题类别", "Name a category that exists")))
        if enterprise is None:
            faults.append(Fault("/enterprise", "unknown", Text("没有此企业", "There is no such enterprise")))
        if category is None or enterprise is None:
            raise Invalid(errors=faults)
        for name in ("industry", "ownership"):
            if name in asked:
                setattr(enterprise, name, asked[name])
        known = (
            "severity",
            "workers_affected",
            "immediate_danger",
            "special_equipment",
            "confidential",
            "external_channel",
        )
        issue = Issue(**{name: asked[name] for name in known if name in asked})
        return rules.case(issue, category, enterprise, codes)


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "lead": decision.lead,
        "assists": list(decision.assists),
        "deadline_class": decision.deadline_class,
        "rule": decision.rule.name if decision.rule else None,
    }


class Compare(Noun):
    @extend_schema(request=CompareInput, responses=CompareShape, operation_id="compare_routing")
    def post(self, request: Request) -> Response:
        """Which issues of a period other rules would have sent elsewhere."""
        asked = self.read(CompareInput)
        period = periods.read(asked["period"]) if "period" in asked else last_quarter(self.at)
        moved = rules.compare(
            _rules(asked["rules"]) if "rules" in asked else _changed(asked),
            since=period.start,
            until=period.end,
            region_codes=Desk().region_codes,
        )
        told = [{"issue": one.issue.id, "now": _decision(one.then), "then": _decision(one.now)} for one in moved]
        return Response({"results": told, "next": None})


urlpatterns = [
    path("routing/rules", Rules.as_view(), name="routing-rules"),
    path("routing/rules/<uuid:line>", OneRule.as_view(), name="routing-rule"),
    path("routing/preview", Preview.as_view(), name="routing-preview"),
    path("routing/compare", Compare.as_view(), name="routing-compare"),
]
