"""What people ask about their own data, and how long the office keeps what."""

from __future__ import annotations

from django.db import models

from core.ids import uuid7
from core.texts import Text
from organizations.models import Person


class Kind(models.TextChoices):
    ACCESS = "access", Text("查阅、复制", "Access")
    CORRECTION = "correction", Text("更正", "Correction")
    ERASURE = "erasure", Text("删除", "Erasure")


class RequestState(models.TextChoices):
    OPEN = "open", Text("待处理", "Open")
    GRANTED = "granted", Text("已办理", "Granted")
    REFUSED = "refused", Text("不予办理", "Refused")


class Request(models.Model):
    """A person's wish about their own data. ``wanted`` holds the corrected fields; ``due_on`` is the last day to answer."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    kind = models.CharField("事项", max_length=10, choices=Kind.choices)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="privacy_requests", verbose_name="本人")
    reason = models.CharField("说明", max_length=1000, blank=True)
    wanted = models.JSONField("更正内容", default=dict)
    asked_at = models.DateTimeField("提出时间")
    asked_by = models.UUIDField("登记人", null=True)
    due_on = models.DateField("答复期限")
    state = models.CharField("状态", max_length=8, choices=RequestState.choices, default=RequestState.OPEN)
    answer = models.CharField("答复", max_length=1000, blank=True)
    settled_at = models.DateTimeField("办理时间", null=True)
    settled_by = models.UUIDField("办理人", null=True)

    class Meta:
        ordering = ["-asked_at", "id"]
        verbose_name = verbose_name_plural = "个人信息申请"
        constraints = [
            models.CheckConstraint(
                name="settled_requests_know_when", condition=models.Q(state="open") | models.Q(settled_at__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"


class Period(models.Model):
    """The office's own number of days for a category of the register, in place of the one that ships."""

    category = models.CharField("类别", max_length=40, primary_key=True)
    days = models.PositiveIntegerField("保存天数")

    class Meta:
        verbose_name = verbose_name_plural = "保存期限"
