"""Every indicator of supervision and assessment, declared once: its meaning, what is divided by what, its direction.

Everything that shows an indicator (sheets, bulletins, the API, the footnotes) reads this list. What counts as
numerator and denominator is computed in ``reports/measures.py`` under the same key.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.problems import Invalid
from core.texts import Text

GROUPS: dict[str, Text] = {
    "department": Text("部门", "Department"),
    "region": Text("镇街（园区）", "Town"),
    "park": Text("特色园区", "Industrial park"),
    "field_member": Text("三员", "Field member"),
    "pilot_tier": Text("试点层级", "Pilot tier"),
    "designation_level": Text("命名级别", "Designation level"),
    "dimension": Text("维度", "Dimension"),
    "category": Text("问题类别", "Category"),
}
ISSUE_GROUPS = frozenset(GROUPS)
FIELD_GROUPS = frozenset(GROUPS) - {"department", "dimension", "category"}

UNITS: dict[str, Text] = {
    "percent": Text("%", "%"),
    "count": Text("件", "items"),
    "workdays": Text("工作日", "working days"),
    "visits": Text("次/人", "visits per member"),
}


@dataclass(frozen=True, slots=True)
class Indicator:
    """One declared indicator. ``unit`` is a key of UNITS; ``direction`` says which way is better (``none``: neither).

    ``evidence`` names the kind of record behind numerator and denominator; ``groups`` where it has a meaning.
    """

    key: str
    name: Text
    meaning: Text
    numerator: Text
    denominator: Text | None
    unit: str
    direction: str
    source: str
    evidence: tuple[str, str | None]
    groups: frozenset[str] = ISSUE_GROUPS
    parts: tuple[str, ...] = ()

    @property
    def lower_is_better(self) -> bool:
        return self.direction == "lower"


DUE = Text("期内到期（应办结）的问题", "issues that fell due in the period")
SEGMENTS = Text("期内派单段", "dispatch segments of the period")

INDICATORS: dict[str, Indicator] = {
    indicator.key: indicator
    for indicator in (
        Indicator(
            "workload",
            Text("工作量", "Workload"),
            Text("本期新增与上期结转的问题之和", "Issues new in the period and carried over into it"),
            Text("本期新增与结转的问题", "issues new in the period or open when it began"),
            None,
            "count",
            "none",
            "issues",
            ("issue", None),
            parts=("new", "carried"),
        ),
        Indicator(
            "ack_timeliness",
            Text("签收及时率", "Acknowledged in time"),
            Text(
                "在签收时限内签收的派单段，占签收时限落在期内的派单段",
                "Dispatch segments acknowledged by their time, of those whose time fell in the period",
            ),
            Text("按时签收的派单段", "segments acknowledged by their time"),
            Text("签收时限落在期内的派单段", "segments whose acknowledgement fell due in the period"),
            "percent",
            "higher",
            "segments",
            ("segment", "segment"),
        ),
        Indicator(
            "response_rate",
            Text("响应率", "Responded in time"),
            Text(
                "首次联系按时的问题，占首次响应时限落在期内的问题",
                "First contact made in time, of first responses that fell due in the period",
            ),
            Text("按时首次联系的问题", "issues with first contact in time"),
            Text("首次响应时限落在期内的问题", "issues whose first response fell due in the period"),
            "percent",
            "higher",
            "issues",
            ("issue", "issue"),
        ),
        Indicator(
            "closure_rate",
            Text("结案率", "Closed"),
            Text("已销号的问题，占期内应办结的问题", "Issues closed, of those that fell due in the period"),
            Text("其中已销号的问题", "those of them closed"),
            DUE,
            "percent",
            "higher",
            "issues",
            ("issue", "issue"),
        ),
        Indicator(
            "on_time_rate",
            Text("按期办结率", "Replied on time"),
            Text(
                "在时限内（计入延期与挂起）反馈且未被审核退回的问题，占期内应办结的问题；待审核的反馈先计入",
                "Issues replied to by their due time (extensions and pauses considered) with a reply that review has "
                "not refused, of those that fell due; a reply still under review counts for now",
            ),
            Text("其中按时反馈的问题", "those of them replied to by their due time"),
            DUE,
            "percent",
            "higher",
            "issues",
            ("issue", "issue"),
        ),
        Indicator(
            "overdue_rate",
            Text("超期率", "Overdue"),
            Text(
                "逾期反馈与到期仍未反馈的问题，占期内应办结的问题；等于一减按期办结率",
                "Issues replied to late or still open past their due time, of those that fell due: one minus on time",
            ),
            Text("其中逾期的问题", "those of them late or still open"),
            DUE,
            "percent",
            "lower",
            "issues",
            ("issue", "issue"),
        ),
        Indicator(
            "return_rate",
            Text("退单率", "Returned"),
            Text(
                "申请退单的派单段，占期内派单段；同意与驳回分列",
                "Segments whose department asked to return the issue, of segments; approved and refused apart",
            ),
            Text("申请退单的派单段", "segments with a return request"),
            SEGMENTS,
            "percent",
            "lower",
            "segments",
            ("segment", "segment"),
            parts=("approved", "refused", "adjudicated"),
        ),
        Indicator(
            "extension_rate",
            Text("延期率", "Extended"),
            Text(
                "获准延期的问题，占期内应办结的问题", "Issues with an extension, of those that fell due in the period"
            ),
            Text("其中延期的问题", "those of them extended"),
            DUE,
            "percent",
            "lower",
            "issues",
            ("issue", "issue"),
        ),
        Indicator(
            "satisfaction_rate",
            Text("满意率", "Satisfied"),
            Text(
                "销号评价为非常满意、满意、基本满意的问题，占期内销号且已评价的问题；未评价的不计",
                "Closed as very satisfied, satisfied or fairly satisfied, of those closed in the period and rated; "
                "not rated is left out",
            ),
            Text("评价为满意的问题", "issues rated satisfied"),
            Text("期内销号且已评价的问题", "issues closed in the period and rated"),
            "percent",
            "higher",
            "issues",
            ("issue", "issue"),
        ),
        Indicator(
            "solved_rate",
            Text("解决率", "Solved"),
            Text(
                "回访确认已解决的问题，占期内销号且回访到的问题",
                "Follow-ups saying solved, of follow-ups that reached somebody on issues closed in the period",
            ),
            Text("回访确认已解决的问题", "issues found solved"),
            Text("期内销号且回访到的问题", "issues closed in the period whose follow-up was reached"),
            "percent",
            "higher",
            "issues",
            ("issue", "issue"),
        ),
        Indicator(
            "rework_rate",
            Text("重办率", "Reworked"),
            Text("办理两轮及以上的问题，占期内应办结的问题", "Issues in round two or later, of those that fell due"),
            Text("其中重办的问题", "those of them in round two or later"),
            DUE,
            "percent",
            "lower",
            "issues",
            ("issue", "issue"),
        ),
        Indicator(
            "once_done_rate",
            Text("一次办成率", "Done at once"),
            Text(
                "首轮即销号的问题，占期内销号的问题",
                "Issues closed in their first round, of those closed in the period",
            ),
            Text("首轮即销号的问题", "issues closed in round one"),
            Text("期内销号的问题", "issues closed in the period"),
            "percent",
            "higher",
            "issues",
            ("issue", "issue"),
        ),
        Indicator(
            "handling_days",
            Text("平均办理工作日", "Working days to reply"),
            Text(
                "派单至反馈的工作日（扣除挂起）合计，除以期内反馈的问题；另列中位数",
                "Working days from dispatch to reply less pauses, over issues replied to in the period; median too",
            ),
            Text("办理工作日合计", "working days in all"),
            Text("期内反馈的问题", "issues replied to in the period"),
            "workdays",
            "lower",
            "issues",
            ("issue", "issue"),
            parts=("median",),
        ),
        Indicator(
            "yellow_cards",
            Text("黄牌", "Yellow cards"),
            Text("期内发出的黄牌", "Yellow cards shown in the period"),
            Text("期内发出的黄牌", "yellow cards shown in the period"),
            None,
            "count",
            "lower",
            "cards",
            ("supervision", None),
        ),
        Indicator(
            "red_cards",
            Text("红牌", "Red cards"),
            Text("期内发出的红牌", "Red cards shown in the period"),
            Text("期内发出的红牌", "red cards shown in the period"),
            None,
            "count",
            "lower",
            "cards",
            ("supervision", None),
        ),
        Indicator(
            "instant_answers",
            Text("即办", "Answered at once"),
            Text(
                "期内由指导站当场答复的问题，不计入办结率",
                "Issues a station answered on the spot; kept out of the rates",
            ),
            Text("期内即办的问题", "issues answered on the spot in the period"),
            None,
            "count",
            "none",
            "issues",
            ("issue", None),
        ),
        Indicator(
            "visit_coverage",
            Text("走访覆盖率", "Pilots visited"),
            Text(
                "期内至少有一次有效走访的试点企业，占在册试点企业",
                "Pilot enterprises with at least one valid visit in the period, of active pilots",
            ),
            Text("走访到的试点企业", "pilots visited"),
            Text("在册试点企业", "active pilots"),
            "percent",
            "higher",
            "visits",
            ("enterprise", "enterprise"),
            FIELD_GROUPS,
        ),
        Indicator(
            "visit_completion",
            Text("走访完成率", "Visits done of those owed"),
            Text(
                "按人按企业计，完成次数以应走访次数为上限，占应走访次数",
                "Visits done, each pair of member and enterprise counted up to its quota, of all visits owed",
            ),
            Text("计入的走访次数", "visits counted"),
            Text("应走访次数", "visits owed"),
            "percent",
            "higher",
            "visits",
            ("visit", "assignment"),
            FIELD_GROUPS,
        ),
        Indicator(
            "visits_per_member",
            Text("人均走访", "Visits per member"),
            Text("有效走访人次除以在岗三员", "Valid visits, one for each participant, over members on duty"),
            Text("有效走访人次", "valid visits by participant"),
            Text("在岗三员", "members on duty"),
            "visits",
            "higher",
            "visits",
            ("visit", "person"),
            FIELD_GROUPS,
        ),
        Indicator(
            "response_completion",
            Text("问卷完成率", "Questionnaires done"),
            Text(
                "计划内按时完成的问卷，占期内到期的计划问卷",
                "Planned questionnaires answered in their time, of those due",
            ),
            Text("按时完成的计划问卷", "planned questionnaires answered in time"),
            Text("期内到期的计划问卷", "planned questionnaires due in the period"),
            "percent",
            "higher",
            "responses",
            ("visit_plan", "visit_plan"),
            FIELD_GROUPS,
        ),
        Indicator(
            "policy_awareness",
            Text("政策知晓率", "Policy awareness"),
            Text(
                "观察员随机访谈中知晓产改的职工，占受访职工（各表合并计算）",
                "Workers who knew of the reform, of workers interviewed at random, pooled over the observers' forms",
            ),
            Text("知晓的职工", "workers who knew"),
            Text("受访职工", "workers interviewed"),
            "percent",
            "higher",
            "responses",
            ("response", "response"),
            FIELD_GROUPS,
        ),
    )
}


def named(key: str) -> Indicator:
    """The declared indicator. Raises Invalid at ``/indicator`` for one that is not declared."""
    if key not in INDICATORS:
        raise Invalid.at(
            "/indicator", "unknown-indicator", Text("没有指标 {key}", "There is no indicator {key}").fill(key=key)
        )
    return INDICATORS[key]


def for_group(group_by: str) -> tuple[Indicator, ...]:
    """The indicators that mean something under a grouping. Raises Invalid at ``/group_by`` for an unknown one."""
    if group_by not in GROUPS:
        raise Invalid.at(
            "/group_by",
            "unknown-group",
            Text("group_by 应为：{groups}", "group_by is one of {groups}").fill(groups=", ".join(GROUPS)),
        )
    return tuple(indicator for indicator in INDICATORS.values() if group_by in indicator.groups)
