"""The worker's list: what is to be done again and again, when it is due, and who is at it."""

from __future__ import annotations

from django.db import models


class Chore(models.Model):
    """One recurring chore. A worker that takes it holds a lease; one that died loses it when the lease runs out."""

    name = models.CharField("名称", primary_key=True, max_length=40)
    due_at = models.DateTimeField("下次执行", db_index=True)
    leased_until = models.DateTimeField("占用至", null=True)
    done_at = models.DateTimeField("上次完成", null=True)
    failure = models.TextField("上次失败", blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "后台任务"
