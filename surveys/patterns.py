"""The regular expressions of a form, matched in time linear in the answer whatever their author wrote. Pure.

The engine is RE2, which never backtracks; so it has no look-around and no back-references, and forms with these are refused.
As in Java, ``\\d``, ``\\w`` and ``\\s`` mean ASCII.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2

from core.texts import Text

MAX_PATTERN = 1_000
MAX_SUBJECT = 4_000
_MEMORY = 1 << 20

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.never_capture = True
_OPTIONS.max_mem = _MEMORY

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([pP])\{(?:Is|script=|sc=)(\w+)\}|(.))", re.DOTALL)
_LOOKS = Text(
    "不支持前后断言(?=、?! 等)和反向引用,请改写为几个条件",
    "Look-around and back-references are not supported: write several conditions",
)
_POSSESSIVE = Text("不支持占有量词(如 a++)", "Possessive quantifiers (a++) are not supported")
_CLASSES = Text(
    "不支持字符集的嵌套和交集,字符“[”请写成“\\[”", "Classes within classes are not supported; write “[” as “\\[”"
)
_TOO_LARGE = Text("正则表达式过长或重复次数过多", "The regular expression is too long or repeats too often")
_WRONG = Text("正则表达式有误", "The regular expression is wrong")
_SAID = (("(?", _LOOKS), ("escape sequence: \\", _LOOKS), ("bad repetition operator: ", _POSSESSIVE), ("repetition size", _TOO_LARGE),
         ("too large", _TOO_LARGE))  # fmt: skip


class BadPattern(ValueError):
    """A regular expression that is none, or that the engine does not take; ``why`` says so to its author."""

    def __init__(self, why: Text) -> None:
        super().__init__(str(why))
        self.why = why


@lru_cache(maxsize=2_000)
def pattern(source: str) -> Any:
    """A regular expression as written in a form, ready to match bytes. Raises BadPattern."""
    if len(source) > MAX_PATTERN:
        raise BadPattern(_TOO_LARGE)
    _look_into_classes(source)
    try:
        return re2.compile(_ESCAPE.sub(_translate, source).encode(), _OPTIONS)
    except UnicodeEncodeError as error:
        raise BadPattern(_WRONG) from error
    except re2.error as error:
        said = str(error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else error)
        raise BadPattern(next((why for part, why in _SAID if part in said), _WRONG)) from error


def matches(subject: str, source: str) -> bool | None:
    """Whether the whole text matches; None when it is too long to say. Raises BadPattern."""
    if len(subject) > MAX_SUBJECT:
        return None
    return pattern(source).fullmatch(subject.encode(errors="replace")) is not None


def _translate(found: re.Match[str]) -> str:
    """Java's spellings in RE2's: ``\\u4e00`` and ``\\p{IsHan}``."""
    code, kind, script, _ = found.groups()
    return f"\\x{{{code}}}" if code else f"\\{kind}{{{script}}}" if kind else found[0]


def _look_into_classes(source: str) -> None:
    """Refuse what Java takes for a class within a class and RE2 for plain characters. Raises BadPattern."""
    inside, at = False, 0
    while at < len(source):
        sign = source[at]
        if sign == "\\":
            at += 1
        elif inside and (sign == "[" or source.startswith("&&", at)):
            raise BadPattern(_CLASSES)
        elif sign == "[":
            inside = True
            at += 1 + source.startswith("[^", at)  # what stands first in a class is never its end
            at -= source[at : at + 1] in ("\\", "[", "&")
        elif sign == "]":
            inside = False
        at += 1
