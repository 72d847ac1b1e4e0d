"""Strict JSON at the door: what one database or reader would take and another refuse is refused for all.

Refused with 400: anything that is not UTF-8 JSON, NaN and infinities, lone surrogates, U+0000, duplicate keys,
more than 64 levels, whole numbers beyond ±2^53 (RFC 7493). orjson sees to half of it; the rest is checked here by
means that cost little on good input.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import IO, Any

import orjson
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from core.problems import Fault, Malformed, TooLarge
from core.texts import Text

DEEPEST = 64
SAFE = 1 << 53
BODY_LIMIT = 1_000_000
_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"(\s*+:)?', re.DOTALL)
_LONG_NUMBER = re.compile(rb"[0-9]{16}")
_CONTAINERS = (dict, list)


def loads(raw: bytes) -> Any:
    """The value of a JSON text. Raises ``Malformed`` with a fault that says what is wrong."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise refused("json", Text("不是有效的 JSON：{why}", "Is not valid JSON: {why}").fill(why=error.msg)) from None
    keys = _count_keys(value)
    tokens = _STRINGS.findall(raw)
    if len(tokens) - tokens.count(b"") != keys:
        raise refused("duplicate-key", Text("同一对象中有重复的键", "An object has the same key twice"))
    if b"\\u0000" in raw or _LONG_NUMBER.search(raw):
        _look_closely(value)
    return value


def refused(code: str, detail: Text, pointer: str = "") -> Malformed:
    return Malformed(detail, errors=[Fault(pointer, code, detail)])


def _count_keys(value: Any) -> int:
    """All keys of all objects, level by level; refuses depth."""
    level, depth, keys = [value], 0, 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise refused("depth", Text("嵌套超过 {most} 层", "Is nested deeper than {most} levels").fill(most=DEEPEST))
        below: list[Any] = []
        for node in level:
            if type(node) is dict:
                keys += len(node)
                below += [child for child in node.values() if type(child) in _CONTAINERS]
            elif type(node) is list:
                below += [child for child in node if type(child) in _CONTAINERS]
        level = below
    return keys


def _look_closely(value: Any, pointer: str = "") -> None:
    """Walk every value; depth is known to be small."""
    if isinstance(value, str):
        if "\0" in value:
            raise refused("nul", Text("不得含有空字符 U+0000", "Must not hold U+0000"), pointer)
    elif isinstance(value, int | float):
        if abs(value) > SAFE and float(value).is_integer():
            raise refused("number", Text("整数超出 ±2^53", "A whole number beyond ±2^53"), pointer)
    elif isinstance(value, dict):
        for key, child in value.items():
            _look_closely(key, pointer)
            _look_closely(child, f"{pointer}/{escaped(key)}")
    elif isinstance(value, list):
        for index, child in enumerate(value):
            _look_closely(child, f"{pointer}/{index}")


def escaped(key: str) -> str:
    """A key as a JSON pointer writes it (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def read_body(stream: IO[Any], length: str | None, limit: int) -> bytes:
    """The body of a request, refused before it is read when it says that it is too long. Raises ``TooLarge``."""
    if length and length.isdigit() and int(length) > limit:
        raise TooLarge(limits={"bytes": limit})
    body: bytes = stream.read(limit + 1)
    if len(body) > limit:
        raise TooLarge(limits={"bytes": limit})
    return body


class StrictJSONParser(BaseParser):
    """``application/json`` for DRF. A view may set ``body_limit`` in bytes."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        context = parser_context or {}
        charset = re.search(r"charset=\"?([\w-]+)", media_type or "", re.IGNORECASE)
        if charset and charset[1].lower() not in ("utf-8", "utf8"):
            raise UnsupportedMediaType(media_type or "")
        limit = getattr(context.get("view"), "body_limit", BODY_LIMIT)
        request = context.get("request")
        length = request.META.get("CONTENT_LENGTH") if request is not None else None
        return loads(read_body(stream, length, limit))
