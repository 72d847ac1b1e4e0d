"""The matrix asked: every route and method, on a thing of the ground, as every person who stands to it in some relation.

``matrix.md`` beside this module declares every cell; ``python -m tests.api.matrix`` is not there on purpose: a new row is
written by hand, or copied from what the failing test says and then read as an attacker would.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from api.policy import ROUTES
from tests.api.ground import Ground
from tests.api.line import Line

FILE = Path(__file__).with_name("matrix.md")
PEOPLE: dict[str, str] = {
    "liaison": "made the things; liaison of the town",
    "instructor": "assigned to the enterprise itself",
    "observer": "assigned to the town",
    "station": "the town's guidance station",
    "neighbour": "liaison of another enterprise of the town",
    "town": "the town's officer",
    "hrss": "handler of the department that leads the issue",
    "hrss2": "a colleague there",
    "police": "handler of the department that assists",
    "education": "handler of another department",
    "liaison2": "liaison of another town",
    "town2": "officer of another town",
    "office": "the reform office",
    "auditor": "the auditor",
    "stranger": "an account without any role",
    "nobody": "not signed in",
}
"""User names of the ground and how they stand to its things."""
IN, EMPTY = "+", "o"
CODES = {401: "401", 403: "no", 404: "404"}
"""What a cell says: let in; let in, but the thing is not there; 401; 403; 404 as for a thing that does not exist."""
TUS = {"Tus_Resumable": "1.0.0"}
NOWHERE = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Ask:
    """One row: a route and a method on a thing; ``shows`` is what must be in the answer for it to count as seen."""

    route: str
    method: str
    thing: str = ""
    path: str = ""
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    shows: str = ""

    @property
    def name(self) -> str:
        return f"{self.route} {self.method} {self.thing}".strip()


LISTS = {
    "devices": ["device"], "users": ["person"], "assignments": ["assignment"], "regions": ["region"],
    "departments": ["department"], "enterprises": ["enterprise"], "quarantine": ["quarantined"], "conflicts": ["conflict"],
    "visits": ["visit"], "visit-plans": ["plan"], "issues": ["issue", "secret"], "responses": ["response"],
    "webhooks": ["webhook"], "channels": ["channel"], "report-schemes": ["scheme"], "report-snapshots": ["snapshot"],
    "routing-rules": ["line"], "sync-pull": ["enterprise", "visit", "response", "photo", "issue", "secret"],
    "response-export": ["response"], "report-evidence": ["issue", "secret"], "privacy-requests": ["privacy"],
    "report-tasks": ["waiting"], "report-mailings": ["mailing"], "report-ledger": ["ledger"], "report-entries": ["entry"],
    "report-objections": ["objection"], "report-bulletins": ["bulletin"],
}  # fmt: skip
"""Lists, and the things that they show to whoever may see them."""
THINGS = {
    "issue": ["issue", "secret"], "issue-actions": ["issue", "secret"], "issue-history": ["issue", "secret"],
    "issue-likenesses": ["issue", "secret"], "issue-tasks": ["issue"], "photo": ["photo", "hidden"], "routing-rule": ["line"],
    "photo-variant": ["photo", "hidden"], "user": ["person"], "user-password": ["person"], "user-sessions": ["person"],
    "visit-plan": ["plan"],
    "visit-review": ["visit"], "response-review": ["response"], "direct-upload": ["upload"], "quarantined": ["quarantined"],
    "issue-reply-templates": ["issue", "secret"], "privacy-request": ["privacy"], "privacy-dossier": ["privacy"],
    "report-task": ["waiting"], "report-task-result": ["task"], "report-mailing": ["mailing"], "report-ledger-line": ["ledger"],
    "report-entry": ["entry"], "report-objection-answer": ["objection"],
}  # fmt: skip
"""What an address with a key leads to, where its route is not named like it."""
QUERIES = {
    "report-supervision": "period={month}&group_by=department", "report-assessment": "period={month}&scheme=trial",
    "report-evidence": "period={month}&group_by=department&group=HRSS&indicator=workload",
    "report-snapshot-evidence": "indicator=workload&side=numerator",
    "report-register": "period={month}", "report-dimensions": "period={month}&questionnaire=visit",
    "questionnaire-prefill": "enterprise={enterprise}", "questionnaire-summary": "enterprise={enterprise}",
    "response-export": "questionnaire=visit&format=csv", "sync-pull": "limit=1000", "regions": "limit=100",
    "departments": "limit=200", "issues": "limit=100", "users": "limit=100", "assignments": "limit=100",
    "routing-rules": "limit=1000", "journal": "limit=5", "photo-link": "",
}  # fmt: skip
WORDS = {
    "code": "visit", "number": 1, "year": 2026, "kind": "supervision", "variant": "original", "extension": "json", "secret": "x",
    "name": "enterprises.csv", "category": "messages",
}  # fmt: skip
VISIT = {"enterprise": "{enterprise}", "mode": "phone", "started_at": "2026-11-20T09:00:00+08:00", "status": "draft"}
ISSUE = {"enterprise": "{enterprise}", "category": "skill_training", "description": "希望增开夜班培训"}
BODIES: dict[tuple[str, str], Any] = {
    ("visits", "POST"): VISIT, ("visit", "PATCH"): {"interviewee": "李"}, ("issues", "POST"): ISSUE,
    ("issue", "PATCH"): {"description": "拖欠工资三个月"}, ("issue-actions", "POST"): {"action": "comment", "text": "知道了"},
    ("issues-actions", "POST"): {"issues": ["{issue}"], "action": "comment", "text": "知道了"}, ("me", "PATCH"): {"language": "en"},
    ("quarantined", "PATCH"): {"resolution": "dismiss", "reason": "重复"}, ("conflict", "PATCH"): {"resolution": "kept"},
    ("report-objections", "POST"): {"unit": "HRSS", "text": "已联系"}, ("messages-read", "POST"): {"messages": []},
    ("sync-push", "POST"): {"schema": 1, "mutations": []}, ("sync-verify", "POST"): {"cursor": "x", "scopes": {}},
    ("routing-preview", "POST"): {"category": "wage_arrears", "enterprise": "{enterprise}"},
    ("direct-uploads", "POST"): {"photo": "{photo}", "sha256": "a" * 64, "length": 1000},
    ("own-sessions-end", "POST"): {"password": "wrong"},
    ("privacy-requests", "POST"): {"kind": "access"}, ("privacy-category", "PUT"): {"days": 90},
    ("privacy-request", "PATCH"): {"grant": False, "answer": "已答复"},
    ("report-tasks", "POST"): {"report": "supervision", "query": {"period": "{month}"}}, ("report-mailing", "PATCH"): {"hour": 8},
    ("report-ledger", "POST"): {"region": "320281106", "kind": "consultation", "day": "2026-11-02", "subject": "政策咨询"},
    ("report-objection-answer", "POST"): {"accepted": False, "answer": "维持原统计"}, ("report-bulletins", "POST"): {"period": "2025-12"},
    ("visit-plans", "POST"): {"enterprise": "{enterprise}", "due_from": "2026-11-01", "due_to": "2026-12-01"},
}  # fmt: skip


def routes(patterns: Any = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every address of the URLconf but the console's, which has its own gate."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        where = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, where)
        elif not where.startswith("console/"):
            yield where, pattern


def asks(ground: Ground) -> Iterator[Ask]:
    """Every row of the matrix: the routes as the URLconf has them, the methods as the policy's table."""
    seen = set()
    for _, pattern in routes():
        route = str(pattern.name)
        if route in seen:
            continue
        seen.add(route)
        for method in ROUTES[route]:
            listed = LISTS.get(route, []) if method == "GET" else []
            for thing in listed or THINGS.get(route) or ([route] if route in ground.ids else [""]):
                yield _ask(ground, pattern, route, method, thing, seen_by=bool(listed))


def _ask(ground: Ground, pattern: URLPattern, route: str, method: str, thing: str, *, seen_by: bool) -> Ask:
    ids = ground.ids
    words = WORDS | {"key": ids.get(thing, NOWHERE), "photo": ids.get(thing, NOWHERE), "upload": ids["upload"]}
    words |= {"line": ids["line"], "token": ids["link" if route == "photo-link" else "token"], "delivery": NOWHERE}
    words |= {"region": {"key": "320281106"}, "department": {"key": "HRSS"}, "photo-check": {"code": "x"}}.get(
        route, {}
    )
    words |= {"report-register": {"kind": "issues"}, "photo-check-page": {"code": "x"}}.get(route, {})
    if route in SNAPSHOTS:
        words["key"] = ids[SNAPSHOTS[route]]
    names = pattern.pattern.converters
    method = "HEAD" if (route, method) == ("upload", "GET") else method
    path = reverse(route, kwargs={name: words[name] for name in names})
    query = QUERIES.get(route, "").format_map(ids) if method == "GET" else ""
    body = BODIES.get((route, method), {} if method in ("POST", "PUT", "PATCH") else None)
    headers = TUS | _upload(ids) if route in ("uploads", "upload") and method != "OPTIONS" else {}
    shows = ids[thing] if seen_by else ""
    return Ask(route, method, thing, f"{path}?{query}" if query else path, _filled(body, ids), headers, shows)


SNAPSHOTS = {
    "report-snapshot": "snapshot", "report-snapshot-freeze": "snapshot", "report-objections": "snapshot",
    "report-snapshot-evidence": "snapshot",
    "report-scheme": "scheme", "report-scheme-publish": "scheme", "report-entries": "scheme", "webhook": "webhook",
    "webhook-secret": "webhook", "webhook-ping": "webhook", "webhook-deliveries": "webhook", "webhook-replay": "webhook",
}  # fmt: skip


def _upload(ids: dict[str, str]) -> dict[str, str]:
    photo, digest = b64encode(ids["photo"].encode()).decode(), b64encode(b"b" * 64).decode()
    return {"Upload_Length": "10", "Upload_Offset": "0", "Upload_Metadata": f"photo {photo},sha256 {digest}"}


def _filled(body: Any, ids: dict[str, str]) -> Any:
    match body:
        case dict():
            return {name: _filled(value, ids) for name, value in body.items()}
        case list():
            return [_filled(value, ids) for value in body]
        case str():
            return body.format_map(ids)
    return body


def cell(line: Line, ask: Ask) -> str:
    """What the person is answered; nothing of it stays."""
    with transaction.atomic():
        answer = line.send(ask.method, ask.path, ask.body, **ask.headers)
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        transaction.set_rollback(True)
    assert answer.status_code < 500, (ask, answer.status_code, content[:300])
    if answer.status_code == 302 and answer["Location"].startswith("/console/login"):
        return CODES[401]
    if answer.status_code in CODES:
        return CODES[answer.status_code]
    return IN if not ask.shows or ask.shows.encode() in content else EMPTY


def declared() -> dict[str, list[str]]:
    """The cells of ``matrix.md`` by the name of their row."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    rows = [[word.strip() for word in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert rows[0] == ["", *PEOPLE]
    return {row[0]: row[1:] for row in rows[2:]}


def written(name: str, cells: list[str]) -> str:
    """A row as the table holds it."""
    widths = [max(3, len(person)) for person in PEOPLE]
    return f"| {name:<38} | " + " | ".join(f"{one:<{width}}" for one, width in zip(cells, widths, strict=True)) + " |"
