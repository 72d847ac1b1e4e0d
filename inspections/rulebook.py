"""The tables of what the office lays down: categories, classes of deadlines, routing, the calendar, channels, templates."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.ids import uuid7
from core.texts import Text


class DeadlineClass(models.Model):
    """How long issues of a class may take, in working days."""

    code = models.CharField("代码", max_length=4, primary_key=True)
    name = models.CharField("名称", max_length=50)
    acknowledge_workdays = models.PositiveSmallIntegerField("签收时限(工作日)")
    first_response_workdays = models.PositiveSmallIntegerField("首次联系时限(工作日)")
    resolve_workdays = models.PositiveSmallIntegerField("办理时限(工作日)")
    may_be_extended = models.BooleanField("允许延期")
    note = models.CharField("说明", max_length=200, blank=True)

    class Meta:
        ordering = ["code"]
        verbose_name = verbose_name_plural = "时限类别"

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class IssueCategory(models.Model):
    """What an issue is about, and who sees to it when no special rule applies. ``id`` is stable by code."""

    id = models.UUIDField(primary_key=True)
    code = models.CharField("代码", max_length=40, unique=True)
    number = models.PositiveSmallIntegerField("序号", default=0)
    name = models.CharField("名称", max_length=100)
    name_en = models.CharField("英文名称", max_length=100, blank=True)
    dimension = models.CharField("维度", max_length=20, blank=True)
    lead = models.CharField("牵头部门", max_length=20)
    assists = models.JSONField("协办部门", default=list, blank=True)
    deadline_class = models.ForeignKey(DeadlineClass, on_delete=models.PROTECT, verbose_name="时限类别")
    active = models.BooleanField("启用", default=True)

    class Meta:
        ordering = ["number", "code"]
        verbose_name = verbose_name_plural = "问题类别"

    def __str__(self) -> str:
        return self.name


class RoutingRule(models.Model):
    """One version of a rule: it counts from ``valid_from`` until ``ended_at``. A rule's versions share ``line``."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    line = models.UUIDField("规则", default=uuid7, db_index=True)
    version = models.PositiveIntegerField("版本", default=1)
    priority = models.PositiveIntegerField("序号")
    category = models.CharField("类别", max_length=40, default="*")
    place = models.CharField("地点", max_length=40, blank=True)
    when = models.CharField("条件", max_length=300, blank=True)
    lead = models.CharField("牵头", max_length=20, default="(category default)")
    add_assists = models.JSONField("增加协办", default=list, blank=True)
    deadline_class = models.CharField("时限类别", max_length=4, blank=True)
    why = models.CharField("理由", max_length=200, blank=True)
    valid_from = models.DateTimeField("生效时间")
    ended_at = models.DateTimeField("失效时间", null=True, blank=True)

    class Meta:
        ordering = ["priority", "line", "version"]
        verbose_name = verbose_name_plural = "派单规则"
        constraints = [
            models.UniqueConstraint(fields=["line", "version"], name="rule_versions_are_counted"),
            models.UniqueConstraint(
                fields=["line"], condition=Q(ended_at=None), name="one_version_of_a_rule_counts_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.priority} {self.category} → {self.lead}"


class CalendarYear(models.Model):
    """A year of the working calendar; ``official`` once the statutory calendar is published."""

    year = models.PositiveSmallIntegerField("年份", primary_key=True)
    official = models.BooleanField("已公布", default=False)
    source = models.CharField("依据", max_length=200, blank=True)
    imported_at = models.DateTimeField("导入时间", null=True, blank=True)

    class Meta:
        ordering = ["year"]
        verbose_name = verbose_name_plural = "日历年份"


class CalendarDay(models.Model):
    """A day that differs from plain Monday to Friday."""

    day = models.DateField("日期", primary_key=True)
    year = models.ForeignKey(CalendarYear, on_delete=models.CASCADE, related_name="days", verbose_name="年份")
    kind = models.CharField(
        "类别", max_length=6, choices=[("off", Text("放假", "Off")), ("makeup", Text("调休上班", "Make-up"))]
    )
    name = models.CharField("名称", max_length=50, blank=True)

    class Meta:
        ordering = ["day"]
        verbose_name = verbose_name_plural = "放假与调休"


class Channel(models.Model):
    """Another system that reports issues through us. ``code`` is the issue's ``external_channel``."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    code = models.CharField("代码", max_length=40, unique=True)
    name = models.CharField("名称", max_length=100)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    active = models.BooleanField("启用", default=True)
    created_at = models.DateTimeField("创建时间")

    class Meta:
        ordering = ["code"]
        verbose_name = verbose_name_plural = "外部渠道"

    def __str__(self) -> str:
        return self.name


class ReplyTemplate(models.Model):
    """A text that replies begin with; ``{names}`` in it are filled from the issue (``inspections.templates``).

    ``party`` is whose it is: a department's or a region's code; empty for the office's own, which everybody may use.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    party = models.CharField("所属", max_length=20, blank=True)
    title = models.CharField("名称", max_length=100)
    body = models.TextField("正文")
    outcome = models.CharField("办理结果", max_length=12, blank=True)
    category = models.CharField("问题类别", max_length=40, blank=True)
    active = models.BooleanField("启用", default=True)
    updated_at = models.DateTimeField("更新时间")

    class Meta:
        ordering = ["party", "title", "id"]
        verbose_name = verbose_name_plural = "答复模板"
        constraints = [
            models.UniqueConstraint(
                fields=["party", "title"], condition=Q(active=True), name="templates_of_a_party_have_names_of_their_own"
            )
        ]

    def __str__(self) -> str:
        return self.title
