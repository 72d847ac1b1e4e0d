"""Which entries of the journal are told to whom, and in what words. One table; it names no person and quotes nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.texts import Text

LEAD, ASSISTS, OFFICE, REPORTER, AUTHOR, CHARGED = "lead", "assists", "office", "reporter", "author", "charged"
"""``CHARGED`` is the department that a task of the joint conference was given to."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Who hears of a kind of event, under which title; ``mailed`` ones reach those who have an address by mail too."""

    to: tuple[str, ...]
    title: Text
    mailed: bool = False


TELLINGS: Mapping[str, Telling] = {
    "issue.dispatch": Telling((LEAD, ASSISTS), Text("新派单", "A new issue"), mailed=True),
    "issue.transfer": Telling((LEAD, ASSISTS), Text("转办给您", "Transferred to you"), mailed=True),
    "issue.adjudicate": Telling((LEAD, ASSISTS), Text("经裁定由您承办", "Adjudicated to you"), mailed=True),
    "issue.rework": Telling((LEAD, ASSISTS), Text("需要重办", "To be done again"), mailed=True),
    "issue.acknowledge": Telling((REPORTER,), Text("部门已签收", "The department has taken it on")),
    "issue.request_return": Telling((OFFICE,), Text("申请退单,待审", "A return is asked for")),
    "issue.refuse_return": Telling((LEAD,), Text("退单未获同意", "The return was refused")),
    "issue.request_extension": Telling((OFFICE,), Text("已延期", "It was extended")),
    "issue.suspend.noted": Telling((OFFICE, LEAD), Text("挂起", "Suspension")),
    "issue.refuse_suspension.noted": Telling((LEAD,), Text("挂起未获同意", "The suspension was refused")),
    "issue.resume": Telling((LEAD,), Text("恢复办理", "Work goes on")),
    "issue.reply": Telling((OFFICE,), Text("已反馈,待审核", "Answered, to be reviewed")),
    "issue.reject_reply": Telling((LEAD,), Text("反馈被退回", "The reply was refused"), mailed=True),
    "issue.accept_reply": Telling((REPORTER,), Text("请回访", "Please follow up")),
    "issue.close": Telling((REPORTER, LEAD), Text("已销号", "Closed")),
    "issue.reject": Telling((REPORTER,), Text("不予受理", "Rejected")),
    "issue.merge": Telling((REPORTER,), Text("已并案", "Merged")),
    "issue.inherited": Telling((REPORTER,), Text("并案的主件已办结", "The issue it was merged into is closed")),
    "issue.reopen": Telling((OFFICE,), Text("重新打开,待派单", "Reopened, to be dispatched")),
    "issue.urge": Telling((LEAD,), Text("催办", "Urged"), mailed=True),
    "issue.supervise": Telling((LEAD,), Text("督办单", "Supervision order"), mailed=True),
    "issue.admonish": Telling((LEAD,), Text("约谈", "Admonition talk"), mailed=True),
    "issue.refer": Telling((LEAD,), Text("提交联席会议", "Referred to the joint conference")),
    "issue.warned": Telling((LEAD,), Text("时限预警", "Deadline warning")),
    "issue.due_moved": Telling((LEAD,), Text("办理期限有变", "The due time has moved")),
    "issue.comment.noted": Telling((LEAD, REPORTER), Text("新留言", "A new comment")),
    "task.decided": Telling((CHARGED,), Text("联席会议交办任务", "A task of the joint conference"), mailed=True),
    "task.due_soon": Telling((CHARGED,), Text("会议任务即将到期", "A task of the joint conference is due soon")),
    "task.overdue": Telling(
        (CHARGED, OFFICE), Text("会议任务超期", "A task of the joint conference is late"), mailed=True
    ),
    "task.done": Telling((OFFICE,), Text("会议任务已完成", "A task of the joint conference is done")),
    "visit.returned": Telling((AUTHOR,), Text("走访记录退回修改", "A visit was sent back")),
}
RED = Telling((LEAD, OFFICE), Text("红牌预警", "Red card"))
SENT = frozenset(verb for verb in TELLINGS if verb.startswith(("issue.", "task."))) | {"issue.submitted"}
"""Events that endpoints may ask for."""
