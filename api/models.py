"""What the HTTP floor itself must remember: answers given under an idempotency key."""

from __future__ import annotations

from django.db import models


class KeptAnswer(models.Model):
    """The answer to a POST, kept with its effect in one transaction, so that a retry gets it again."""

    person = models.UUIDField()
    key = models.CharField(max_length=128)
    request = models.CharField(max_length=64)
    """A digest of method, path and body: the same key with another request is refused."""
    claim = models.UUIDField()
    status = models.SmallIntegerField(default=0)
    body = models.TextField(default="")
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "key"], name="one_answer_for_person_and_key")]
