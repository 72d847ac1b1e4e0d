"""The tables of questionnaires and the answers to them. Rows are written by the verbs beside this module only."""

from __future__ import annotations

from typing import Any

import orjson
from django.db import models
from django.db.models import F, Q

from core.ids import uuid7
from core.texts import Text
from organizations.models import Device, Enterprise, Person
from organizations.roles import PilotTier, Role


class JSONText(models.TextField):
    """JSON that is only ever read whole: kept as text, so that writing and passing it on costs nothing twice."""

    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, *_: Any) -> Any:
        return None if value is None else orjson.loads(value)

    def to_python(self, value: Any) -> Any:
        return value

    def get_prep_value(self, value: Any) -> str | None:
        return None if value is None else dump(value)

    def value_to_string(self, obj: models.Model) -> str:
        return dump(self.value_from_object(obj))


def dump(value: Any) -> str:
    """JSON text as :class:`JSONText` keeps it."""
    return orjson.dumps(value).decode()


class VersionStatus(models.TextChoices):
    DRAFT = "draft", Text("草稿", "Draft")
    TEST = "test", Text("试填", "On trial")
    PUBLISHED = "published", Text("已发布", "Published")
    CLOSED = "closed", Text("已停用", "Closed")


class ResponseStatus(models.TextChoices):
    DRAFT = "draft", Text("草稿", "Draft")
    SUBMITTED = "submitted", Text("已提交", "Submitted")
    RETURNED = "returned", Text("退回修改", "Returned")
    ACCEPTED = "accepted", Text("已采纳", "Accepted")


class Questionnaire(models.Model):
    """A questionnaire through all its versions. ``code`` is the form id of its XLSForm."""

    code = models.CharField("编号", max_length=100, primary_key=True)
    title = models.CharField("名称", max_length=200)
    title_en = models.CharField("英文名称", max_length=200, blank=True)
    anonymous = models.BooleanField("匿名", default=False)
    created_at = models.DateTimeField("创建时间")

    class Meta:
        ordering = ["code"]
        verbose_name = verbose_name_plural = "问卷"

    def __str__(self) -> str:
        return f"{self.title}（{self.code}）"


class Version(models.Model):
    """One upload of a questionnaire. ``form`` is what phones hold, ``hash`` its SHA-256; a version never changes but in status.

    ``id`` is ``core.ids.stable("questionnaires", "<code>/<number>")``.
    """

    id = models.UUIDField(primary_key=True)
    questionnaire = models.ForeignKey(
        Questionnaire, on_delete=models.PROTECT, related_name="versions", verbose_name="问卷"
    )
    number = models.PositiveIntegerField("版本")
    status = models.CharField("状态", max_length=10, choices=VersionStatus.choices, default=VersionStatus.DRAFT)
    form = JSONText("表单")
    hash = models.CharField("摘要", max_length=64)
    xform = models.TextField("XForm")
    workbook = models.BinaryField("XLSX")
    warnings = models.JSONField("提示", default=list)
    created_at = models.DateTimeField("上传时间")
    created_by = models.UUIDField("上传人", null=True)
    published_at = models.DateTimeField("发布时间", null=True, blank=True)
    published_by = models.UUIDField("发布人", null=True, blank=True)
    closed_at = models.DateTimeField("停用时间", null=True, blank=True)

    class Meta:
        ordering = ["questionnaire", "-number"]
        verbose_name = verbose_name_plural = "问卷版本"
        constraints = [
            models.UniqueConstraint(fields=["questionnaire", "number"], name="a_version_number_is_used_once"),
            models.UniqueConstraint(
                fields=["questionnaire"],
                condition=Q(status=VersionStatus.PUBLISHED),
                name="one_version_of_a_questionnaire_is_published",
            ),
            models.CheckConstraint(
                name="published_versions_know_when",
                condition=~Q(status=VersionStatus.PUBLISHED) | Q(published_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.questionnaire_id}/{self.number}"


class Requirement(models.Model):
    """A visit by this role to an enterprise of this tier (empty: any) wants this questionnaire filled in."""

    questionnaire = models.ForeignKey(
        Questionnaire, on_delete=models.CASCADE, related_name="requirements", verbose_name="问卷"
    )
    role = models.CharField("角色", max_length=20, choices=Role.choices)
    pilot_tier = models.CharField("试点层级", max_length=12, choices=PilotTier.choices, blank=True)

    class Meta:
        ordering = ["role", "pilot_tier"]
        verbose_name = verbose_name_plural = "必填问卷"
        constraints = [
            models.UniqueConstraint(fields=["questionnaire", "role", "pilot_tier"], name="a_requirement_is_said_once")
        ]


class Response(models.Model):
    """The answers to one version of a questionnaire, as sent. ``visit`` is the id of a visit, a table further up.

    ``findings`` hold what the check found and let pass (warnings, rules it could not evaluate), ``scores`` 0 to 100 by
    dimension, ``comments`` what a review asks about single questions. An anonymous response has no author and no device.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    enterprise = models.ForeignKey(
        Enterprise, on_delete=models.PROTECT, related_name="responses", verbose_name="企业", db_index=False
    )
    visit = models.UUIDField("走访", null=True, blank=True)
    questionnaire = models.ForeignKey(
        Questionnaire, on_delete=models.PROTECT, related_name="responses", verbose_name="问卷", db_index=False
    )
    version = models.PositiveIntegerField("版本")
    author = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, blank=True, related_name="responses", verbose_name="填报人"
    )
    device = models.UUIDField("设备", null=True, blank=True)
    answers = JSONText("答案")
    status = models.CharField("状态", max_length=10, choices=ResponseStatus.choices)
    private = models.BooleanField("不公开", default=False)
    started_at = models.DateTimeField("开始时间")
    ended_at = models.DateTimeField("结束时间", null=True, blank=True)
    received_at = models.DateTimeField("接收时间")
    submitted_at = models.DateTimeField("提交时间", null=True, blank=True)
    findings = JSONText("核查结果", default=list)
    scores = JSONText("得分", default=dict)
    review_comment = models.CharField("审核意见", max_length=1000, blank=True)
    comments = JSONText("逐题意见", default=dict)

    class Meta:
        ordering = ["-received_at", "-id"]
        verbose_name = verbose_name_plural = "答卷"
        indexes = [
            models.Index(fields=["received_at", "id"], name="responses_by_time"),
            models.Index(fields=["visit", "status"], name="responses_of_a_visit"),
            models.Index(fields=["questionnaire", "received_at", "id"], name="responses_of_questionnaire"),
            models.Index(fields=["enterprise", "questionnaire", "received_at"], name="responses_of_enterprise"),
        ]
        constraints = [
            models.CheckConstraint(
                name="responses_end_after_they_start", condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at"))
            )
        ]


class Attendance(models.Model):
    """Somebody's part in a visit that counts, kept beside the visit because a year's report counts a million of them.

    One row for the author and each other participant of a visit that is on site, checked in, submitted, possible by its clock
    and has a submitted response. It follows from visit and responses alone; see :mod:`surveys.attendance`.
    """

    pk = models.CompositePrimaryKey("visit", "person")
    visit = models.UUIDField()
    person = models.UUIDField()
    enterprise = models.UUIDField()
    began = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["began", "person", "enterprise"], name="attendance_by_time")]


class PublicLink(models.Model):
    """The address behind an enterprise's QR code: whoever holds it may answer the questionnaire without a name.

    ``minute`` and ``taken_in_minute`` count how fast answers come, so that the answers need not tell when they came.
    """

    token = models.CharField("令牌", max_length=64, primary_key=True)
    questionnaire = models.ForeignKey(Questionnaire, on_delete=models.PROTECT, verbose_name="问卷")
    enterprise = models.ForeignKey(Enterprise, on_delete=models.CASCADE, verbose_name="企业")
    created_at = models.DateTimeField("创建时间")
    created_by = models.UUIDField("创建人", null=True)
    expires_at = models.DateTimeField("截止时间", null=True, blank=True)
    closed_at = models.DateTimeField("停用时间", null=True, blank=True)
    minute = models.DateTimeField(null=True, editable=False)
    taken_in_minute = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = "匿名问卷链接"


class CollectKey(models.Model):
    """What lets one ODK Collect in: an address with a secret in it, or HTTP Digest. Only digests of the secret are kept.

    ``nonce_at`` (microseconds since 1970) is the issuing time of the latest nonce used, ``nonce_count`` how often it was: what is
    not later than both was sent before.
    """

    device = models.OneToOneField(Device, on_delete=models.CASCADE, primary_key=True, related_name="collect_key")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="collect_keys")
    digest = models.CharField(max_length=64, unique=True)
    username = models.CharField(max_length=20, unique=True)
    ha1 = models.CharField(max_length=32)
    issued_at = models.DateTimeField()
    nonce_at = models.BigIntegerField(default=0, db_default=0)
    nonce_count = models.BigIntegerField(default=0, db_default=0)


class Submission(models.Model):
    """One instance as Collect brought it: the XML as it came, the files it speaks of and what became of each.

    ``aside`` counts the files that belong to no question; ``settled_at`` says when the office had looked at them.
    """

    instance = models.CharField("实例编号", primary_key=True, max_length=200)
    response = models.UUIDField("答卷", db_index=True)
    person = models.UUIDField("填报人")
    device = models.UUIDField("设备", null=True)
    xml = models.TextField("XML")
    digest = models.CharField(max_length=64)
    expected = JSONText(default=dict)
    received = JSONText(default=dict)
    superseded_by = models.CharField("后续修改", max_length=200, blank=True)
    at = models.DateTimeField("接收时间")
    aside = models.PositiveIntegerField("搁置文件", default=0, db_default=0)
    settled_at = models.DateTimeField("处理时间", null=True, blank=True)

    class Meta:
        ordering = ["-at", "instance"]
        verbose_name = verbose_name_plural = "ODK 提交"

    def __str__(self) -> str:
        return self.instance
