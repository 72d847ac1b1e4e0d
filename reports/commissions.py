"""Reports made in the background: asked for, taken by lease, made within the rights of whoever asked, kept for a week."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from shutil import copyfileobj
from tempfile import NamedTemporaryFile
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, QuerySet

from core.actors import Actor
from core.problems import Conflict, Forbidden, NotFound, Problem
from core.texts import EN, ZH, Text
from core.tracing import named, request_id
from journal import journal
from media.storage import storage
from organizations import permissions
from reports import deliverables
from reports.deliverables import File, Progress, Wanted
from reports.models import Commission, CommissionState
from reports.periods import day_of

log = logging.getLogger(__name__)
LEASE = timedelta(minutes=10)
ATTEMPTS = 3
KEPT = timedelta(days=7)
MOST_WAITING = 20
OPEN = (CommissionState.WAITING.value, CommissionState.RUNNING.value)


class NotReady(Conflict):
    """The file is not there yet, or will not come; the task itself says which."""

    kind = "not-ready"
    title = Text("报告尚未生成", "The report is not ready")


class Narrowed(Forbidden):
    """The caller no longer sees all that the file was made of."""

    kind = "rights-changed"
    title = Text("您的权限已变更，请重新申请", "Your rights have changed since; ask for the report again")


def ask(wanted: Wanted, *, by: Actor, at: datetime, language: str) -> Commission:
    """Have a report made. Raises Forbidden, Invalid for a form it does not come in, Conflict
    when too many wait already."""
    deliverables.check(wanted, by=by)
    if by.person is None:
        raise TypeError("a report is made for somebody")
    if of(by).filter(state__in=OPEN).count() >= MOST_WAITING:
        raise Conflict(Text("等待中的报告过多", "Too many reports are waiting"))
    with journal.unit(by=by, at=at):
        row = Commission.objects.create(
            person_id=by.person, wanted=wanted.kept(), language=language, asked_at=at, request=request_id.get()
        )
        journal.record([journal.Change("report.asked", "report-tasks", row.id, {"wanted": [None, row.wanted]})])
    return row


def of(by: Actor) -> QuerySet[Commission]:
    """The caller's own; nobody sees another's."""
    return Commission.objects.filter(person=by.person)


def make_due(*, at: datetime) -> int:
    """Make the next report that waits, or one whose maker died; gives how many were taken."""
    free = Q(leased_until=None) | Q(leased_until__lt=at)
    waiting = Commission.objects.filter(free, state__in=OPEN)
    key = waiting.order_by("asked_at").values_list("pk", flat=True).first()
    if key is None:
        return 0
    taken = waiting.filter(pk=key).update(
        state=CommissionState.RUNNING, leased_until=at + LEASE, attempts=F("attempts") + 1, progress=1
    )
    if taken:
        row = Commission.objects.get(pk=key)
        with named(row.request or request_id.get()):
            _make(row, at)
    return taken


def _make(row: Commission, at: datetime) -> None:
    if row.attempts > ATTEMPTS:
        _refuse(row, Problem(Text("多次尝试未能生成", "It could not be made, though it was tried again")), at)
        return
    by = permissions.caller(row.person_id, on=day_of(at), language=row.language)
    wanted = deliverables.read(row.wanted)
    try:
        sight = deliverables.check(wanted, by=by)
        with _told(row.id, at) as progress:
            file = deliverables.deliver(wanted, by=by, at=at, language=row.language, progress=progress)
    except Problem as problem:
        _refuse(row, problem, at)
        return
    with file.content:
        _keep(row.id, file)
    Commission.objects.filter(pk=row.pk).update(
        state=CommissionState.DONE,
        progress=100,
        leased_until=None,
        done_at=at,
        name=file.name,
        media_type=file.media_type,
        size=file.size,
        digest=file.tag,
        reach=deliverables.reach(sight),
    )
    log.info("report done", extra={"told": {"task": str(row.pk), "bytes": file.size}})


def _refuse(row: Commission, problem: Problem, at: datetime) -> None:
    told = {language: problem.told(language) for language in (ZH, EN)}
    Commission.objects.filter(pk=row.pk).update(
        state=CommissionState.FAILED, leased_until=None, done_at=at, refusal=told
    )
    log.info("report refused", extra={"told": {"task": str(row.pk), "problem": problem.kind}})


def _keep(key: UUID, file: File) -> None:
    with NamedTemporaryFile() as spool:
        copyfileobj(file.content, spool)
        spool.flush()
        storage().keep(_place(key), Path(spool.name), file.digest)


def _place(key: UUID) -> str:
    return f"reports/{key.hex[-2:]}/{key}"


@contextmanager
def _told(key: UUID, at: datetime) -> Iterator[Progress]:
    """Says how far a report has come while the moment it is read from is held open: by a connection of its own."""
    if connection.in_atomic_block:
        yield lambda percent: _note(key, percent)
        return
    beside = connection.copy()
    identifier = Commission._meta.pk.get_db_prep_value(key, connection)

    def tell(percent: int) -> None:
        with beside.cursor() as cursor:
            cursor.execute(
                _PROGRESS.format(connection.ops.quote_name(Commission._meta.db_table)), [percent, identifier]
            )

    try:
        yield tell
    finally:
        beside.close()


_PROGRESS = "UPDATE {} SET progress = %s WHERE id = %s"


def _note(key: UUID, percent: int) -> None:
    Commission.objects.filter(pk=key).update(progress=percent)


def result(key: UUID, *, by: Actor) -> Commission:
    """The finished task, if its file may go to the caller now. Raises NotFound, NotReady, Forbidden, Narrowed.

    Rights are looked at again: the verb, the form, and whether everything is still seen that the file was made of.
    """
    row = of(by).filter(pk=key).first()
    if row is None:
        raise NotFound
    sight = deliverables.check(deliverables.read(row.wanted), by=by)
    if row.state != CommissionState.DONE:
        raise NotReady(state=row.state)
    if deliverables.reach(sight) != row.reach:
        raise Narrowed
    return row


def content(row: Commission, start: int, end: int) -> Iterator[bytes]:
    """The bytes of a finished file."""
    return storage().read(_place(row.id), start, end)


def drop(key: UUID, *, by: Actor, at: datetime) -> None:
    """Give up a task and its file. Raises NotFound."""
    row = of(by).filter(pk=key).first()
    if row is None:
        raise NotFound
    with journal.unit(by=by, at=at):
        row.delete()
        journal.record([journal.Change("report.dropped", "report-tasks", key, {"state": [row.state, None]})])
    storage().remove(_place(key))


def sweep(*, at: datetime) -> int:
    """Forget files that were asked for long ago; gives how many."""
    old = list(Commission.objects.filter(asked_at__lt=at - KEPT).values_list("pk", flat=True)[:100])
    for key in old:
        storage().remove(_place(key))
    return Commission.objects.filter(pk__in=old).delete()[0]
