"""The server dies at every single statement of a push, once each; the phone sends again, and nobody can tell the difference.

    python -m tests.sync.crashpoints --engine=postgres

The batch is a bit of everything: creations, a chain of edits, a conflict, a merge, a deletion, poison, a child whose parent comes
later, one whose parent comes now, a repeated mutation, a choice at a desk. For each statement: the server dies there (its
transaction is gone), or the database refuses once (the server tries again by itself), or the answer is lost after the commit. Then
the same bytes are sent again. The answers and everything that is left must be those of an undisturbed push.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from tests.sync import ground

A, B = UUID(int=0xA), UUID(int=0xB)


def prepare() -> tuple[Any, bytes]:
    """A world with some history, and the bytes of the batch that a phone is about to send."""
    import orjson

    from sync.models import FieldConflict
    from tests.sync import toys
    from tests.sync.toys import Phone

    li, wang = Phone(toys.person("li", A, B)), Phone(toys.person("wang", A))
    number = iter(range(1, 100))

    def name() -> str:
        return str(UUID(int=0x1000 + next(number)))

    fought, merged, doomed, parent, waiting = (name() for _ in range(5))
    place = {"enterprise": str(A)}
    li.push(*(li.put(one, **place, title="一", text="一") for one in (fought, merged, doomed)))
    li.push(li.put(waiting, **place, title="等", note=parent), li.put(waiting, text="等着"))
    li.pull()
    wang.pull()
    wang.push(wang.put(fought, 1, text="王"), wang.put(merged, 1, text="王"))
    li.push(li.put(fought, 1, text="早"))
    clash = FieldConflict.objects.get()
    repeated = li.put(name(), **place, title="重")
    li.push(repeated)
    fresh, orphan = name(), name()
    batch = [
        repeated,
        li.put(fresh, **place, title="新"),
        li.put(fresh, text="改"),
        li.put(fresh, text="再改", private=True),
        li.put(fought, 1, title="李", text="李"),
        li.put(merged, 1, title="李"),
        li.put(doomed, 1) | {"op": "delete", "data": None},
        li.put(name(), **place),
        li.put(name(), **place, title="坏", text="explode"),
        li.put(orphan, **place, title="孤", note=name()),
        li.put(parent, **place, title="父"),
        li.put(merged, 1, enterprise=str(B)),
        li.put(clash.id, 1, collection="conflicts", resolution="yours"),
        li.put(fresh, colour="red"),
    ]
    body = {"sent_at": li.now.isoformat(), "schema": 1, "epoch": li.epoch, "mutations": batch}
    return li, orjson.dumps(body)


def remains() -> dict[str, Any]:
    """All that a push leaves, without the numbers that are drawn by lot."""
    import orjson

    from journal import upkeep
    from journal.models import Entry, Head
    from sync.models import Blockage, FieldConflict, Mutation, Quarantined

    heads = Head.objects.filter(collection="notes").order_by("record", "scope__name")
    columns = ("record", "scope__name", "revision", "deleted", "hash", "version")
    return {
        "entries": sorted(map(repr, Entry.objects.values_list("version", "verb", "revision", "mutation", "changes"))),
        "heads": list(heads.values_list(*columns)),
        "documents": [orjson.loads(text) for text in heads.values_list("document", flat=True)],
        "answers": sorted(map(repr, Mutation.objects.values_list("mutation", "content", "revision", "answer"))),
        "quarantine": sorted(map(repr, Quarantined.objects.values_list("mutation", "state", "payload", "revision"))),
        "waiting for": sorted(map(repr, Blockage.objects.values_list("record", "quarantined__mutation"))),
        "conflicts": sorted(map(repr, FieldConflict.objects.values_list("mutation", "field", "state"))),
        "findings": [str(one) for one in upkeep.check()],
    }


class _Watch:
    """Counts statements, and raises at one of them."""

    def __init__(self, at: int = 0, error: BaseException | None = None) -> None:
        self.seen, self.at, self.error = 0, at, error
        self.statement = ""

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        self.seen += 1
        if self.seen == self.at and self.error is not None:
            self.statement = sql[:60]
            raise self.error
        return execute(sql, params, many, context)


@contextmanager
def watched(watch: _Watch) -> Iterator[None]:
    from django.db import connection

    with connection.execute_wrapper(watch):
        yield


def run(*, step: int = 1) -> tuple[Counter[str], list[str]]:
    """Try every ``step``-th statement; gives figures and what differed."""
    import orjson
    from django.db import OperationalError, transaction

    from sync import envelope
    from sync import push as pushing
    from tests.sync import toys
    from tests.sync.world import Crash

    phone, body = prepare()
    start = ground.picture()

    def push() -> bytes:
        answer = pushing.push(envelope.read(body), by=phone.by, at=phone.now, operations=toys.OPERATIONS)
        return orjson.dumps(orjson.loads(answer)["results"])

    count = _Watch()
    with watched(count):
        wanted = push()
    left = remains()
    figures, wrong = Counter({"statements": count.seen}), []

    def compare(kind: str, where: str, answer: bytes) -> None:
        figures[kind] += 1
        if answer != wanted:
            wrong.append(f"{kind} at {where}: another answer: {answer.decode()}")
        now = remains()
        wrong.extend(f"{kind} at {where}: other {key}: {now[key]}" for key in left if now[key] != left[key])

    for number in range(1, count.seen + 1, step):
        for kind, error in (("died", Crash()), ("refused", OperationalError("deadlock detected"))):
            with transaction.atomic():
                ground.bring_back(start)
            watch = _Watch(number, error)
            try:
                with watched(watch):
                    push()
            except Crash:
                pass
            compare(kind, f"{number} {watch.statement}", push())
    with transaction.atomic():
        ground.bring_back(start)
    push()
    compare("answer lost", "the end", push())
    return figures, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--step", type=int, default=1)
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    with ground.stand(asked.engine):
        ground.hurry()
        figures, wrong = run(step=asked.step)
    print("\n".join(wrong[:20]))
    told = "  ".join(f"{name.replace(' ', '_')}={value}" for name, value in figures.items())
    print(f"engine={asked.engine}  {told}  differing={len(wrong)}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
