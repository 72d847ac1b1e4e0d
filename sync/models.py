"""What a push leaves behind beside the records it changed: answers, the quarantine and the conflicts."""

from __future__ import annotations

from django.db import models

from core.ids import uuid7
from core.texts import Text


class Mutation(models.Model):
    """The stored answer to one mutation of one device, kept for the device's life.

    ``content`` is the digest of what was asked (collection, record, op, base, data); ``answer`` the exact JSON text of
    the result, empty where the status and the revision say it all. Other content under the same id was refused; that answer
    is stored under an id made of both.
    """

    pk = models.CompositePrimaryKey("device", "mutation")
    device = models.UUIDField()
    mutation = models.UUIDField()
    content = models.CharField(max_length=32)
    revision = models.IntegerField(null=True)
    received_at = models.DateTimeField()
    answer = models.TextField()


class QuarantineState(models.TextChoices):
    WAITING = "waiting", Text("待处理", "Waiting")
    APPLIED = "applied", Text("已应用", "Applied")
    SUPERSEDED = "superseded", Text("已被取代", "Superseded")
    DISMISSED = "dismissed", Text("已驳回", "Dismissed")


class Quarantined(models.Model):
    """A mutation that could not be applied, kept whole: who sent what, why it waits, and what became of it."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    person = models.UUIDField(db_index=True)
    device = models.UUIDField()
    mutation = models.UUIDField(null=True)
    collection = models.CharField("集合", max_length=64, blank=True)
    record = models.UUIDField("记录", null=True, db_index=True)
    payload = models.TextField("原文")
    epoch = models.CharField(max_length=40, blank=True)
    problem = models.JSONField("原因")
    blocked_by = models.JSONField("等待的记录", default=list)
    state = models.CharField("状态", max_length=12, choices=QuarantineState.choices, default=QuarantineState.WAITING)
    trace = models.TextField(blank=True)
    received_at = models.DateTimeField("收到时间")
    settled_at = models.DateTimeField("处理时间", null=True)
    settled_by = models.UUIDField(null=True)
    reason = models.TextField("说明", blank=True)
    revision = models.IntegerField(null=True)

    class Meta:
        verbose_name = verbose_name_plural = "隔离区"
        indexes = [models.Index(fields=["state", "received_at"], name="quarantine_desk")]


class Blockage(models.Model):
    """A quarantined mutation waits for a record: looked up when that record arrives."""

    record = models.UUIDField(db_index=True)
    quarantined = models.ForeignKey(Quarantined, on_delete=models.CASCADE, related_name="blockages")


class ConflictState(models.TextChoices):
    OPEN = "open", Text("待选择", "Open")
    KEPT = "kept", Text("保留原值", "Kept")
    YOURS = "yours", Text("采用新值", "Yours taken")


class FieldConflict(models.Model):
    """Two values of one field: the one that stands and the newcomer that a person may still choose.

    ``field`` is empty where a deletion met a change; then ``yours`` is null and ``kept`` is null.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    person = models.UUIDField(db_index=True)
    device = models.UUIDField(null=True)
    mutation = models.UUIDField(null=True)
    collection = models.CharField("集合", max_length=24)
    record = models.UUIDField("记录", db_index=True)
    field = models.CharField("字段", max_length=64, blank=True)
    yours = models.JSONField("新值", null=True)
    kept = models.JSONField("现值", null=True)
    kept_revision = models.IntegerField("现值版次")
    state = models.CharField("状态", max_length=8, choices=ConflictState.choices, default=ConflictState.OPEN)
    noticed_at = models.DateTimeField("发现时间")
    settled_at = models.DateTimeField("处理时间", null=True)
    settled_by = models.UUIDField(null=True)

    class Meta:
        verbose_name = verbose_name_plural = "冲突"
