"""Row 32 at large: thousands of hostile payloads against every door that takes JSON, and none is answered by a 5xx.

Bodies are grown from each route's own OpenAPI shape, so that hostile values reach the fields and do not die at the first
unknown name. The same seeds run on both databases.
"""

from __future__ import annotations

import json
import logging
import random
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from drf_spectacular.generators import SchemaGenerator

from tests.api.line import Line

BODIES_PER_ROUTE = 60
QUERIES_PER_LIST = 40
NASTY: list[Any] = [
    None, True, False, 0, -1, 1.5, -0.0, 2**31, 2**31 - 1, 2**53, -(2**53), 1e308, "", " ", "0", "null", "a" * 10_000,
    "𠮷🏭", "\u202e\u200b", "ﷺ" * 300, "%00", "%s%n", "' OR 1=1 --", "${jndi:ldap://x}", "../../etc/passwd", "{{7*7}}",
    "<svg/onload=x>", "=cmd()", "9999-99-99", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2026-02-30", "1e999", "NaN", "١٢٣", "00000000-0000-0000-0000-000000000000", "z" * 36, [], {}, [[]], [None], [{}],
    {"": ""}, {"$ref": "#"}, [0] * 1000, {"a": {"b": [1, {"c": None}]}}, "\ufeff", "\u0085", "\x7f", "é", "é",
]  # fmt: skip
BROKEN = [
    b"", b"{", b"]", b"[" * 70, b'{"a":' * 70 + b"1" + b"}" * 70, b'{"a":1,"a":2}', b'{"a":"\\u0000"}', b'{"a":"\\ud800"}',
    b'{"a":NaN}', b'{"a":1e999}', b'{"a":99999999999999999999}', b"\xff\xfe", "{\"a\":\"中\"}".encode("gb18030"), b"null",
    b"0", b'"x"', b"[]", b"true", b"[{}]", b'{"\\u0000":1}',
]  # fmt: skip


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator(urlconf=None, api_version=None).get_schema(request=None, public=True)
    return json.loads(json.dumps(found, default=str))


@pytest.fixture(autouse=True)
def quietly():
    """Thousands of refusals are not worth a log line each."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def operations(document, methods):
    for path, row in sorted(document["paths"].items()):
        for method, operation in sorted(row.items()):
            if method in methods:
                yield path, method.upper(), operation


def resolved(document, schema):
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    for part in schema.get("allOf", []):
        schema = schema | resolved(document, part)
    return schema


def sound(document, schema, dice, depth=0):
    """A value of the right shape, so that the nasty one beside it is looked at."""
    schema = resolved(document, schema)
    if depth > 4:
        return None
    if "enum" in schema:
        return dice.choice(schema["enum"])
    for alternative in schema.get("oneOf", []) + schema.get("anyOf", []):
        return sound(document, alternative, dice, depth + 1)
    kind = schema.get("type")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {name: sound(document, part, dice, depth + 1) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [sound(document, schema.get("items", {}), dice, depth + 1)]
    if kind in ("integer", "number"):
        return 1
    if kind == "boolean":
        return True
    return {"uuid": str(uuid4()), "date": "2026-11-02", "date-time": "2026-11-02T09:00:00+08:00"}.get(
        schema.get("format", ""), "x"
    )


def body(document, schema, dice):
    """A sound body in which one to three values, somewhere, are nasty."""
    value = sound(document, schema, dice)
    for _ in range(dice.choice((1, 1, 2, 3))):
        value = spoiled(value, dice)
    return value


def spoiled(value, dice):
    if isinstance(value, dict) and value and dice.random() < 0.95:
        name = dice.choice(sorted(value))
        return value | {name: spoiled(value[name], dice) if dice.random() < 0.5 else dice.choice(NASTY)}
    if isinstance(value, list) and value and dice.random() < 0.8:
        return [spoiled(value[0], dice)]
    return dice.choice(NASTY)


def address(path, document, dice):
    """The path with its parts filled: mostly plausible, at times nasty."""
    for part in [word[1:].split("}")[0] for word in path.split("/") if word.startswith("{")]:
        word = dice.choice([str(uuid4()), "HRSS", "1", "x", "%00", "𠮷", "a" * 300, "..%2f..", "999999999999999999999"])
        path = path.replace("{" + part + "}", word)
    return path


def judged(answer, told):
    assert answer.status_code < 500, (told, answer.content[:300])
    if answer.status_code >= 400 and answer.get("Content-Type", "").startswith("application/"):
        assert answer.data is None or "status" in answer.data, told


def test_row_32_no_json_route_is_broken_by_what_it_is_sent(cast, document):
    line, dice, sent = Line(cast.office), random.Random(32), 0
    for path, method, operation in operations(document, {"post", "put", "patch"}):
        content = operation.get("requestBody", {}).get("content", {})
        if path.endswith("/logout"):
            continue
        schema = content.get("application/json", {}).get("schema")
        bodies: list[Any] = list(BROKEN)
        if schema is not None:
            bodies += [body(document, schema, dice) for _ in range(BODIES_PER_ROUTE)]
        for given in bodies:
            where = address(path, document, dice)
            judged(line.send(method, where, given), (method, where, given))
            sent += 1
    assert sent >= 3_000


def test_row_32_no_list_is_broken_by_its_query(cast, document):

    line, dice, sent = Line(cast.office), random.Random(45), 0
    for path, _, operation in operations(document, {"get"}):
        names = [each["name"] for each in operation.get("parameters", []) if each["in"] == "query"]
        for _ in range(QUERIES_PER_LIST if names else 6):
            pairs = [(dice.choice([*names, "cursor", "limit", "colour"]), dice.choice(NASTY)) for _ in range(2)]
            query = "&".join(f"{name}={quote(str(value)[:300])}" for name, value in pairs)
            where = f"{address(path, document, dice)}?{query}"
            judged(line.get(where), where)
            sent += 1
    assert sent >= 500
