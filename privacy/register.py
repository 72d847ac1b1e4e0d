"""The register of personal information: what is kept of people, where, why, how long, who sees it, and how it goes.

One table, read by the retention duty, by REST and by the page in `docs/`. A field of a table that holds something about
a person has its row here; a test goes through the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from core.texts import Text

OFFICE = Text("本人、产改办", "the person, the office")
NOBODY = Text("无人可读", "nobody can read it")
DUTY = Text("履行法定职责所必需", "needed to carry out a statutory duty")
MASKED = Text(
    "从记录、手机与留痕中抹去,留痕链仍可核验",
    "masked in the record, on the phones and in the audit trail, whose chain still verifies",
)
SAFETY = Text("网络安全义务", "the duty of network security")


@dataclass(frozen=True, slots=True)
class Kept:
    """One category. ``days`` is how long after ``since`` (None: as long as the record it belongs to)."""

    category: str
    name: Text
    fields: tuple[str, ...]
    purpose: Text
    basis: Text
    seen_by: Text
    days: int | None
    since: Text
    ending: Text


REGISTER: Final[Sequence[Kept]] = (
    Kept(
        "account",
        Text("账号与联系方式", "Account and contact"),
        ("Person.username", "Person.name", "Person.phone", "Person.email", "Person.department", "Person.language",
         "Person.created_at", "Assignment.person"),
        Text("登录、派单、联系", "signing in, dispatching, reaching somebody"),
        DUTY,
        Text("姓名与角色:同一地点或部门的同事;电话、邮箱、用户名:本人、产改办",
             "name and roles: colleagues of the same places or department; phone, mail, user name: the person, the office"),
        365,
        Text("停用且最后一项分工结束后", "after it was disabled and the last assignment ended"),
        Text("抹去身份,所做的事留在编号下", "who it was is erased; what was done stays under the bare id"),
    ),
    Kept(
        "credentials",
        Text("口令与二次验证", "Password and second factor"),
        ("Person.password", "Person.password_changed_at", "Person.totp_secret", "Person.totp_step", "CollectKey.ha1",
         "CollectKey.digest", "CollectKey.username", "CollectKey.person", "CollectKey.device"),
        Text("验证身份", "proving who somebody is"),
        SAFETY,
        NOBODY,
        None,
        Text("与账号同", "with the account"),
        Text("与账号一并抹去", "goes with the account"),
    ),
    Kept(
        "devices",
        Text("手机", "Phones"),
        ("Device.hardware", "Device.person", "Device.name", "Device.platform", "Device.app_version", "Device.bound_at",
         "Device.enrolled_at",
         "Device.last_seen_at", "Device.last_push_at"),
        Text("离线同步,丢失时注销", "offline sync; signing a lost phone off"),
        SAFETY,
        OFFICE,
        365,
        Text("注销后", "after it was signed off"),
        Text("名称与型号抹去,编号保留以对应留痕", "name and platform go, the id stays for the audit trail"),
    ),
    Kept(
        "sessions",
        Text("登录会话", "Sessions"),
        ("Session.device", "Session.started_at", "RefreshToken.session", "RefreshToken.issued_at", "ConsoleSession.person",
         "ConsoleSession.started_at", "ConsoleSession.seen_at"),
        Text("保持登录", "staying signed in"),
        SAFETY,
        Text("本人", "the person"),
        30,
        Text("令牌到期后", "after its tokens expired"),
        Text("删除", "deleted"),
    ),
    Kept(
        "enrollments",
        Text("注册码", "Enrollment codes"),
        ("Enrollment.person", "Enrollment.issued_by", "Enrollment.digest"),
        Text("手机首次登录", "a phone's first sign-in"),
        SAFETY,
        NOBODY,
        30,
        Text("失效后", "after it expired"),
        Text("删除", "deleted"),
    ),
    Kept(
        "lockouts",
        Text("登录失败计数", "Failed sign-ins"),
        ("Lockout.key",),
        Text("防猜口令", "stopping guessers"),
        SAFETY,
        NOBODY,
        0,
        Text("一小时后", "after an hour"),
        Text("删除(只存摘要)", "deleted (only digests are kept)"),
    ),
    Kept(
        "visits",
        Text("走访与签到位置", "Visits and where they were checked in"),
        ("Visit.author", "Visit.participants", "Visit.check_in", "Visit.distance_m", "Visit.summary",
         "Visit.review_comment", "JointParticipant.person", "Attendance.person", "VisitPlan.person"),
        Text("证明到访(仅签到点,不留轨迹)", "evidence of having been there (one point, no tracks)"),
        DUTY,
        Text("该企业的三员、镇街、产改办;不公开的仅本人与产改办",
             "the enterprise's field members, its town, the office; private ones: the author and the office"),
        None,
        Text("作为履职台账长期保存", "kept as the duty record"),
        Text("人员抹去后仅剩编号", "when the person is erased a bare id remains"),
    ),
    Kept(
        "interviewees",
        Text("受访人", "Interviewees"),
        ("Visit.interviewee",),
        Text("核实与回访", "verifying and following up"),
        Text("本人同意", "consent"),
        Text("该企业的三员、镇街、产改办", "the enterprise's field members, its town, the office"),
        730,
        Text("走访提交后", "after the visit was submitted"),
        MASKED,
    ),
    Kept(
        "contacts",
        Text("答卷中的姓名与联系方式", "Names and contacts in responses"),
        ("Response.answers",),
        Text("核实与回访", "verifying and following up"),
        Text("本人同意", "consent"),
        Text("该企业的三员、镇街、产改办", "the enterprise's field members, its town, the office"),
        730,
        Text("答卷提交后", "after the response was submitted"),
        MASKED,
    ),
    Kept(
        "responses",
        Text("问卷答卷", "Responses"),
        ("Response.author", "Response.device", "Response.review_comment", "Response.comments"),
        Text("走访与评估", "visits and assessment"),
        DUTY,
        Text("该企业的三员、镇街、产改办;匿名问卷无作者、无位置、无设备,少于五份不出数",
             "the enterprise's field members, its town, the office; anonymous ones have no author, place or device, and "
             "groups under five are not shown"),
        None,
        Text("作为台账长期保存", "kept as a record"),
        Text("人员抹去后仅剩编号", "when the person is erased a bare id remains"),
    ),
    Kept(
        "submissions",
        Text("ODK 原始提交", "Submissions as ODK Collect sent them"),
        ("Submission.xml", "Submission.person", "Submission.device"),
        Text("重复提交的识别与争议核查", "recognising repeats; settling disputes"),
        DUTY,
        NOBODY,
        365,
        Text("接收后", "after it came"),
        Text("原文清除,摘要保留", "the text goes, its digest stays"),
    ),
    Kept(
        "photos",
        Text("照片与拍摄信息", "Photos and what the camera wrote"),
        ("Photo.author", "Photo.device", "Photo.owner", "Photo.location", "Photo.caption", "Blob.exif", "Upload.person",
         "Upload.device", "Upload.filename"),
        Text("现场证据", "evidence"),
        DUTY,
        Text("去除位置与机身号的副本:可见该记录者;原图:本人、产改办",
             "copies without place and serial number: who sees the record; originals: the author, the office"),
        None,
        Text("与所属记录同", "with the record"),
        Text("人员抹去后仅剩编号", "when the person is erased a bare id remains"),
    ),
    Kept(
        "issues",
        Text("问题与办理", "Issues and their handling"),
        ("Issue.reporter", "Segment.reporter", "Issue.handler", "Issue.description", "IssueAction.person", "IssueAction.text",
         "IssueAssist.opinion", "Supervision.leader", "Department.leader", "ConferenceTask.minutes", "Suspension.document"),
        Text("办理与督办", "handling and supervision"),
        DUTY,
        Text("上报人对企业一律隐去,对部门非必要隐去;其余按角色",
             "the reporter is hidden from the enterprise always and from the department unless needed; the rest by role"),
        None,
        Text("作为台账长期保存", "kept as a record"),
        Text("人员抹去后仅剩编号", "when the person is erased a bare id remains"),
    ),
    Kept(
        "quarantine",
        Text("隔离区与冲突", "Quarantine and conflicts"),
        ("Quarantined.person", "Quarantined.device", "Quarantined.payload", "Quarantined.trace", "FieldConflict.person",
         "FieldConflict.device", "FieldConflict.yours", "FieldConflict.kept", "Mutation.device", "Mutation.answer"),
        Text("离线数据不丢失", "nothing sent is lost"),
        DUTY,
        OFFICE,
        365,
        Text("处理完毕后", "after it was settled"),
        Text("原文清除,处理结果保留", "the text goes, what became of it stays"),
    ),
    Kept(
        "messages",
        Text("站内消息", "Messages"),
        ("Message.person", "Message.title", "Message.body"),
        Text("提醒", "telling people"),
        DUTY,
        Text("本人", "the person"),
        365,
        Text("发出后", "after it was written"),
        Text("删除", "deleted"),
    ),
    Kept(
        "deliveries",
        Text("外发记录", "Deliveries"),
        ("Delivery.person", "Delivery.payload"),
        Text("邮件与对接系统", "mail and other systems"),
        DUTY,
        Text("产改办", "the office"),
        90,
        Text("产生后", "after it was made"),
        Text("删除", "deleted"),
    ),
    Kept(
        "answers",
        Text("幂等应答", "Answers kept for retries"),
        ("KeptAnswer.person", "KeptAnswer.body"),
        Text("重复请求得到同一答复", "a repeated request gets the same answer"),
        SAFETY,
        NOBODY,
        7,
        Text("应答后", "after it was given"),
        Text("删除", "deleted"),
    ),
    Kept(
        "reports",
        Text("报告与考核", "Reports and assessment"),
        ("Snapshot.document", "Snapshot.taken_by", "Snapshot.frozen_by", "reports.Entry.entered_by", "Objection.raised_by",
         "Objection.answered_by", "Commission.person", "Commission.wanted", "Mailing.people", "LedgerLine.entered_by"),
        Text("督查与考核", "supervision and assessment"),
        DUTY,
        Text("产改办;各单位只见本单位", "the office; each unit its own row"),
        None,
        Text("冻结后不再变动", "frozen ones never change"),
        Text("长期保存", "kept"),
    ),
    Kept(
        "requests",
        Text("个人信息申请", "Requests about personal information"),
        ("Request.person", "Request.reason", "Request.wanted", "Request.asked_by"),
        Text("受理查阅、更正、删除", "answering them"),
        DUTY,
        OFFICE,
        1095,
        Text("办结后", "after it was settled"),
        Text("内容清除,办理结果保留", "what was written goes, what became of it stays"),
    ),
    Kept(
        "audit",
        Text("审计留痕", "Audit trail"),
        ("Unit.person", "Unit.device", "journal.Entry.person", "journal.Entry.device", "journal.Entry.changes", "Grant.person"),
        Text("谁在何时做了什么", "who did what when"),
        SAFETY,
        Text("审计员、产改办;电话、邮箱从不写入", "the auditor, the office; phone and mail are never written into it"),
        None,
        Text("不少于十二个月,链式留存", "at least twelve months; chained"),
        Text("人员抹去或到期时遮盖其个人字段,链仍可核验",
             "a person's fields are masked when they are erased or expire; the chain still verifies"),
    ),
    Kept(
        "logs",
        Text("运行日志", "Logs"),
        (),
        Text("排障与网络安全留存", "finding faults; the records that network security asks for"),
        SAFETY,
        Text("运维人员", "operators"),
        180,
        Text("产生后", "after it was written"),
        Text("程序日志无个人信息;代理日志含来源地址,由 logrotate 清除",
             "the program's lines hold nobody; the proxy's hold source addresses and are rotated away"),
    ),
    Kept(
        "aside",
        Text("ODK 搁置文件", "Files that Collect sent and no question asked for"),
        ("Submission.received",),
        Text("离线数据不丢失", "nothing sent is lost"),
        DUTY,
        OFFICE,
        365,
        Text("处理完毕后", "after the office had looked at them"),
        Text("文件删除,名称与摘要保留", "the files are deleted, their names and digests stay"),
    ),
)  # fmt: skip

BY_CATEGORY: Final = {kept.category: kept for kept in REGISTER}


def page() -> str:
    """The register as a page for people."""
    lines = [
        "# 个人信息登记 Personal information",
        "",
        "Written by `make openapi` from `privacy/register.py`; do not edit. Days are what ships; the office may set its own",
        "(`PUT /api/v1/privacy/register/{category}`). `manage.py retention` tells what is due, the worker does it daily.",
        "",
        "| what | why, on what ground | who sees it | how long | how it goes |",
        "|---|---|---|---|---|",
    ]
    for kept in REGISTER:
        fields = ", ".join(f"`{name}`" for name in kept.fields) or "—"
        long = f"{kept.days} 天 days {_both(kept.since)}" if kept.days is not None else _both(kept.since)
        what = f"**{kept.category}** {_both(kept.name)}<br>{fields}"
        cells = (what, f"{_both(kept.purpose)}; {_both(kept.basis)}", _both(kept.seen_by), long, _both(kept.ending))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _both(text: Text) -> str:
    return f"{text} · {text.en}"
