"""Refusals that a caller can act on, shaped as RFC 9457 problems.

Each floor declares its problems beside the code that raises them; ``api/errors.py`` alone turns
them into HTTP, and the sync engine stores them in quarantine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from core.texts import Text

BASE = "/problems/"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with an input: where (a JSON pointer), which rule (a stable code), and why in words."""

    pointer: str
    code: str
    detail: Text

    def under(self, prefix: str) -> Fault:
        """The same fault as seen from an enclosing document."""
        return Fault(prefix + self.pointer, self.code, self.detail)

    def told(self, language: str) -> dict[str, str]:
        return {"pointer": self.pointer, "code": self.code, "detail": self.detail.of(language)}


class Problem(Exception):
    """Base of every refusal. Subclasses name their kind, HTTP status and title.

    ``extra`` holds further members of the problem document (``limits``, ``state``, ``supported`` …). A ``routine`` one is no
    fault of anybody's, whatever its status: operators need not hear of it.
    """

    kind: ClassVar[str] = "problem"
    status: ClassVar[int] = 400
    routine: ClassVar[bool] = False
    title: ClassVar[Text] = Text("请求无法处理", "The request cannot be handled")

    def __init__(self, detail: Text | None = None, *, errors: Sequence[Fault] = (), **extra: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = tuple(errors)
        self.extra = extra

    def told(self, language: str) -> dict[str, Any]:
        """The problem document in one language."""
        document: dict[str, Any] = {
            "type": BASE + self.kind,
            "title": self.title.of(language),
            "status": self.status,
            "detail": self.detail.of(language),
            "errors": [fault.told(language) for fault in self.errors],
        }
        return document | self.extra


class Invalid(Problem):
    """The input breaks a rule; ``errors`` say which field and why."""

    kind = "invalid"
    status = 422
    title = Text("内容不符合要求", "The content breaks a rule")

    @classmethod
    def at(cls, pointer: str, code: str, detail: Text) -> Invalid:
        """An input with a single fault."""
        return cls(detail, errors=[Fault(pointer, code, detail)])


class Malformed(Problem):
    """The request cannot be read at all."""

    kind = "malformed"
    status = 400
    title = Text("请求格式有误", "The request cannot be read")


class Forbidden(Problem):
    """The caller may see the thing but not do this to it."""

    kind = "forbidden"
    status = 403
    title = Text("无权进行此操作", "You may not do this")


class NotFound(Problem):
    """There is no such thing, or the caller may not know of it: the two look the same on purpose."""

    kind = "not-found"
    status = 404
    title = Text("未找到", "Not found")


class Conflict(Problem):
    """The thing has moved on since the caller looked at it."""

    kind = "conflict"
    status = 409
    title = Text("内容已被更新", "It has changed in the meantime")


class TooLarge(Problem):
    """The request is larger than the stated limits."""

    kind = "too-large"
    status = 413
    title = Text("请求超过大小限制", "The request is too large")


class Unavailable(Problem):
    """A part we depend on is away for the moment; the same request may be sent again."""

    kind = "unavailable"
    status = 503
    title = Text("服务暂时不可用,请稍后重试", "Temporarily unavailable, please send again")
