"""Hostile requests, the same for the same seed: bodies grown from each route's own OpenAPI shape, so that hostile values reach
the fields and do not die at the first unknown name; and the queries of lists.

``@name@`` stands for one of the ground's ids, filled in when a request is sent: two engines get the same requests although
their ids differ.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

import orjson
from drf_spectacular.generators import SchemaGenerator

BODIES_PER_ROUTE = 24
QUERIES_PER_LIST = 14
PUSHES_PER_COLLECTION = 50
NASTY: list[Any] = [
    None, True, False, 0, -1, 1.5, -0.0, 2**31, 2**31 - 1, 2**53, -(2**53), 1e308, 5e-324, "", " ", "0", "null", "a" * 10_000,
    "𠮷🏭", "\u202e\u200b", "ﷺ" * 300, "%00", "%s%n", "' OR 1=1 --", "'; DROP TABLE x; --", "${jndi:ldap://x}", "\r\nSet-Cookie: a=b",
    "../../etc/passwd", "{{7*7}}", "<svg/onload=x>", "=cmd()", "9999-99-99", "0001-01-01T00:00:00+14:00", "%", "_", "\\",
    "9999-12-31T23:59:59-14:00", "9999-12-31", "0001-01-01", "2026-02-30", "1e999", "NaN", "Infinity", "١٢٣", "2026-W99", "2026-13",
    "00000000-0000-0000-0000-000000000000", "z" * 36, [], {}, [[]], [None], [{}], {"": ""}, {"$ref": "#"}, [0] * 1000,
    {"a": {"b": [1, {"c": None}]}}, "\ufeff", "\u0085", "\x7f", "é", "e\u0301", "\ue000", "\U00030000", "ß", "İ", "ﬀ", "K",
    "@elsewhere@", "@stranger@", "@secret@",
]  # fmt: skip
BROKEN = [
    b"", b"{", b"]", b"[" * 70, b'{"a":' * 70 + b"1" + b"}" * 70, b"[" * 100_000, b'{"a":1,"a":2}', b'{"a":"\\u0000"}',
    b'{"a":"\\ud800"}', b'{"a":NaN}', b'{"a":1e999}', b'{"a":99999999999999999999}', b'{"a":' + b"9" * 5000 + b"}", b"\xff\xfe",
    '{"a":"中"}'.encode("gb18030"), b"null", b"0", b'"x"', b"[]", b"true", b"[{}]", b'{"\\u0000":1}', b'{"a":-0.0}', b"{}x",
]  # fmt: skip
KNOWN = {
    "enterprise": "@enterprise@", "person": "@person@", "region": "320281106", "department": "HRSS", "category": "wage_arrears",
    "visit": "@visit@", "issue": "@issue@", "questionnaire": "visit", "lead": "HRSS", "role": "liaison", "period": "2026-10",
    "place": "*", "deadline_class": "A", "action": "comment", "transport": "standard",
}  # fmt: skip
"""A sound value for a field of this name."""
PARTS = {
    "assignments": "@assignment@", "calendar": "2026", "channels": "@channel@", "conflicts": "@conflict@",
    "departments": "EDU", "devices": "@device@", "enterprises": "@enterprise@", "issues": "@issue@", "photos": "@photo@",
    "quarantine": "@quarantined@", "regions": "320281107", "responses": "@response@", "routing": "@line@",
    "users": "@person@", "visit-plans": "@plan@", "visits": "@visit@", "webhooks": "@webhook@", "public": "@token@",
    "questionnaires": "visit",
}  # fmt: skip
"""What the first part of an address is about."""
STRANGE = [
    "00000000-0000-4000-8000-000000000000",
    "HRSS",
    "1",
    "x",
    "𠮷",
    "a" * 300,
    "..%2f..",
    "999999999999999999999",
    "0",
]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request; ``who`` is a user name of the ground."""

    who: str
    method: str
    path: str
    body: bytes | None = None


def document() -> dict[str, Any]:
    return dict(json.loads(_written()))


@cache
def _written() -> str:
    """Made of the code alone, so each process makes it once."""
    found: dict[str, Any] = SchemaGenerator(urlconf=None, api_version=None).get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return json.dumps(found, default=str)


def bodies(paths: dict[str, Any], seed: int) -> Iterator[Attempt]:
    """To every route that takes JSON, and to the doors that OpenAPI does not name."""
    shapes, dice = Shapes(paths, seed), random.Random(seed)
    for collection, data in PUSHED.items():
        for _ in range(PUSHES_PER_COLLECTION):
            yield Attempt("liaison", "POST", "sync/push", _text(_push(collection, data, dice)))
    for path, sound in PLAIN.items():
        for raw in BROKEN:
            yield Attempt("liaison", "POST", path, raw)
        for _ in range(BODIES_PER_ROUTE):
            yield Attempt("liaison", "POST", path, _text(spoiled(sound, dice)))
    for path, method, operation in operations(paths, ("post", "put", "patch")):
        if path.endswith(("/logout", "/ping")):
            continue
        shape = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        for raw in BROKEN:
            yield Attempt("office", method, address(path, dice), raw)
        for _ in range(BODIES_PER_ROUTE if shape is not None else 0):
            yield Attempt("office", method, address(path, dice), _text(shapes.body(shape, dice)))


def queries(paths: dict[str, Any], seed: int) -> Iterator[Attempt]:
    """To every list and every thing."""
    dice = random.Random(seed)
    for path, _, operation in operations(paths, ("get",)):
        names = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
        for _ in range(QUERIES_PER_LIST if names else 6):
            pairs = [(dice.choice([*names, "cursor", "limit", "colour"]), dice.choice(NASTY)) for _ in range(2)]
            query = "&".join(f"{name}={quote(str(value)[:300], safe='@')}" for name, value in pairs)
            yield Attempt(dice.choice(["office", "liaison", "town"]), "GET", f"{address(path, dice)}?{query}")


def operations(paths: dict[str, Any], methods: tuple[str, ...]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, row in sorted(paths["paths"].items()):
        for method, operation in sorted(row.items()):
            if method in methods:
                yield path, method.upper(), operation


def address(path: str, dice: random.Random) -> str:
    """The path with its parts filled: mostly by what is there, at times by what is strange."""
    about = path.removeprefix("/api/v1/").split("/")
    right = {"snapshots": "@snapshot@", "schemes": "@scheme@"}.get(about[1] if len(about) > 1 else "")
    for number, part in enumerate([word[1:].split("}")[0] for word in about if word.startswith("{")]):
        known = (right or PARTS.get(about[0], "@issue@")) if number == 0 else "@issue@" if part == "delivery" else "1"
        path = path.replace("{" + part + "}", known if dice.random() < 0.7 else dice.choice(STRANGE))
    return path


class Shapes:
    """Values of the shapes that the document declares."""

    def __init__(self, paths: dict[str, Any], seed: int) -> None:
        self.paths, self.dice = paths, random.Random(seed)

    def body(self, shape: dict[str, Any], dice: random.Random) -> Any:
        """A sound body in which one to three values, somewhere, are nasty."""
        value = self.sound(shape, dice)
        for _ in range(dice.choice((1, 1, 2, 3))):
            value = spoiled(value, dice)
        return value

    def sound(self, shape: dict[str, Any], dice: random.Random, name: str = "", depth: int = 0) -> Any:
        """A value of the right shape, so that the nasty one beside it is looked at."""
        shape = self._resolved(shape)
        if depth > 4:
            return None
        if "enum" in shape:
            return dice.choice(shape["enum"])
        for alternative in shape.get("oneOf", []) + shape.get("anyOf", []):
            return self.sound(alternative, dice, name, depth + 1)
        kind = shape.get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind == "object":
            parts = shape.get("properties", {}).items()
            return {part: self.sound(inner, dice, part, depth + 1) for part, inner in parts}
        if kind == "array":
            return [self.sound(shape.get("items", {}), dice, name, depth + 1)]
        if kind in ("integer", "number"):
            return 1
        if kind == "boolean":
            return True
        forms = {"uuid": "@enterprise@", "date": "2026-11-02", "date-time": "2026-11-02T09:00:00+08:00"}
        return KNOWN.get(name) or forms.get(shape.get("format", ""), "x")

    def _resolved(self, shape: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in shape:
            shape = self.paths["components"]["schemas"][shape["$ref"].rsplit("/", 1)[1]]
        for part in shape.get("allOf", []):
            shape = shape | self._resolved(part)
        return shape


def spoiled(value: Any, dice: random.Random) -> Any:
    """The value with one nasty one somewhere in it."""
    if isinstance(value, dict) and value and dice.random() < 0.95:
        name = dice.choice(sorted(value))
        return value | {name: spoiled(value[name], dice) if dice.random() < 0.5 else dice.choice(NASTY)}
    if isinstance(value, list) and value and dice.random() < 0.8:
        return [spoiled(value[0], dice)]
    return dice.choice(NASTY)


PUSHED: dict[str, dict[str, Any]] = {
    "visits": {
        "enterprise": "@enterprise@", "visit_plan": None, "mode": "on_site", "started_at": "2026-11-22T09:00:00+08:00",
        "ended_at": None, "participants": ["@person@"], "interviewee": "王", "summary": "好", "status": "draft",
        "check_in": {"lat": 31.8, "lon": 120.4, "crs": "gcj02", "accuracy_m": 9.0, "provider": "gps", "mock": False,
                     "at": "2026-11-22T09:00:00+08:00"},
    },
    "responses": {
        "enterprise": "@enterprise@", "visit": "@visit@", "questionnaire": "visit", "version": 1, "answers": {"mode": "on_site"},
        "started_at": "2026-11-22T09:00:00+08:00", "ended_at": None, "status": "draft",
    },
    "issues": {
        "enterprise": "@enterprise@", "visit": "@visit@", "category": "wage_arrears", "description": "拖欠工资两个月",
        "severity": "high", "workers_affected": 3, "immediate_danger": False, "special_equipment": False, "confidential": False,
        "external_channel": None, "external_case_no": None, "occurred_at": "2026-11-20T09:00:00+08:00",
    },
    "issue_actions": {
        "issue": "@issue@", "action": "comment", "text": "已告知", "data": {"solved": True}, "at": "2026-11-22T09:00:00+08:00",
    },
    "photos": {
        "issue": "@issue@", "visit": None, "response": None, "question": None, "taken_at": "2026-11-22T09:00:00+08:00",
        "sha256": "a" * 64, "size": 1000, "content_type": "image/jpeg", "caption": "门口",
        "location": {"lat": 31.8, "lon": 120.4, "crs": "wgs84", "accuracy_m": 9.0},
    },
    "quarantine": {"resolution": "apply", "data": {"summary": "x"}},
    "conflicts": {"resolution": "kept"},
}  # fmt: skip
PLAIN: dict[str, Any] = {
    "sync/push": {"schema": 1, "epoch": None, "sent_at": "2026-11-22T09:00:00+08:00", "mutations": []},
    "sync/verify": {"cursor": "x", "scopes": {"enterprise:@enterprise@": {"count": 1, "digest": "0" * 16}}},
    "uploads/direct": {"photo": "@photo@", "sha256": "a" * 64, "length": 1000, "filename": "x.jpg"},
}
"""Plain doors and a sound body of each."""


def _push(collection: str, data: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """A batch of one mutation, spoiled in its data or in itself."""
    own = {"quarantine": "@quarantined@", "conflicts": "@conflict@"}.get(collection)
    record = own or dice.choice([str(_uuid(dice)), str(_uuid(dice)), f"@{collection.rstrip('s')}@", "@issue@"])
    mutation = {
        "id": _uuid(dice), "collection": collection, "record": record, "op": dice.choice(["put"] * 5 + ["delete"]),
        "base": dice.choice([None, None, 1, 7]), "data": spoiled(data, dice), "at": "2026-11-22T09:00:00+08:00",
    }  # fmt: skip
    return {"schema": 1, "epoch": None, "mutations": [mutation if dice.random() < 0.8 else spoiled(mutation, dice)]}


def _uuid(dice: random.Random) -> str:
    text = f"{dice.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-8{text[17:20]}-{text[20:]}"


def _text(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # whole numbers beyond 64 bits
        return json.dumps(value).encode()
