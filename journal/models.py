"""What happened, in order: units (one a transaction), entries (one a change), heads (one a record and scope).

Rows here are written by ``journal.journal`` alone. Positions (``version``) follow commit order, because each
unit takes its position from the one feed row as the last thing it does before it commits.
"""

from __future__ import annotations

from django.db import models


class Feed(models.Model):
    """The single counter row: the last position given out, the chain's last digest, and the server's epoch.

    ``stamp`` is the digest at the last unit that changed what records are judged by (rules, calendar, forms …).
    ``floor`` is the position below which tombstones may be gone; ``durable_until`` the time up to which what
    was received lies in a backup. ``told_until`` is what devices that still stand in an earlier epoch are told instead: the
    earliest such time at any restore, for what they were told before may not be in the backup that was restored.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    version = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, default="")
    epoch = models.CharField(max_length=40)
    floor = models.BigIntegerField(default=0)
    stamp = models.CharField(max_length=64, default="", db_default="")
    durable_until = models.DateTimeField(null=True)
    told_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="there_is_one_feed")]


class Unit(models.Model):
    """One accepted transaction: its position, when, by whom, and the link of the audit chain.

    ``request`` names the request, or the worker's run, that wrote it; units from before it was kept have none.
    """

    version = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    person = models.UUIDField(null=True)
    device = models.UUIDField(null=True)
    entries = models.IntegerField()
    digest = models.CharField(max_length=64)
    request = models.CharField(max_length=64, default="", db_default="")


class Entry(models.Model):
    """One change of one record, for ever: who, when claimed and received, which fields from what to what.

    ``changes`` is the exact JSON text ``{field: [old, new]}`` over which ``digest`` was taken.
    """

    id = models.BigAutoField(primary_key=True)
    version = models.BigIntegerField(db_index=True)
    verb = models.CharField(max_length=48)
    collection = models.CharField(max_length=24)
    record = models.UUIDField()
    revision = models.IntegerField(null=True)
    person = models.UUIDField(null=True, db_index=True)
    device = models.UUIDField(null=True)
    mutation = models.UUIDField(null=True)
    claimed_at = models.DateTimeField(null=True)
    at = models.DateTimeField()
    changes = models.TextField()
    digest = models.CharField(max_length=32)

    class Meta:
        indexes = [models.Index(fields=["record", "revision"], name="journal_entry_of_record")]


class Scope(models.Model):
    """A circle of holders (``shared``, ``user:<id>``, ``enterprise:<id>``) and what its live records add up to.

    ``digest`` is the sum modulo 2^64 of the live heads' hashes, as sixteen hex digits.
    """

    name = models.CharField(max_length=48, unique=True)
    version = models.BigIntegerField(default=0)
    count = models.IntegerField(default=0)
    digest = models.CharField(max_length=16, default="0" * 16)


class Head(models.Model):
    """The present state of a record in a scope: its rendered document, or the mark that it left or was deleted."""

    pk = models.CompositePrimaryKey("record", "collection", "scope")
    record = models.UUIDField()
    collection = models.CharField(max_length=24)
    scope = models.ForeignKey(Scope, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    version = models.BigIntegerField()
    revision = models.IntegerField()
    deleted = models.BooleanField()
    hash = models.CharField(max_length=16)
    document = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["scope", "version", "collection", "record"], name="journal_head_feed")]


class Grant(models.Model):
    """Who may hold which scope, and since which position; ``live`` is False once it was taken away."""

    person = models.UUIDField()
    scope = models.ForeignKey(Scope, on_delete=models.PROTECT, db_constraint=False)
    version = models.BigIntegerField()
    live = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["person", "scope"], name="one_grant_for_person_and_scope")]
