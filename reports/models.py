"""What the office owns of reports: assessment schemes, entries by hand, and the snapshots it publishes.

Rows are written by ``reports.schemes`` and ``reports.snapshots`` and nowhere else. A scheme that has been
published and a snapshot that has been frozen never change again.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.ids import uuid7
from core.texts import Text
from organizations.models import Person, Region
from organizations.roles import Role


class SchemeState(models.TextChoices):
    DRAFT = "draft", Text("草稿", "Draft")
    PUBLISHED = "published", Text("已发布", "Published")


class SnapshotState(models.TextChoices):
    DRAFT = "draft", Text("征求意见", "Draft, open to objections")
    FROZEN = "frozen", Text("已冻结", "Frozen")


class CommissionState(models.TextChoices):
    WAITING = "waiting", Text("等待", "Waiting")
    RUNNING = "running", Text("生成中", "Being made")
    DONE = "done", Text("已完成", "Done")
    FAILED = "failed", Text("未完成", "Failed")


class Rhythm(models.TextChoices):
    WEEK = "week", Text("每周", "Weekly")
    MONTH = "month", Text("每月", "Monthly")
    QUARTER = "quarter", Text("每季", "Quarterly")
    YEAR = "year", Text("每年", "Yearly")


class Service(models.TextChoices):
    POLICY_RELEASE = "policy_release", Text("政策发布", "Policy release")
    CONSULTATION = "consultation", Text("咨询服务", "Consultation")


class CadenceRow(models.Model):
    """How often a role owes a visit: ``visits`` in every ``months`` months, for each enterprise or once a member."""

    role = models.CharField("角色", max_length=20, choices=Role.choices, primary_key=True)
    visits = models.PositiveSmallIntegerField("次数")
    months = models.PositiveSmallIntegerField("每几个月")
    each = models.CharField(
        "对象",
        max_length=12,
        choices=[("enterprise", Text("每家企业", "Each enterprise")), ("member", Text("每人", "Each member"))],
        default="enterprise",
    )

    class Meta:
        ordering = ["role"]
        verbose_name = verbose_name_plural = "走访频次"
        constraints = [
            models.CheckConstraint(condition=Q(months__in=[1, 2, 3, 4, 6, 12]), name="cadences_fit_into_a_year")
        ]

    def __str__(self) -> str:
        return Role(self.role).label


class Scheme(models.Model):
    """One version of an assessment scheme; ``items`` is the document that ``reports.assessment.read_scheme`` reads."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    code = models.CharField("编号", max_length=60)
    version = models.PositiveIntegerField("版本")
    title_zh = models.CharField("名称", max_length=200)
    title_en = models.CharField("英文名称", max_length=200)
    group_by = models.CharField("考核对象", max_length=30)
    items = models.JSONField("考核项")
    rank_small = models.BooleanField("小基数参加排名", default=False)
    state = models.CharField("状态", max_length=12, choices=SchemeState.choices, default=SchemeState.DRAFT)
    created_at = models.DateTimeField("创建时间")
    created_by = models.UUIDField("创建人", null=True)
    published_at = models.DateTimeField("发布时间", null=True)

    class Meta:
        ordering = ["code", "-version"]
        verbose_name = verbose_name_plural = "考核方案"
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="a_scheme_has_each_version_once"),
            models.CheckConstraint(
                condition=Q(state="draft", published_at=None) | Q(state="published", published_at__isnull=False),
                name="published_schemes_know_when",
            ),
        ]

    @property
    def title(self) -> Text:
        return Text(self.title_zh, self.title_en)

    def __str__(self) -> str:
        return f"{self.title_zh} {self.version}"


class Entry(models.Model):
    """What the office enters by hand for a unit: a mark, occasions of bonus or deduction, a veto, with its evidence.

    ``corrects`` names the frozen snapshot whose mistake this entry makes good in a later period.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    scheme_code = models.CharField("方案", max_length=60)
    item = models.CharField("考核项", max_length=60)
    unit = models.CharField("考核对象", max_length=100)
    period = models.CharField("期间", max_length=30)
    value = models.DecimalField("数值", max_digits=9, decimal_places=2)
    reason = models.CharField("事由", max_length=500)
    evidence = models.JSONField("依据")
    corrects = models.ForeignKey("Snapshot", on_delete=models.PROTECT, null=True, related_name="corrections")
    entered_at = models.DateTimeField("录入时间")
    entered_by = models.UUIDField("录入人", null=True)
    withdrawn_at = models.DateTimeField("撤回时间", null=True)

    class Meta:
        ordering = ["entered_at", "id"]
        verbose_name = verbose_name_plural = "考核加扣分"
        indexes = [models.Index(fields=["scheme_code", "period"], name="report_entry_of_period")]


class IdList(models.Model):
    """A set of record ids behind a number, kept once however many figures share it.

    ``digest`` is the SHA-256 of ``ids``: sixteen bytes an id, in ascending order.
    """

    digest = models.CharField(primary_key=True, max_length=64)
    ids = models.BinaryField()
    count = models.PositiveIntegerField()


class Snapshot(models.Model):
    """A report at one moment, put out for objections and then frozen.

    ``document`` holds everything said (figures, scheme, versions of calendar and rules, digests of the id lists),
    ``digest`` the SHA-256 of its canonical JSON. ``version`` counts drafts of the same report and period.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    kind = models.CharField("种类", max_length=20)
    period = models.CharField("期间", max_length=30)
    first_day = models.DateField("起")
    last_day = models.DateField("止")
    group_by = models.CharField("分组", max_length=30)
    scheme = models.ForeignKey(Scheme, on_delete=models.PROTECT, null=True, related_name="snapshots")
    version = models.PositiveIntegerField("版本")
    state = models.CharField("状态", max_length=10, choices=SnapshotState.choices, default=SnapshotState.DRAFT)
    document = models.JSONField("内容")
    digest = models.CharField("摘要", max_length=64)
    taken_at = models.DateTimeField("生成时间")
    taken_by = models.UUIDField("生成人", null=True)
    objections_until = models.DateTimeField("异议截止")
    frozen_at = models.DateTimeField("冻结时间", null=True)
    frozen_by = models.UUIDField("冻结人", null=True)

    class Meta:
        ordering = ["-last_day", "kind", "group_by", "-version"]
        verbose_name = verbose_name_plural = "报告快照"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "period", "group_by", "scheme", "version"], name="a_snapshot_has_each_version_once"
            ),
            # what has no scheme differs from its like in the eyes of the constraint above
            models.UniqueConstraint(
                fields=["kind", "period", "group_by", "version"],
                condition=Q(scheme=None),
                name="a_supervision_has_each_version_once",
            ),
            models.CheckConstraint(
                condition=Q(state="draft", frozen_at=None) | Q(state="frozen", frozen_at__isnull=False),
                name="frozen_snapshots_know_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.period} {self.version}"


class Layout(models.Model):
    """A document layout of the office's own (DOCX with our tags) in place of the one that ships."""

    name = models.CharField("名称", max_length=30, primary_key=True)
    content = models.BinaryField("文件")
    uploaded_at = models.DateTimeField("上传时间")
    uploaded_by = models.UUIDField("上传人", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "文书模板"


class Objection(models.Model):
    """What a unit says against a draft, and what the office answered."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    snapshot = models.ForeignKey(Snapshot, on_delete=models.CASCADE, related_name="objections")
    unit = models.CharField("单位", max_length=100)
    text = models.CharField("异议", max_length=2000)
    raised_at = models.DateTimeField("提出时间")
    raised_by = models.UUIDField("提出人", null=True)
    accepted = models.BooleanField("采纳", null=True)
    answer = models.CharField("答复", max_length=2000, blank=True)
    answered_at = models.DateTimeField("答复时间", null=True)
    answered_by = models.UUIDField("答复人", null=True)

    class Meta:
        ordering = ["raised_at", "id"]
        verbose_name = verbose_name_plural = "异议"
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_at=None, accepted=None) | Q(answered_at__isnull=False, accepted__isnull=False),
                name="answered_objections_know_when",
            )
        ]


class Commission(models.Model):
    """A report that somebody asked to have made in the background, and where the file lies when it is done.

    ``wanted`` is what ``reports.deliverables.Wanted`` keeps. ``reach`` is a digest of what the maker's rights let them
    see at that time: whoever has lost any of it does not get the file. ``request`` names the request that asked for it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="+", verbose_name="申请人")
    wanted = models.JSONField("内容")
    language = models.CharField("语言", max_length=10)
    state = models.CharField("状态", max_length=8, choices=CommissionState.choices, default=CommissionState.WAITING)
    progress = models.PositiveSmallIntegerField("进度", default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField("申请时间")
    leased_until = models.DateTimeField(null=True)
    done_at = models.DateTimeField("完成时间", null=True)
    refusal = models.JSONField("未完成原因", null=True)
    name = models.CharField("文件名", max_length=200, blank=True)
    media_type = models.CharField(max_length=100, blank=True)
    size = models.BigIntegerField("字节", null=True)
    digest = models.CharField(max_length=64, blank=True)
    reach = models.CharField(max_length=64, blank=True)
    request = models.CharField(max_length=64, blank=True, default="", db_default="")

    class Meta:
        ordering = ["-asked_at", "id"]
        verbose_name = verbose_name_plural = "报告任务"
        indexes = [
            models.Index(
                fields=["asked_at"], condition=Q(state__in=["waiting", "running"]), name="commissions_that_wait"
            ),
            models.Index(fields=["person", "-asked_at", "id"], name="commissions_of_a_person"),
        ]


class Mailing(models.Model):
    """A report that goes out by mail on the n-th working day after its period, to people who each get what they may see.

    ``sent_for`` is the last period it was sent for; ``people`` are ids of persons.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    title = models.CharField("名称", max_length=100)
    wanted = models.JSONField("内容")
    rhythm = models.CharField("周期", max_length=8, choices=Rhythm.choices)
    workday = models.PositiveSmallIntegerField("期后第几个工作日", default=1)
    hour = models.PositiveSmallIntegerField("几点", default=9)
    people = models.JSONField("收件人", default=list)
    active = models.BooleanField("启用", default=True)
    sent_for = models.CharField("最近一期", max_length=30, blank=True)
    sent_at = models.DateTimeField("最近发送", null=True)
    set_at = models.DateTimeField("设置时间")

    class Meta:
        ordering = ["title", "id"]
        verbose_name = verbose_name_plural = "定期报送"
        constraints = [
            models.CheckConstraint(
                condition=Q(workday__gte=1, workday__lte=20, hour__lte=23), name="mailings_go_out_on_a_day"
            )
        ]

    def __str__(self) -> str:
        return self.title


class BulletinNumber(models.Model):
    """The running number that the bulletin of a period got in its year; given once and never again."""

    period = models.CharField("期间", max_length=30, primary_key=True)
    year = models.PositiveSmallIntegerField("年份")
    number = models.PositiveSmallIntegerField("期号")
    given_at = models.DateTimeField("编号时间")

    class Meta:
        ordering = ["-year", "-number"]
        verbose_name = verbose_name_plural = "通报期号"
        constraints = [models.UniqueConstraint(fields=["year", "number"], name="bulletins_of_a_year_are_counted")]

    def __str__(self) -> str:
        return f"{self.period} {self.number}"


class LedgerLine(models.Model):
    """What a guidance station did besides taking in problems: a policy it released, a consultation it gave."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+", verbose_name="镇街（园区）")
    kind = models.CharField("类别", max_length=16, choices=Service.choices)
    day = models.DateField("日期")
    subject = models.CharField("事项", max_length=200)
    people = models.PositiveIntegerField("服务人次", default=0)
    note = models.CharField("说明", max_length=1000, blank=True)
    entered_at = models.DateTimeField("录入时间")
    entered_by = models.UUIDField("录入人", null=True)
    withdrawn_at = models.DateTimeField("撤回时间", null=True)

    class Meta:
        ordering = ["day", "id"]
        verbose_name = verbose_name_plural = "指导站台账"
        indexes = [models.Index(fields=["day", "id"], name="ledger_lines_by_day")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.day}"
