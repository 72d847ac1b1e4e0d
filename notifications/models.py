"""The tables of messages, of the endpoints told about what happens, and of every delivery to them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.ids import uuid7
from core.texts import Text
from organizations.models import Person


class Reader(models.Model):
    """How far the outbox has been read: the journal's position, moved in the transaction that tells."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    position = models.BigIntegerField(default=0)
    digest_on = models.DateField(null=True)


class Message(models.Model):
    """One line in a person's inbox. ``id`` is made of the journal's entry and the person, so it is never there twice."""

    id = models.UUIDField(primary_key=True)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="messages", verbose_name="收件人")
    kind = models.CharField("类别", max_length=48)
    title = models.JSONField("标题")
    body = models.JSONField("内容")
    issue = models.UUIDField("问题", null=True)
    visit = models.UUIDField("走访", null=True)
    at = models.DateTimeField("时间")
    read_at = models.DateTimeField("已读时间", null=True)

    class Meta:
        ordering = ["-at", "id"]
        verbose_name = verbose_name_plural = "消息"
        indexes = [models.Index(fields=["person", "-at", "id"], name="messages_of_a_person")]


class Transport(models.TextChoices):
    WEBHOOK = "webhook", Text("Webhook(签名)", "Signed webhook")
    WECOM = "wecom", Text("企业微信群机器人", "WeCom group robot")


class Endpoint(models.Model):
    """Where events are sent. ``kinds`` are the events wanted (``*`` for all); disabled after failing for days."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    transport = models.CharField("方式", max_length=10, choices=Transport.choices, default=Transport.WEBHOOK)
    url = models.CharField("地址", max_length=500)
    secret = models.CharField("密钥", max_length=100)
    old_secret = models.CharField("旧密钥", max_length=100, blank=True)
    old_secret_until = models.DateTimeField("旧密钥有效至", null=True)
    kinds = models.JSONField("事件", default=list)
    description = models.CharField("说明", max_length=200, blank=True)
    active = models.BooleanField("启用", default=True)
    created_at = models.DateTimeField("创建时间")
    failing_since = models.DateTimeField("持续失败自", null=True)
    disabled_at = models.DateTimeField("停用时间", null=True)

    class Meta:
        ordering = ["created_at", "id"]
        verbose_name = verbose_name_plural = "Webhook"


class Delivery(models.Model):
    """One event on its way to one endpoint or one mail address; also the log of what came of it.

    ``event`` is the id the receiver sees: the same at every attempt and every replay. ``request`` names what caused it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, null=True, related_name="deliveries")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, null=True, related_name="+")
    event = models.UUIDField()
    kind = models.CharField(max_length=48)
    payload = models.JSONField()
    state = models.CharField(max_length=10, default="pending")
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    next_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    last_status = models.PositiveSmallIntegerField(null=True)
    last_error = models.CharField(max_length=200, blank=True)
    request = models.CharField(max_length=64, blank=True, default="", db_default="")

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint", "event"],
                condition=Q(endpoint__isnull=False),
                name="an_event_goes_once_to_an_endpoint",
            )
        ]
        indexes = [
            models.Index(fields=["next_at"], condition=Q(state="pending"), name="deliveries_that_wait"),
            models.Index(fields=["endpoint", "-created_at", "id"], name="deliveries_of_an_endpoint"),
        ]
