"""The tables of visits, issues and the rules about them. Rows are written by the verbs beside this module only."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from core.ids import uuid7
from core.texts import Text
from inspections.rulebook import DeadlineClass, IssueCategory, RoutingRule
from inspections.tables import Quick
from inspections.workflow import ENDED, STATE_NAMES
from organizations.models import Department, Enterprise, Person, Region

STATES = [(state.value, name) for state, name in STATE_NAMES.items()]
ENDED_STATES = sorted(state.value for state in ENDED)


class Mode(models.TextChoices):
    ON_SITE = "on_site", Text("实地走访", "On site")
    MEETING = "meeting", Text("座谈", "Meeting")
    PHONE = "phone", Text("电话", "By phone")


class VisitStatus(models.TextChoices):
    DRAFT = "draft", Text("草稿", "Draft")
    SUBMITTED = "submitted", Text("已提交", "Submitted")
    RETURNED = "returned", Text("退回修改", "Returned")
    ACCEPTED = "accepted", Text("已采纳", "Accepted")


class PlanState(models.TextChoices):
    PLANNED = "planned", Text("待走访", "Planned")
    DONE = "done", Text("已走访", "Done")
    CANCELLED = "cancelled", Text("已取消", "Cancelled")


class Severity(models.TextChoices):
    LOW = "low", Text("较低", "Low")
    NORMAL = "normal", Text("一般", "Normal")
    HIGH = "high", Text("较高", "High")
    URGENT = "urgent", Text("紧急", "Urgent")


DATED_AHEAD = Q(created_at__lt=F("started_at")) | Q(submitted_at__lt=F("started_at"))
"""Visits that we saw or that were submitted before they began."""


class VisitPlan(models.Model):
    """A visit that is wanted of an enterprise between two days, perhaps of a named person, with a questionnaire."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    enterprise = models.ForeignKey(Enterprise, on_delete=models.PROTECT, related_name="plans", verbose_name="企业")
    person = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, blank=True, related_name="plans", verbose_name="走访人"
    )
    questionnaire = models.CharField("问卷", max_length=64, blank=True)
    due_from = models.DateField("开始日期")
    due_to = models.DateField("截止日期")
    state = models.CharField("状态", max_length=12, choices=PlanState.choices, default=PlanState.PLANNED)

    class Meta:
        ordering = ["due_to", "id"]
        verbose_name = verbose_name_plural = "走访计划"
        constraints = [
            models.CheckConstraint(name="visit_plans_end_after_they_start", condition=Q(due_to__gte=F("due_from")))
        ]


class Visit(Quick):
    """A visit as its author reported it. ``check_in`` is the phone's evidence as sent, ``distance_m`` how far it was.

    ``participants`` holds the ids of the people who took part; ``private`` ones live in their author's scope alone.
    """

    id = models.UUIDField(primary_key=True)
    enterprise = models.ForeignKey(
        Enterprise, on_delete=models.PROTECT, related_name="visits", verbose_name="企业", db_index=False
    )
    visit_plan = models.ForeignKey(
        VisitPlan, on_delete=models.SET_NULL, null=True, blank=True, related_name="visits", verbose_name="走访计划"
    )
    author = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="visits", verbose_name="填报人")
    mode = models.CharField("方式", max_length=10, choices=Mode.choices)
    started_at = models.DateTimeField("开始时间")
    ended_at = models.DateTimeField("结束时间", null=True, blank=True)
    participants = models.JSONField("参加人", default=list, blank=True)
    check_in = models.JSONField("签到", null=True, blank=True)
    distance_m = models.FloatField("签到距离(米)", null=True, blank=True)
    interviewee = models.CharField("受访人", max_length=200, blank=True)
    summary = models.TextField("小结", blank=True)
    status = models.CharField("状态", max_length=10, choices=VisitStatus.choices)
    private = models.BooleanField("不公开", default=False)
    review_comment = models.CharField("审核意见", max_length=1000, blank=True)
    created_at = models.DateTimeField("接收时间")
    submitted_at = models.DateTimeField("提交时间", null=True, blank=True)

    class Meta:
        ordering = ["-started_at", "id"]
        verbose_name = verbose_name_plural = "走访"
        indexes = [
            models.Index(fields=["started_at", "id"], name="visits_by_time"),
            models.Index(fields=["enterprise", "started_at"], name="visits_of_an_enterprise"),
            # the few whose phone's clock was ahead of ours
            models.Index(fields=["started_at"], condition=DATED_AHEAD, name="visits_dated_ahead"),
        ]


class JointParticipant(models.Model):
    """Somebody besides its author who took part in a visit: ``Visit.participants`` as rows, so that reports can count them."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="joint")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["visit", "person"], name="everybody_takes_part_in_a_visit_once")]


class Issue(Quick):
    """A problem found on the ground, as it stands now; how it got there is in its actions and segments.

    ``lead_code`` names whoever leads: a department's code, or a region's where the town itself leads (``lead_region``).
    In working days: ``limit`` is what the running segment was given, ``allowance`` that with its extension and pauses
    (``due`` is always ``allowance`` after ``dispatched_at``), ``paused_workdays`` what all pauses took.
    ``colour`` and ``level`` are the highest warning and escalation reached in the running segment.
    """

    id = models.UUIDField(primary_key=True)
    enterprise = models.ForeignKey(
        Enterprise, on_delete=models.PROTECT, related_name="issues", verbose_name="企业", db_index=False
    )
    region = models.ForeignKey(
        Region, on_delete=models.PROTECT, related_name="issues", verbose_name="镇街(园区)", db_index=False
    )
    visit = models.ForeignKey(
        Visit, on_delete=models.PROTECT, null=True, blank=True, related_name="issues", verbose_name="走访"
    )
    category = models.ForeignKey(
        IssueCategory,
        on_delete=models.PROTECT,
        to_field="code",
        related_name="issues",
        verbose_name="类别",
        db_index=False,
    )
    description = models.TextField("问题描述")
    severity = models.CharField("程度", max_length=10, choices=Severity.choices, default=Severity.NORMAL)
    workers_affected = models.PositiveIntegerField("涉及人数", null=True, blank=True)
    immediate_danger = models.BooleanField("现场即时危险", null=True, blank=True)
    special_equipment = models.BooleanField("特种设备", null=True, blank=True)
    confidential = models.BooleanField("保密", default=False)
    external_channel = models.CharField("其他渠道", max_length=40, blank=True)
    external_case_no = models.CharField("渠道编号", max_length=64, blank=True)
    occurred_at = models.DateTimeField("发生时间", null=True, blank=True)
    reporter = models.ForeignKey(
        Person,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reported_issues",
        verbose_name="上报人",
        db_index=False,
    )
    submitted_at = models.DateTimeField("上报时间")

    state = models.CharField("状态", max_length=16, choices=STATES)
    previous_state = models.CharField(max_length=16, blank=True, editable=False)
    lead_code = models.CharField("牵头", max_length=20, blank=True)
    lead = models.ForeignKey(
        Department, on_delete=models.PROTECT, null=True, blank=True, related_name="led_issues", verbose_name="牵头部门"
    )
    lead_region = models.ForeignKey(
        Region, on_delete=models.PROTECT, null=True, blank=True, related_name="led_issues", verbose_name="牵头镇街"
    )
    assists = models.JSONField("协办", default=list, blank=True)
    deadline_class = models.ForeignKey(
        DeadlineClass,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="时限类别",
        db_index=False,
    )
    limit = models.PositiveSmallIntegerField("时限(工作日)", default=0)
    allowance = models.PositiveSmallIntegerField("含延期与挂起(工作日)", default=0)
    dispatched_at = models.DateTimeField("派单时间", null=True, blank=True)
    acknowledge_due = models.DateTimeField("签收期限", null=True, blank=True)
    acknowledged_at = models.DateTimeField("签收时间", null=True, blank=True)
    first_response_due = models.DateTimeField("首次联系期限", null=True, blank=True)
    first_response_at = models.DateTimeField("首次联系时间", null=True, blank=True)
    due = models.DateTimeField("办理期限", null=True, blank=True)
    original_due = models.DateTimeField("原办理期限", null=True, blank=True)
    provisional_due = models.BooleanField("期限暂定", default=False)
    handler = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, blank=True, related_name="handled_issues", verbose_name="经办人"
    )
    replied_at = models.DateTimeField("反馈时间", null=True, blank=True)
    outcome = models.CharField("办理结果", max_length=12, blank=True)
    accepted_at = models.DateTimeField("审核时间", null=True, blank=True)
    review_due = models.DateTimeField("审核期限", null=True, blank=True)
    closed_at = models.DateTimeField("销号时间", null=True, blank=True)
    satisfaction = models.CharField("满意度", max_length=20, blank=True)
    solved = models.BooleanField("是否解决", null=True, blank=True)
    method = models.CharField("回访方式", max_length=10, blank=True)
    instant = models.BooleanField("即办", default=False)

    round = models.PositiveSmallIntegerField("轮次", default=1)
    reworks = models.PositiveSmallIntegerField("重办次数", default=0)
    segment = models.PositiveSmallIntegerField("派单段次", default=0)
    returns = models.JSONField("退单部门", default=list, blank=True)
    adjudicated = models.BooleanField("已裁定", default=False)
    extended = models.BooleanField("已延期", default=False)
    paused_workdays = models.PositiveSmallIntegerField("挂起工作日", default=0)
    colour = models.CharField("预警", max_length=6, default="none")
    level = models.PositiveSmallIntegerField("督办层级", default=0)
    routing_rule = models.ForeignKey(
        RoutingRule,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="派单规则",
        db_index=False,
    )
    routing_reason = models.JSONField("派单理由", null=True, blank=True)
    master = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged", verbose_name="主件"
    )
    updated_at = models.DateTimeField("更新时间")

    class Meta:
        ordering = ["due", "id"]
        verbose_name = verbose_name_plural = "问题"
        indexes = [
            models.Index(
                fields=["lead_code", "due", "id"], condition=~Q(state__in=ENDED_STATES), name="issues_on_a_desk"
            ),
            models.Index(fields=["due", "id"], condition=~Q(state__in=ENDED_STATES), name="issues_by_due_time"),
            models.Index(fields=["enterprise", "submitted_at"], name="issues_of_an_enterprise"),
            models.Index(fields=["region", "due", "id"], name="issues_of_a_region"),
            models.Index(fields=["submitted_at", "id"], name="issues_by_submission"),
            # with the id, so that a report finds out who reported the issue of a segment without looking at its row
            models.Index(fields=["reporter", "id"], name="issues_of_a_reporter"),
            models.Index(fields=["external_case_no"], condition=~Q(external_case_no=""), name="issues_by_case_number"),
            # what a report asks for: whatever happened to an issue between two moments
            # with the id, or PostgreSQL takes it for the better ordered one and walks it for the queue, ended issues and all
            models.Index(fields=["due", "id"], condition=Q(due__isnull=False), name="issues_that_fell_due"),
            models.Index(
                fields=["first_response_due"], condition=Q(first_response_due__isnull=False), name="issues_to_contact"
            ),
            models.Index(fields=["replied_at"], condition=Q(replied_at__isnull=False), name="issues_by_reply"),
            models.Index(fields=["closed_at"], condition=Q(closed_at__isnull=False), name="issues_by_closing"),
        ]
        constraints = [
            models.CheckConstraint(
                name="issues_with_a_department_know_when_they_are_due",
                condition=~Q(state__in=["dispatched", "in_progress", "return_pending", "suspended", "replied"])
                | Q(due__isnull=False, dispatched_at__isnull=False, deadline_class__isnull=False),
            ),
            models.CheckConstraint(
                name="closed_issues_know_when", condition=~Q(state="closed") | Q(closed_at__isnull=False)
            ),
            models.CheckConstraint(
                name="merged_issues_know_their_master", condition=~Q(state="merged") | Q(master__isnull=False)
            ),
        ]


class IssueAction(models.Model):
    """One thing that was done about an issue; never changed afterwards. ``party`` says as whom it was done."""

    id = models.UUIDField(primary_key=True)
    issue = models.ForeignKey(
        Issue, on_delete=models.PROTECT, related_name="actions", verbose_name="问题", db_index=False
    )
    action = models.CharField("操作", max_length=24)
    text = models.TextField("说明", blank=True)
    data = models.JSONField("内容", default=dict, blank=True)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    party = models.CharField("身份", max_length=30)
    from_state = models.CharField(max_length=16, blank=True)
    to_state = models.CharField(max_length=16)
    round = models.PositiveSmallIntegerField(default=1)
    claimed_at = models.DateTimeField("手机时间", null=True, blank=True)
    at = models.DateTimeField("时间")

    class Meta:
        ordering = ["at", "id"]
        verbose_name = verbose_name_plural = "办理记录"
        indexes = [models.Index(fields=["issue", "at"], name="actions_of_an_issue")]


class Segment(models.Model):
    """One dispatch of an issue to one lead, from its dispatch to its end; what acknowledgement is measured by.

    ``region`` and ``reporter`` are the issue's, which never change: reports group a million segments by them.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="segments", db_index=False)
    number = models.PositiveSmallIntegerField()
    round = models.PositiveSmallIntegerField()
    how = models.CharField(max_length=16)
    lead_code = models.CharField(max_length=20)
    lead = models.ForeignKey(Department, on_delete=models.PROTECT, null=True, related_name="+")
    lead_region = models.ForeignKey(Region, on_delete=models.PROTECT, null=True, related_name="+")
    region = models.ForeignKey(Region, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    reporter = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    deadline_class = models.ForeignKey(DeadlineClass, on_delete=models.PROTECT, related_name="+", db_index=False)
    dispatched_at = models.DateTimeField()
    acknowledge_due = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    due = models.DateTimeField()
    replied_at = models.DateTimeField(null=True)
    return_asked_at = models.DateTimeField(null=True)
    return_result = models.CharField(max_length=12, blank=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["issue", "number"]
        constraints = [models.UniqueConstraint(fields=["issue", "number"], name="segments_are_counted")]
        indexes = [
            models.Index(fields=["acknowledge_due"], name="segments_by_acknowledgement"),
            models.Index(fields=["dispatched_at"], name="segments_by_dispatch"),
        ]


class IssueAssist(models.Model):
    """A department or town that assists in a round, and its opinion once given."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="assisting", db_index=False)
    round = models.PositiveSmallIntegerField()
    code = models.CharField("协办", max_length=20)
    department = models.ForeignKey(Department, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    opinion_at = models.DateTimeField("意见时间", null=True)
    opinion = models.TextField("意见", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["issue", "round", "code"], name="one_assist_of_a_department_in_a_round")
        ]
        indexes = [models.Index(fields=["department", "issue"], name="issues_a_department_assists")]


class Extension(models.Model):
    """More time that the lead took, once, by the rules of the class."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="extensions")
    round = models.PositiveSmallIntegerField()
    workdays = models.PositiveSmallIntegerField()
    reason = models.CharField(max_length=1000)
    old_due = models.DateTimeField()
    new_due = models.DateTimeField()
    at = models.DateTimeField()


class Suspension(models.Model):
    """A pause: asked for, then running until ``until``, then ended with the working days it cost."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="suspensions")
    reason_code = models.CharField(max_length=40)
    document = models.UUIDField(null=True)
    until = models.DateField()
    state = models.CharField(max_length=8)
    asked_at = models.DateTimeField()
    since = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    workdays = models.PositiveSmallIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["issue"], condition=Q(state__in=["asked", "running"]), name="one_live_pause_of_an_issue"
            )
        ]
        indexes = [models.Index(fields=["until"], condition=Q(state="running"), name="running_pauses")]


class Supervision(models.Model):
    """One step of escalation: a warning, an urging, an order to the leader in charge, a talk, a conference item."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="supervisions")
    segment = models.PositiveSmallIntegerField()
    lead_code = models.CharField(max_length=20)
    level = models.PositiveSmallIntegerField("层级")
    card = models.CharField("牌", max_length=6, blank=True)
    cause = models.CharField("原因", max_length=24)
    reason = models.CharField("说明", max_length=1000, blank=True)
    leader = models.CharField("分管领导", max_length=50, blank=True)
    at = models.DateTimeField("时间")

    class Meta:
        ordering = ["at", "id"]
        verbose_name = verbose_name_plural = "督办"
        indexes = [models.Index(fields=["at"], name="supervisions_by_time")]
        constraints = [
            models.UniqueConstraint(
                fields=["issue", "segment", "cause"],
                condition=~Q(cause__in=["urged", "ordered", "talk", "refused_reply", "referred"]),
                name="each_cause_warns_once_a_segment",
            )
        ]


class ConferenceTask(models.Model):
    """What the joint conference decided about an issue: a task for a department, tracked until it is done."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    issue = models.ForeignKey(Issue, on_delete=models.CASCADE, related_name="tasks", verbose_name="问题")
    department = models.ForeignKey(Department, on_delete=models.PROTECT, related_name="tasks", verbose_name="部门")
    minutes = models.TextField("会议纪要")
    due = models.DateField("期限")
    decided_at = models.DateTimeField("议定时间")
    done_at = models.DateTimeField("完成时间", null=True, blank=True)
    warned = models.CharField("已提醒", max_length=8, blank=True, default="", db_default="")

    class Meta:
        ordering = ["due", "id"]
        verbose_name = verbose_name_plural = "联席会议任务"
        indexes = [models.Index(fields=["due"], condition=Q(done_at=None), name="tasks_that_wait")]
