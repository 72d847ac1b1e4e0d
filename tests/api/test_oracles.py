"""Row 45: no filter, order, count, reference or written field tells or changes what the caller may not see."""

from __future__ import annotations

import base64

import orjson
import pytest

from organizations.models import Enterprise, Person
from tests.api.line import Line

CONTACT = {"phone": "13800000000", "email": "secret@example.com"}


def results(answer):
    assert answer.status_code == 200, answer.content
    return answer.data["results"]


@pytest.mark.parametrize("query", ["q=纺织", "region=320281105", "active=true&q=纺织", "q=91350100M000100Y43"])
def test_row_45_filters_find_nothing_outside(cast, query):
    Line(cast.office).patch(f"enterprises/{cast.mill.id}", {"uscc": "91350100M000100Y43"})
    assert results(Line(cast.liaison).get(f"enterprises?{query}")) == []


def test_row_45_a_crafted_cursor_opens_nothing(cast):
    before_all = base64.urlsafe_b64encode(orjson.dumps(["", "00000000-0000-0000-0000-000000000000"])).decode()
    found = results(Line(cast.liaison).get(f"enterprises?cursor={before_all}"))
    assert [row["id"] for row in found] == [str(cast.bakery.id)]


@pytest.mark.parametrize("query", ["phone=13800000000", "email=secret", "username=office", "ordering=phone", "q=138"])
def test_row_45_people_are_not_found_by_what_one_may_not_know(cast, query):
    Line(cast.office).patch(f"users/{cast.town.id}", CONTACT)
    answer = Line(cast.liaison).get(f"users?{query}")
    assert answer.status_code == 422 or results(answer) == []


def test_people_are_found_by_whatever_the_caller_may_read_of_them(cast):
    office = Line(cast.office)
    office.patch(f"users/{cast.town.id}", CONTACT)
    for words in ("Town", "town", "138000", "secret@"):
        assert str(cast.town.id) in {row["id"] for row in results(office.get(f"users?q={words}"))}, words
    assert [row["id"] for row in results(Line(cast.town).get("users?q=138000"))] == [str(cast.town.id)]


def test_row_45_contacts_cross_the_wire_to_nobody_but_office_and_owner(cast):
    Line(cast.office).patch(f"users/{cast.town.id}", CONTACT)
    for person in (cast.liaison, cast.observer, cast.handler, cast.auditor, cast.outsider):
        line = Line(person)
        for path in ("users", f"users/{cast.town.id}", "assignments", "me", f"assignments?person={cast.town.id}"):
            assert b"13800000000" not in line.get(path).content, (person.username, path)
    assert b"13800000000" in Line(cast.town).get("me").content


def test_row_45_assignments_of_strangers_are_not_counted_or_listed(cast):
    for query in (f"person={cast.outsider.id}", f"enterprise={cast.mill.id}", "region=320281105"):
        assert results(Line(cast.liaison).get(f"assignments?{query}")) == []


@pytest.mark.parametrize(
    "body", [{"role": "office"}, {"is_staff": True}, {"username": "office"}, {"roles": ["office"]}, {"id": "x"}]
)
def test_row_51_nobody_promotes_themselves(cast, body):
    before = Person.objects.get(pk=cast.liaison.id).__dict__
    assert Line(cast.liaison).patch("me", body).status_code == 422
    after = Person.objects.get(pk=cast.liaison.id).__dict__
    assert {**before, "_state": None} == {**after, "_state": None}


def test_row_45_a_refused_write_changes_nothing(cast):
    before = list(Enterprise.objects.order_by("id").values())
    for person in (cast.liaison, cast.town, cast.handler, cast.auditor):
        line = Line(person)
        for row in (cast.bakery, cast.mill):
            assert line.patch(f"enterprises/{row.id}", {"name": "改名"}).status_code in (403, 404)
    assert list(Enterprise.objects.order_by("id").values()) == before
