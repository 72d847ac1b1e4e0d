"""What a bulletin says about the numbers, written from the numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from core.texts import EN, ZH, Text
from reports.arithmetic import rounded
from reports.bulletins import Bulletin, Section
from reports.drawings import Drawing
from reports.figures import TOTAL, Figure, Report, Row
from reports.indicators import GROUPS, INDICATORS
from reports.tables import Cell, Column, Table

BRIEF_DEPARTMENTS = ("ack_timeliness", "on_time_rate", "closure_rate", "satisfaction_rate", "solved_rate")
BRIEF_TOWNS = ("visit_coverage", "visit_completion", "response_completion", "on_time_rate", "closure_rate")
MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class NamedProblem:
    """An issue that the bulletin names: who leads it, where it is, and by how many working days it is late."""

    number: str
    category: str
    lead: str
    region: str
    days_late: int


def compose(
    departments: Report,
    towns: Report,
    named: Sequence[NamedProblem],
    *,
    day: date,
    number: Text,
    issuer: Text,
    addressees: Text,
    drawings: Sequence[Drawing] = (),
    corrections: Table | None = None,
) -> Bulletin:
    """The bulletin of a period from its two reports and the issues to be named. ``towns`` carries the visits."""
    period = departments.period
    return Bulletin(
        title=Text(
            "关于{period}产改走访与问题办理情况的督查通报", "Supervision bulletin: visits and issues, {period}"
        ).fill(period=period.name),
        number=number,
        addressees=addressees,
        issuer=issuer,
        day=day,
        opening=Text(
            "现将{period}全市产业工人队伍建设改革走访与问题办理情况通报如下。",
            "The state of field visits and issue handling in {period} is as follows.",
        ).fill(period=period.name),
        sections=(
            Section(Text("总体情况", "Overall"), _overall(departments)),
            Section(Text("走访与问卷", "Visits and questionnaires"), _visits(towns)),
            Section(Text("问题办理", "Issue handling"), _handling(departments)),
            Section(Text("点名问题", "Named problems"), _named(named)),
            Section(Text("下步要求", "Next steps"), _next_steps(departments, towns, named)),
        ),
        annexes=(
            brief(departments, BRIEF_DEPARTMENTS, Text("部门问题办理情况表", "Issue handling by department")),
            brief(towns, BRIEF_TOWNS, Text("镇街走访与办理情况表", "Visits and handling by town")),
            *([corrections] if corrections else []),
        ),
        drawings=drawings,
    )


def brief(report: Report, keys: Sequence[str], title: Text) -> Table:
    """A narrow table of values only, for a portrait page."""
    shown = [key for key in keys if key in report.total]
    columns = [Column("name", GROUPS[report.group_by], width=22)]
    columns += [
        Column(key, INDICATORS[key].name, kind="decimal", heat="bad" if INDICATORS[key].lower_is_better else "good")
        for key in shown
    ]
    rows: list[tuple[Cell, ...]] = [
        (row.name, *(row.figures[key].value for key in shown))
        for row in report.rows
        if any(row.figures[key].denominator for key in shown)
    ]
    return Table(
        key=f"{report.group_by}-{report.period.code}",
        title=title,
        columns=columns,
        rows=rows,
        total=(TOTAL, *(report.total[key].value for key in shown)),
        unit=Text("%", "%"),
        period=report.period.name,
    )


def _overall(report: Report) -> tuple[Text, ...]:
    total = report.total
    load, closed, on_time = total["workload"], total["closure_rate"], total["on_time_rate"]
    first = Text(
        "本期工作量{load}件，其中新增{new}件、结转{carried}件；应办结{due}件，已办结{closed}件，结案率{rate}{change}。",
        "The workload was {load}: {new} new and {carried} carried over. {due} fell due, {closed} of them are closed: "
        "{rate}{change}.",
    ).fill(
        load=load.numerator,
        new=load.parts.get("new", 0),
        carried=load.parts.get("carried", 0),
        due=closed.denominator,
        closed=closed.numerator,
        rate=_share(closed),
        change=_change(report, "closure_rate"),
    )
    second = Text(
        "按期办结{done}件，按期办结率{rate}{change}；超期{late}件。",
        "{done} were replied to on time: {rate}{change}; {late} were late.",
    ).fill(
        done=on_time.numerator,
        rate=_share(on_time),
        change=_change(report, "on_time_rate"),
        late=total["overdue_rate"].numerator,
    )
    satisfied = total["satisfaction_rate"]
    third = Text(
        "群众评价{rated}件，满意率{rate}；回访解决率{solved}。",
        "{rated} were rated; satisfied: {rate}; solved: {solved}.",
    ).fill(rated=satisfied.denominator, rate=_share(satisfied), solved=_share(total["solved_rate"]))
    return first, second, third


def _visits(report: Report) -> tuple[Text, ...]:
    total = report.total
    coverage, completion = total["visit_coverage"], total["visit_completion"]
    first = Text(
        "走访试点企业{visited}家，占在册{all}家的{rate}{change}；应走访{owed}次，完成{done}次，完成率{completion}。",
        "{visited} of {all} pilots were visited: {rate}{change}. Of {owed} visits owed {done} were made: {completion}.",
    ).fill(
        visited=coverage.numerator,
        all=coverage.denominator,
        rate=_share(coverage),
        change=_change(report, "visit_coverage"),
        owed=completion.denominator,
        done=completion.numerator,
        completion=_share(completion),
    )
    responses, aware = total["response_completion"], total["policy_awareness"]
    second = Text(
        "计划问卷到期{owed}份，按时完成{done}份，问卷完成率{rate}；政策知晓率{aware}。",
        "Of {owed} planned questionnaires due {done} were answered in time: {rate}; policy awareness {aware}.",
    ).fill(owed=responses.denominator, done=responses.numerator, rate=_share(responses), aware=_share(aware))
    return first, second, *_ends(report, "visit_coverage")


def _handling(report: Report) -> tuple[Text, ...]:
    total = report.total
    acks, days = total["ack_timeliness"], total["handling_days"]
    took = Text(
        "平均办理{days}个工作日（中位数{median}个）；", "{days} working days to a reply (median {median}); "
    ).fill(days=_said(days), median=_number(days.parts.get("median")))
    first = Text(
        "签收及时率{acks}，响应率{responses}；{took}退单率{returns}，重办率{rework}。",
        "Acknowledged in time: {acks}, responded in time: {responses}; {took}returned: {returns}, reworked: {rework}.",
    ).fill(
        acks=_share(acks),
        responses=_share(total["response_rate"]),
        took=took if days.denominator else Text("", ""),
        returns=_share(total["return_rate"]),
        rework=_share(total["rework_rate"]),
    )
    return first, *_ends(report, "on_time_rate")


def _named(named: Sequence[NamedProblem]) -> tuple[Text, ...]:
    if not named:
        return (Text("本期无需点名的超期问题。", "No overdue issue is to be named."),)
    lines = [
        Text(
            "{number}（{region}，{category}）：牵头单位{lead}，已超期{days}个工作日。",
            "{number} ({region}, {category}): led by {lead}, {days} working days late.",
        ).fill(number=one.number, region=one.region, category=one.category, lead=one.lead, days=one.days_late)
        for one in named[:MOST_NAMED]
    ]
    if len(named) > MOST_NAMED:
        lines.append(
            Text("其余{rest}件见督办清单。", "{rest} more are on the supervision list.").fill(
                rest=len(named) - MOST_NAMED
            )
        )
    return tuple(lines)


def _next_steps(departments: Report, towns: Report, named: Sequence[NamedProblem]) -> tuple[Text, ...]:
    steps: list[Text] = []
    weak = _below(departments, "on_time_rate", departments.total["on_time_rate"].value)
    if weak:
        steps.append(
            Text(
                "{who}按期办结率低于全市水平，要逐件分析原因，限期整改。",
                "{who}: below the city's rate on time; go through every late issue and put it right.",
            ).fill(who=_names(weak, 5))
        )
    absent = _below(towns, "visit_coverage", Decimal(100))
    if absent:
        steps.append(
            Text(
                "{who}要对照走访计划，补足尚未走访的试点企业。",
                "{who}: visit the pilots that have not been visited yet.",
            ).fill(who=_names(absent, 5))
        )
    if named:
        steps.append(
            Text(
                "对点名的{count}件问题，牵头单位要在5个工作日内书面反馈办理进展。",
                "On the {count} named issues the lead departments report in writing within 5 working days.",
            ).fill(count=len(named))
        )
    return tuple(steps) or (Text("各单位要保持力度，巩固成效。", "Every unit is to keep up what it has reached."),)


def _ends(report: Report, key: str) -> tuple[Text, ...]:
    """The best and the last of a ranking in one sentence; nothing when fewer than two can be ranked."""
    placed = report.ranked(key)
    if len(placed) < 2:
        return ()
    best = [row for place, row in placed if place == 1]
    worst_place = placed[-1][0]
    if worst_place == 1:
        return ()
    last = [row for place, row in placed if place == worst_place]
    return (
        Text(
            "{indicator}居前的是{best}（{top}%），靠后的是{last}（{bottom}%）。",
            "{indicator}: first {best} ({top}%), last {last} ({bottom}%).",
        ).fill(
            indicator=INDICATORS[key].name,
            best=_names(best, 3),
            top=_said(best[0].figures[key]),
            last=_names(last, 3),
            bottom=_said(last[0].figures[key]),
        ),
    )


def _below(report: Report, key: str, line: Decimal | None) -> list[Row]:
    """Those that can be ranked and are below a line, the last first."""
    placed = report.ranked(key)
    low = [row for _, row in placed if line is not None and (row.figures[key].value or Decimal(0)) < line]
    return low[::-1]


def _change(report: Report, key: str) -> Text:
    """How an indicator moved against the previous period and last year's, in percentage points."""
    said: list[Text] = []
    for name, words in (
        ("previous", Text("较上期", "against the previous period")),
        ("year_earlier", Text("较上年同期", "against last year")),
    ):
        other, now = report.compared.get(name), report.total[key].value
        before = other.total[key].value if other and _has_data(other) else None
        if now is None or before is None:
            continue
        moved = rounded(now - before)
        way = Text("上升", "up") if moved > 0 else Text("下降", "down")
        if moved:
            said.append(Text(f"{words}{way}{abs(moved)}个百分点", f"{way.en} {abs(moved)} points {words.en}"))
        else:
            said.append(Text(f"{words}持平", f"level {words.en}"))
    if not said:
        return Text("", "")
    return Text("（" + "，".join(one.of(ZH) for one in said) + "）", " (" + ", ".join(one.of(EN) for one in said) + ")")


def _has_data(report: Report) -> bool:
    """Whether anything at all is known of a period; before the system began there is nothing to compare with."""
    return any(report.total[key].numerator for key in ("workload", "visits_per_member") if key in report.total)


def _names(rows: Sequence[Row], most: int) -> Text:
    """The first names, and how many there are when not all are told."""
    told, rest = [row.name for row in rows[:most]], len(rows) - most
    if rest <= 0:
        return Text("、".join(told), ", ".join(told))
    return Text("、".join(told) + f"等{len(rows)}家单位", ", ".join(told) + f" and {rest} more")


def _share(figure: Figure) -> Text:
    """A rate with its sign; in words where there was nothing to divide by."""
    if figure.value is None:
        return Text("暂无数据", "no data")
    return Text(f"{figure.value}%", f"{figure.value}%")


def _said(figure: Figure) -> str:
    return _number(figure.value)


def _number(value: Decimal | int | None) -> str:
    return "–" if value is None else str(value)
