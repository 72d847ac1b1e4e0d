"""The refusals of this room."""

from __future__ import annotations

from core.problems import Conflict, Invalid
from core.texts import Text


class AlreadySubmitted(Conflict):
    """A submitted response is edited only after a review has sent it back."""

    kind = "already-submitted"
    title = Text("答卷已提交,不能再修改", "The response was submitted and cannot be edited any more")


class BadAnswers(Invalid):
    """The answers break rules of their form; ``errors`` name each question."""

    kind = "invalid-answers"
    title = Text("答卷不符合问卷要求", "The answers break rules of the questionnaire")


class WrongStatus(Conflict):
    """The version is not in a status in which this can be done to it."""

    kind = "wrong-status"
    title = Text("当前状态不能这样操作", "This cannot be done in its present status")
