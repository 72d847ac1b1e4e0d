"""Where a page of a pull ends, and that nothing is lost or told twice at its edge."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import orjson
import pytest

from core.ids import uuid7
from journal import counter
from sync import scopes
from sync.cursors import Cursor
from sync.walk import Page, Walk
from tests.sync.toys import Phone, give, person, take

pytestmark = pytest.mark.django_db
A, B, C = uuid4(), uuid4(), uuid4()


@pytest.fixture
def li() -> Phone:
    return Phone(person("li", A))


def note(phone: Phone, enterprise: UUID = A, title: str = "标题") -> str:
    record = str(uuid7())
    (result,) = phone.push(phone.put(record, enterprise=str(enterprise), title=title))
    assert result["status"] == "applied", result
    return record


def test_a_page_ends_before_a_megabyte_unless_one_row_is_larger(li: Phone) -> None:
    li.push(*(li.put(uuid7(), enterprise=str(A), title="长" * 20_000, text=str(number)) for number in range(40)))
    huge = note(li, title="大" * 400_000)
    pages = [len(page) for page in whole(li)]
    assert len(pages) == 5  # after the row that is larger comes the end
    assert sorted(pages)[-2] < 1_000_000 < max(pages)
    assert li.pull().row(huge) is not None
    assert len(li.rows) == 41


def whole(phone: Phone) -> Iterator[bytes]:
    """The pages of a first sync as they are sent."""
    while True:
        page = phone.page(limit=1000)
        yield orjson.dumps(page)
        phone.cursor = page["cursor"]
        if page["complete"]:
            phone.cursor = None
            return


def test_the_same_operations_come_however_few_bytes_a_page_takes(li: Phone) -> None:
    note(li)
    head = counter.feed()
    give(li.person, B, C)
    take(li.person, C)
    for enterprise in (A, A, B, B):
        note(li, enterprise)

    def told(most: int) -> list[bytes]:
        cursor, ops, complete = Cursor(head.epoch, head.version, head.version), [], False
        while not complete:
            step = Walk(cursor, counter.feed().version, scopes.holdings(li.person.id), Page(1000, most))
            complete, cursor = step.run(), step.cursor
            ops += step.page.ops
        return ops

    whole_story = told(1_000_000)
    assert [orjson.loads(op)["op"] for op in whole_story] == ["scope_reset", "drop_scope", *["put"] * 4]
    for most in (1, 50, 70, 200, 300, 500):
        assert told(most) == whole_story
