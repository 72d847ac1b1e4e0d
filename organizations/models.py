"""The tables of people, places and sessions. Rows are written by the verbs beside this module and nowhere else."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.db import models
from django.db.models import F, Q

from core.ids import uuid7
from core.texts import EN, ZH, Text
from organizations.roles import Designation, Ownership, PilotTier, RegionKind, Role, Size


class Region(models.Model):
    """A town, subdistrict or zone. ``id`` is ``core.ids.stable("regions", code)``: the same on every server."""

    id = models.UUIDField(primary_key=True)
    code = models.CharField("代码", max_length=20, unique=True)
    name = models.CharField("名称", max_length=100)
    name_en = models.CharField("英文名称", max_length=100, blank=True)
    kind = models.CharField("类别", max_length=10, choices=RegionKind.choices)
    aliases = models.JSONField("别名", default=list, blank=True)
    note = models.CharField("备注", max_length=300, blank=True)
    valid_from = models.DateField("生效日期", null=True, blank=True)
    valid_to = models.DateField("失效日期", null=True, blank=True)

    class Meta:
        ordering = ["code"]
        verbose_name = verbose_name_plural = "镇街（园区）"

    def __str__(self) -> str:
        return self.name


class Department(models.Model):
    """A member unit of the joint conference. ``id`` is ``core.ids.stable("departments", code)``."""

    id = models.UUIDField(primary_key=True)
    code = models.CharField("代码", max_length=20, unique=True)
    name = models.CharField("名称", max_length=100)
    name_en = models.CharField("英文名称", max_length=100, blank=True)
    duties = models.CharField("职责", max_length=500, blank=True)
    leader = models.CharField("分管领导", max_length=50, blank=True)
    active = models.BooleanField("启用", default=True)

    class Meta:
        ordering = ["code"]
        verbose_name = verbose_name_plural = "部门"

    def __str__(self) -> str:
        return self.name


class Enterprise(models.Model):
    """An enterprise that is visited. ``location`` is ``{"lat", "lon", "crs"}`` as it was measured, or null."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    name = models.CharField("名称", max_length=200)
    uscc = models.CharField("统一社会信用代码", max_length=18, null=True, blank=True, unique=True)
    uscc_override = models.CharField("校验不通过的说明", max_length=300, blank=True)
    region = models.ForeignKey(
        Region, on_delete=models.PROTECT, related_name="enterprises", verbose_name="镇街（园区）"
    )
    address = models.CharField("地址", max_length=300, blank=True)
    location = models.JSONField("位置", null=True, blank=True)
    industry = models.CharField("行业", max_length=60, blank=True, db_index=True)
    ownership = models.CharField("所有制", max_length=20, choices=Ownership.choices, blank=True)
    size = models.CharField("规模", max_length=10, choices=Size.choices, blank=True)
    employees = models.PositiveIntegerField("职工人数", null=True, blank=True)
    pilot_tier = models.CharField("试点层级", max_length=12, choices=PilotTier.choices, blank=True)
    designation_level = models.CharField("命名层级", max_length=12, choices=Designation.choices, blank=True)
    sample_cluster = models.CharField("样本集群", max_length=20, blank=True)
    industrial_park = models.CharField("特色园区", max_length=100, blank=True, db_index=True)
    brands = models.JSONField("品牌", default=list, blank=True)
    active = models.BooleanField("启用", default=True)

    class Meta:
        ordering = ["name", "id"]
        verbose_name = verbose_name_plural = "企业"
        indexes = [models.Index(fields=["region", "name"], name="enterprise_region_name")]

    def __str__(self) -> str:
        return self.name


class Person(AbstractBaseUser):
    """Somebody who signs in. ``department`` is the member unit somebody comes from; it gives no rights by itself."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    username = models.CharField("用户名", max_length=64, unique=True, validators=[UnicodeUsernameValidator()])
    name = models.CharField("姓名", max_length=50)
    phone = models.CharField("手机", max_length=30, blank=True)
    email = models.EmailField("邮箱", blank=True)
    department = models.ForeignKey(
        Department, on_delete=models.PROTECT, null=True, blank=True, related_name="people", verbose_name="所在单位"
    )
    language = models.CharField(
        "语言", max_length=10, default=ZH, choices=[(ZH, Text("简体中文", "Chinese")), (EN, "English")]
    )
    is_active = models.BooleanField("启用", default=True)
    password_changed_at = models.DateTimeField("密码修改时间", null=True, blank=True)
    created_at = models.DateTimeField("创建时间", null=True, blank=True, editable=False)
    password_expires_at = models.DateTimeField(null=True, editable=False)
    totp_secret = models.CharField(max_length=64, blank=True, editable=False)
    totp_step = models.BigIntegerField(default=0, editable=False)
    last_login = None
    is_staff = (
        True  # templates of the console ask; its gate is the site's own (console.use in the table of permissions)
    )

    objects = BaseUserManager()

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS = ["name"]

    class Meta:
        ordering = ["name", "id"]
        verbose_name = verbose_name_plural = "人员"

    def __str__(self) -> str:
        return f"{self.name}（{self.username}）"


class Assignment(models.Model):
    """A role held by a person over a place: one enterprise, one region, one department, or (none set) the whole city.

    It counts on the days ``starts_on`` … ``ends_on``, both included, unless it was revoked.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="assignments", verbose_name="人员")
    role = models.CharField("角色", max_length=20, choices=Role.choices)
    enterprise = models.ForeignKey(
        Enterprise, on_delete=models.CASCADE, null=True, blank=True, related_name="assignments", verbose_name="企业"
    )
    region = models.ForeignKey(
        Region, on_delete=models.CASCADE, null=True, blank=True, related_name="assignments", verbose_name="镇街（园区）"
    )
    department = models.ForeignKey(
        Department, on_delete=models.CASCADE, null=True, blank=True, related_name="assignments", verbose_name="部门"
    )
    starts_on = models.DateField("开始日期")
    ends_on = models.DateField("结束日期", null=True, blank=True)
    revoked_at = models.DateTimeField("撤销时间", null=True, blank=True)

    class Meta:
        ordering = ["person", "starts_on", "id"]
        verbose_name = verbose_name_plural = "分工"
        constraints = [
            models.CheckConstraint(
                name="assignments_have_at_most_one_place",
                condition=Q(enterprise=None, region=None)
                | Q(enterprise=None, department=None)
                | Q(region=None, department=None),
            ),
            models.CheckConstraint(
                name="assignments_end_after_they_start", condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} {Role(self.role).label}"


class Device(models.Model):
    """A phone bound to a person. ``hardware`` is the id the phone gave itself; ``id`` is that of the binding, and is the
    same for the first person who signs in there."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    hardware = models.UUIDField("设备标识", db_index=True)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="devices", verbose_name="人员")
    name = models.CharField("名称", max_length=100, blank=True)
    platform = models.CharField("平台", max_length=50, blank=True)
    app_version = models.CharField("应用版本", max_length=50, blank=True)
    bound_at = models.DateTimeField("绑定时间")
    enrolled_at = models.DateTimeField("注册码绑定时间", null=True, blank=True)
    last_seen_at = models.DateTimeField("最近在线", null=True, blank=True)
    last_push_at = models.DateTimeField("最近上报", null=True, blank=True)
    revoked_at = models.DateTimeField("注销时间", null=True, blank=True)

    class Meta:
        ordering = ["-bound_at", "id"]
        verbose_name = verbose_name_plural = "设备"
        constraints = [
            models.UniqueConstraint(fields=["hardware", "person"], name="a_device_is_bound_once_to_each_person")
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)


class Session(models.Model):
    """One sign-in at one device: the family of all refresh tokens that descend from it."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="sessions")
    started_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=30, blank=True)


class ConsoleSession(models.Model):
    """One sign-in at the console, which a browser's session names."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="console_sessions")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=30, blank=True)


class RefreshToken(models.Model):
    """One refresh token. ``id`` is its ``jti``. ``used_at`` is set once, by the request that rotated it."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="tokens")
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)
    successor = models.OneToOneField("self", on_delete=models.SET_NULL, null=True, related_name="predecessor")


class Enrollment(models.Model):
    """A single-use code that signs a phone in as ``person``; only its digest is kept."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="enrollments")
    digest = models.CharField(max_length=64, unique=True)
    issued_by = models.UUIDField(null=True)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class Lockout(models.Model):
    """Failed sign-ins counted for one key: a digest of the user name, and of the device when it is a known one."""

    key = models.CharField(primary_key=True, max_length=64)
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()
    locked_until = models.DateTimeField(null=True)
