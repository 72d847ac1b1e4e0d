"""Photos, the bytes behind them, how the bytes arrive, and what the worker still has to do about them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.ids import uuid7
from core.texts import Text
from organizations.models import Enterprise, Person


class BytesState(models.TextChoices):
    """Where a photo's bytes are, as its phone reads it in ``bytes``."""

    AWAITING = "awaiting_bytes", Text("等待上传", "Awaiting its bytes")
    STORED = "stored", Text("已保存", "Stored")
    DAMAGED = "damaged", Text("已损坏,需重新上传", "Damaged, wanted again")


class PrintState(models.TextChoices):
    """Whether the smaller copies of a picture exist."""

    DUE = "due", Text("待生成", "To be made")
    MADE = "made", Text("已生成", "Made")
    REFUSED = "refused", Text("无法生成", "Cannot be made")


class Blob(models.Model):
    """One original, named by its digest and kept once however many photos show it. Never changed once stored.

    ``complete`` says whether the whole picture is in the file (None: nobody has looked): what was cut off before the phone
    took its digest is whole to every other test. ``likeness`` is the perceptual hash as a signed 64-bit number;
    ``band_0`` … ``band_3`` are its 16-bit parts.
    """

    sha256 = models.CharField("摘要", max_length=64, primary_key=True)
    size = models.PositiveBigIntegerField("字节数")
    content_type = models.CharField("类型", max_length=40)
    intact = models.BooleanField("完好", default=True)
    complete = models.BooleanField("画面完整", null=True)
    stored_at = models.DateTimeField("保存时间")
    verified_at = models.DateTimeField("核验时间")
    prints = models.CharField("缩略图", max_length=10, choices=PrintState.choices, default=PrintState.DUE)
    refusal = models.CharField("无法生成的原因", max_length=30, blank=True)
    width = models.PositiveIntegerField("宽", null=True)
    height = models.PositiveIntegerField("高", null=True)
    exif = models.JSONField("拍摄信息", null=True)
    likeness = models.BigIntegerField(null=True)
    band_0 = models.IntegerField(null=True)
    band_1 = models.IntegerField(null=True)
    band_2 = models.IntegerField(null=True)
    band_3 = models.IntegerField(null=True)

    class Meta:
        verbose_name = verbose_name_plural = "照片原件"
        indexes = [
            *(models.Index(fields=[f"band_{band}", "likeness"], name=f"blob_band_{band}") for band in range(4)),
            models.Index(fields=["verified_at"], name="blob_verified"),
        ]


class Photo(models.Model):
    """A photo as a person recorded it. What it shows is named by bare ids, for those records live on higher floors.

    ``private`` photos (of confidential issues and unannounced visits) live in the ``user`` scope of ``owner``.
    ``findings`` are stable codes with their particulars; ``likenesses`` name similar photos and are for the office alone.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    enterprise = models.ForeignKey(Enterprise, on_delete=models.PROTECT, related_name="photos", verbose_name="企业")
    author = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="photos", verbose_name="拍摄人")
    device = models.UUIDField("设备", null=True)
    private = models.BooleanField("限本人", default=False)
    owner = models.UUIDField("归属人")
    visit = models.UUIDField("走访", null=True, db_index=True)
    response = models.UUIDField("答卷", null=True, db_index=True)
    question = models.CharField("题目", max_length=200, null=True)  # noqa: DJ001 - null on the wire when absent
    issue = models.UUIDField("问题", null=True, db_index=True)
    issue_action = models.UUIDField("处理记录", null=True, db_index=True)
    taken_at = models.DateTimeField("拍摄时间")
    sha256 = models.CharField("摘要", max_length=64, db_index=True)
    size = models.PositiveBigIntegerField("字节数")
    content_type = models.CharField("类型", max_length=40)
    caption = models.CharField("说明", max_length=500, null=True)  # noqa: DJ001 - null on the wire when absent
    location = models.JSONField("位置", null=True)
    received_at = models.DateTimeField("收到时间")
    bytes = models.CharField("文件状态", max_length=14, choices=BytesState.choices, default=BytesState.AWAITING)
    findings = models.JSONField("核验提示", default=list)
    likenesses = models.JSONField("相似照片", default=list)
    code = models.CharField("校验码", max_length=12, unique=True)
    marked = models.CharField("水印版本", max_length=16, blank=True)

    class Meta:
        ordering = ["-received_at", "id"]
        verbose_name = verbose_name_plural = "照片"
        indexes = [
            models.Index(fields=["enterprise", "-received_at", "id"], name="photo_enterprise_received"),
            models.Index(fields=["author", "sha256"], name="photo_author_digest"),
            models.Index(fields=["received_at"], name="photo_awaiting", condition=Q(bytes="awaiting_bytes")),
        ]
        constraints = [
            models.CheckConstraint(
                name="photos_show_something",
                condition=Q(visit__isnull=False)
                | Q(response__isnull=False)
                | Q(issue__isnull=False)
                | Q(issue_action__isnull=False),
            ),
        ]


class UploadState(models.TextChoices):
    RECEIVING = "receiving", Text("接收中", "Receiving")
    STORED = "stored", Text("已保存", "Stored")
    DISCARDED = "discarded", Text("已作废", "Discarded")


class Upload(models.Model):
    """One tus upload. Its bytes lie in the spool until whole; a stored one tells for ever who delivered which digest.

    How much has arrived is the length of its spool file (``media.spool``), never a column.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    person = models.UUIDField()
    device = models.UUIDField(null=True)
    photo = models.UUIDField(db_index=True)
    sha256 = models.CharField(max_length=64)
    length = models.PositiveBigIntegerField()
    filename = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=UploadState.choices, default=UploadState.RECEIVING)
    reason = models.CharField(max_length=30, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    stored_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["person", "sha256", "state"], name="upload_person_digest"),
            models.Index(fields=["state", "expires_at"], name="upload_state_expires"),
        ]


class Orphan(models.Model):
    """An object that no row speaks of, and since when we know; it is cleared away after a time in which somebody may claim it."""

    key = models.CharField(max_length=200, primary_key=True)
    found_at = models.DateTimeField(db_index=True)


class DevelopmentKind(models.TextChoices):
    """``prints`` looks at an original and makes its smaller copies; ``evidence`` weighs one photo and marks a copy."""

    PRINTS = "prints", Text("生成缩略图", "Make prints")
    EVIDENCE = "evidence", Text("核验并加水印", "Weigh and mark")


class Development(models.Model):
    """A piece of work for the worker, claimed by a lease and done at most once at a time.

    ``leased_until`` in the past means that whoever held it is gone. ``request`` is the name of the request that ordered it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    kind = models.CharField(max_length=10, choices=DevelopmentKind.choices)
    blob = models.ForeignKey(Blob, on_delete=models.CASCADE, related_name="developments")
    photo = models.ForeignKey(Photo, on_delete=models.CASCADE, null=True, related_name="developments")
    due_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    done_at = models.DateTimeField(null=True)
    fault = models.CharField(max_length=300, blank=True)
    request = models.CharField(max_length=64, blank=True, default="", db_default="")

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="development_due", condition=Q(done_at=None))]
        constraints = [
            models.UniqueConstraint(fields=["blob"], condition=Q(photo=None), name="prints_of_a_blob_are_made_once"),
            models.UniqueConstraint(fields=["photo"], condition=~Q(photo=None), name="a_photo_is_weighed_by_one_row"),
        ]


class Link(models.Model):
    """One link of a device's chain of photo records: each carries the digest of the one before. Never changed.

    ``number`` counts from 1 without gaps; ``record`` is the digest of the photo record as first received.
    """

    id = models.BigAutoField(primary_key=True)
    device = models.UUIDField()
    number = models.PositiveIntegerField()
    photo = models.UUIDField(unique=True)
    record = models.CharField(max_length=64)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["device", "number"], name="links_of_a_device_are_numbered")]


class Root(models.Model):
    """One day's signed root over all links received that day (Asia/Shanghai), chained to the day before."""

    day = models.DateField(primary_key=True)
    links = models.PositiveIntegerField()
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    signature = models.CharField(max_length=128)
    key = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null in rows signed before keys had names
    signed_at = models.DateTimeField()
