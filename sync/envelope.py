"""Reading a push: from bytes to mutations, with every unreadable value kept and none of it hurting its neighbours. Pure.

The common case is read by orjson. What orjson refuses or hides (lone surrogates, NaN, numbers beyond a double, NUL,
duplicate keys) is read again by the standard library, and the mutation that holds it is marked, not the batch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any
from uuid import UUID, uuid5

import orjson

from core.ids import parsed, written
from core.problems import Fault, Invalid, Malformed
from core.texts import Text
from sync.problems import MOST_BYTES, MOST_MUTATIONS, SCHEMAS, BatchTooLarge, SchemaUnsupported

STRAY = UUID("0f7e5b0a-4c7c-5a5e-8f6e-53c1d5a7e001")
DEEPEST = 60
"""How deep a mutation may go to be applied; a deeper one is kept whole."""
BOTTOM = 230
"""What is deeper yet cannot be kept: those who write and read JSON would have to be followed down."""
INTEGERS = 2**53
LONGEST_EPOCH = 40


@dataclass(slots=True)
class Asked:
    """One mutation as it was sent. ``faults`` tell what of it cannot be read; then it goes to quarantine as it is.

    ``told`` is the id to answer with (what was sent, even if it is no UUID), ``id`` the key it is remembered by.
    """

    id: UUID
    told: Any
    collection: str
    record: UUID | None
    op: str
    base: int | None
    data: dict[str, Any]
    at: datetime | None
    content: str
    raw: Any
    faults: list[Fault] = field(default_factory=list)

    @property
    def payload(self) -> str:
        """The mutation whole, as JSON text that any engine stores."""
        return _text(self.raw) if self.faults else orjson.dumps(self.raw).decode()


@dataclass(slots=True)
class Batch:
    sent_at: datetime | None
    epoch: str | None
    mutations: list[Asked]


class _Marked:
    """A value that must not be stored: what it was, for the fault."""

    def __init__(self, code: str, detail: Text, raw: Any) -> None:
        self.code, self.detail, self.raw = code, detail, raw


def read(body: bytes) -> Batch:
    """The batch in a request body. Raises Malformed, SchemaUnsupported, BatchTooLarge."""
    if len(body) > MOST_BYTES:
        raise BatchTooLarge
    document, suspicious = _parse(body)
    if not isinstance(document, dict):
        raise Malformed(Text("请求正文应为 JSON 对象", "The body must be a JSON object"))
    marked = [
        Fault(f"/{_clean(name)}", one.code, one.detail) for name, one in document.items() if isinstance(one, _Marked)
    ]
    if marked:
        raise Malformed(errors=marked)
    schema = document.get("schema", 1)
    if schema not in SCHEMAS or isinstance(schema, bool):
        raise SchemaUnsupported
    listed = document.get("mutations")
    if not isinstance(listed, list):
        fault = Fault("/mutations", "type", Text("应为列表", "Must be a list"))
        raise Malformed(Text("缺少 mutations 列表", "The list of mutations is missing"), errors=[fault])
    if len(listed) > MOST_MUTATIONS:
        raise BatchTooLarge
    epoch = document.get("epoch")
    if epoch is not None and not isinstance(epoch, str):
        fault = Fault("/epoch", "type", Text("应为文本或 null", "Must be text or null"))
        raise Malformed(errors=[fault])
    plain = (
        _clean(epoch)[:LONGEST_EPOCH] if epoch else None
    )  # ours are shorter: one that needs this is not known anyway
    return Batch(moment(document.get("sent_at")), plain, [asked(one, suspicious) for one in listed])


def _parse(body: bytes) -> tuple[Any, bool]:
    """The document, and whether it holds values that each mutation must be searched for."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _sounded(_parse_slowly(body)), True
    keys, depth = _measure(document, 0)
    if b"\\u0000" in body or (keys != _most_keys(body) and keys != _count_keys(body)):
        return _sounded(_parse_slowly(body)), True
    return document, depth > DEEPEST


_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"[ \t\r\n]*+(:)?')
_SPACED = (b" :", b"\t:", b"\r:", b"\n:")


def _most_keys(body: bytes) -> int:
    """At least as many as there are keys in the text, and quickly; -1 where it cannot be told so.

    Each key ends in a quote and a colon, unless somebody has put spaces between; what looks the same inside a value only adds.
    """
    return -1 if any(mark in body for mark in _SPACED) else body.count(b'":')


def _count_keys(body: bytes) -> int:
    return sum(1 for mark in _STRINGS.findall(body) if mark)


def _measure(value: Any, depth: int) -> tuple[int, int]:
    """How many keys a value holds, and how deep it goes; a number beyond what is safe counts as too deep."""
    if type(value) is dict:
        keys, inner = len(value), list(value.values())
    elif type(value) is list:
        keys, inner = 0, value
    else:
        return 0, depth
    if depth > BOTTOM:
        raise _bottomless()
    deepest = depth
    for one in inner:
        kind = type(one)
        if kind is dict or kind is list:
            more, deep = _measure(one, depth + 1)
            keys += more
            if deep > deepest:
                deepest = deep
        elif (kind is int or kind is float) and not -INTEGERS <= one <= INTEGERS:
            deepest = DEEPEST + 1
    return keys, deepest


def _sounded(document: Any) -> Any:
    """The same, if it is not too deep, what is marked in it included."""
    level, depth = [document] if isinstance(document, dict | list | _Marked) else [], 0
    while level:
        if depth > BOTTOM:
            raise _bottomless()
        depth += 1
        inner = [
            one.values() if isinstance(one, dict) else one if isinstance(one, list) else [one.raw] for one in level
        ]
        level = [one for some in inner for one in some if isinstance(one, dict | list | _Marked)]
    return document


def _bottomless() -> Malformed:
    return Malformed(Text("嵌套过深", "Nested too deeply"))


def _parse_slowly(body: bytes) -> Any:
    try:
        text = body.decode()
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_float
        )
    except UnicodeDecodeError as error:
        raise Malformed(Text("正文应为 UTF-8", "The body must be UTF-8")) from error
    except RecursionError as error:
        raise _bottomless() from error
    except ValueError as error:
        raise Malformed(Text("正文不是合法的 JSON", "The body is not valid JSON")) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                values = [value for key, value in pairs if key == name]
                found[name] = _Marked(
                    "duplicate-key", Text("同一对象中字段重复", "The same key twice in one object"), values
                )
            seen.add(name)
    return found


def _constant(text: str) -> _Marked:
    return _Marked("number", Text(f"{text} 不是合法的数值", f"{text} is not a number"), text)


def _integer(text: str) -> int | _Marked:
    if len(text) > 20:
        return _Marked("number", Text("数值超出范围", "The number is out of range"), text)
    return int(text)


def _float(text: str) -> float | _Marked:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        return _Marked("number", Text("数值超出范围", "The number is out of range"), text)
    return value


def asked(raw: Any, suspicious: bool = True) -> Asked:
    """One mutation from its JSON value; ``suspicious`` values are searched for what cannot be kept."""
    faults = list(_unkeepable(raw)) if suspicious else []
    one = raw if isinstance(raw, dict) else {}
    if not isinstance(raw, dict):
        faults.append(Fault("", "type", Text("应为对象", "Must be an object")))
    identity, record = _uuid(one.get("id")), _uuid(one.get("record"))
    base, op, data = one.get("base"), one.get("op"), one.get("data")
    collection = one.get("collection")
    rights = (
        identity is not None,
        record is not None,
        isinstance(collection, str),
        op in OPS,
        base is None or _revision(base),
        isinstance(data, dict) or (op == "delete" and data is None),
    )
    if False in rights:
        faults += [fault for right, fault in zip(rights, _MISSHAPEN, strict=True) if not right]
    content = blake2b(
        f"{collection}\0{record and written(record)}\0{op}\0{base}\0".encode(errors="backslashreplace"), digest_size=16
    )
    content.update(_text(raw).encode() if faults else orjson.dumps(data, option=orjson.OPT_SORT_KEYS))
    return Asked(
        id=identity or uuid5(STRAY, _text(raw)),
        told=_clean(one["id"])[:100] if isinstance(one.get("id"), str) else None,
        collection=_clean(collection) if isinstance(collection, str) else "",
        record=record,
        op=op if op in OPS else "",
        base=base if _revision(base) else None,
        data=data if isinstance(data, dict) else {},
        at=moment(one.get("at")),
        content=content.hexdigest(),
        raw=raw,
        faults=faults,
    )


OPS = ("put", "delete")
_MISSHAPEN = (
    Fault("/id", "uuid", Text("应为 UUID", "Must be a UUID")),
    Fault("/record", "uuid", Text("应为 UUID", "Must be a UUID")),
    Fault("/collection", "type", Text("应为文本", "Must be text")),
    Fault("/op", "choice", Text("应为 put 或 delete", "Must be put or delete")),
    Fault("/base", "type", Text("应为版次或 null", "Must be a revision or null")),
    Fault("/data", "type", Text("应为对象", "Must be an object")),
)


def _revision(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**31


def _uuid(value: Any) -> UUID | None:
    if not isinstance(value, str) or len(value) != 36:
        return None
    try:
        return parsed(value)
    except ValueError:
        return None


def moment(value: Any) -> datetime | None:
    """An ISO 8601 time with an offset, or None for anything else: a device's clock is evidence, not order."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        found = datetime.fromisoformat(value)
        return found if found.tzinfo and found.utctimetuple().tm_year > 0 else None
    except (ValueError, OverflowError):
        return None


def _unkeepable(raw: Any) -> Iterator[Fault]:
    """Pointers name fields of ``data``, as the verbs' do; members of the mutation itself go by their own names."""
    if not isinstance(raw, dict):
        yield from _search(raw, "", 0)
        return
    yield from _search({name: value for name, value in raw.items() if name != "data"}, "", 0)
    yield from _search(raw.get("data"), "", 1)


def _search(value: Any, pointer: str, depth: int) -> Iterator[Fault]:
    """Every value that cannot be kept as data, with its place."""
    if isinstance(value, _Marked):
        yield Fault(pointer, value.code, value.detail)
    elif depth > DEEPEST:
        yield Fault(pointer, "depth", Text("嵌套过深", "Nested too deeply"))
    elif isinstance(value, dict):
        for name, one in value.items():
            place = f"{pointer}/{_clean(name).replace('~', '~0').replace('/', '~1')}"
            yield from _bad_text(name, place)
            yield from _search(one, place, depth + 1)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _search(one, f"{pointer}/{index}", depth + 1)
    elif isinstance(value, str):
        yield from _bad_text(value, pointer)
    elif isinstance(value, int | float) and not -INTEGERS <= value <= INTEGERS:
        yield Fault(pointer, "number", Text("数值超出范围", "The number is out of range"))


def _bad_text(text: str, pointer: str) -> Iterator[Fault]:
    if "\0" in text:
        yield Fault(pointer, "nul", Text("文本中含有空字符", "The text holds a NUL character"))
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        yield Fault(pointer, "surrogate", Text("文本中含有不完整的字符", "The text holds half a character"))


def _clean(text: str) -> str:
    if text.isascii() and text.isprintable():
        return text
    return text.encode(errors="replace").decode().replace("\0", "?")


def _text(raw: Any) -> str:
    """A mutation as ASCII JSON text that any engine stores and that reads back to the same values."""
    return json.dumps(raw, ensure_ascii=True, default=lambda marked: {f"${marked.code}": marked.raw})


def reread(payload: str) -> Any:
    """A kept mutation as it was sent, with the half characters that orjson refuses."""
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return json.loads(payload)


def shown(payload: str) -> Any:
    """A kept mutation as it can be told in JSON: a question mark for each half character."""
    return orjson.loads(json.dumps(reread(payload), ensure_ascii=False).encode(errors="replace"))


def problem(asked: Asked) -> Invalid:
    return Invalid(Text("内容无法读取,已完整保存", "The content cannot be read; it is kept whole"), errors=asked.faults)
