"""Row 32 at the push: what of an envelope cannot be read is a 400 that says where; what of a mutation, is quarantined."""

from __future__ import annotations

from uuid import uuid4

import pytest

from core.problems import Malformed
from sync import envelope
from sync.problems import SchemaUnsupported
from tests.api.line import Line
from tests.organizations.cast import Cast


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        (b'{"schema":1,"schema":1,"mutations":[]}', "/schema", "duplicate-key"),
        (b'{"schema":1,"mutations":[],"mutations":[]}', "/mutations", "duplicate-key"),
        (b'{"schema":1,"epoch":"e1","epoch":"e1","mutations":[]}', "/epoch", "duplicate-key"),
        (b'{"schema":1,"later":1,"later":2,"mutations":[]}', "/later", "duplicate-key"),
        (b'{"schema":1e999,"mutations":[]}', "/schema", "number"),
        (b'{"schema":1,"sent_at":NaN,"mutations":[]}', "/sent_at", "number"),
    ],
)
def test_row_32_what_an_envelope_says_twice_or_not_at_all_is_told_where(body, pointer, code):
    with pytest.raises(Malformed) as refused:
        envelope.read(body)
    assert [(fault.pointer, fault.code) for fault in refused.value.errors] == [(pointer, code)]


@pytest.mark.parametrize("schema", [b"2", b"0", b"null", b"true", b'"1"', b"[]", b"1.5"])
def test_row_28_another_version_of_the_protocol_is_told_which_ones_there_are(schema):
    with pytest.raises(SchemaUnsupported):
        envelope.read(b'{"schema":%s,"mutations":[]}' % schema)


def test_row_28_an_envelope_with_fields_of_a_later_day_is_read():
    assert envelope.read(b'{"schema":1,"mutations":[],"battery":{"level":0.5}}').mutations == []


@pytest.mark.django_db
@pytest.mark.parametrize("collection", ["quarantine", "conflicts"])
@pytest.mark.parametrize("base", [None, 1])
def test_an_answer_to_a_desk_that_has_no_such_thing_does_not_wait_for_it(collection, base):
    """The phone makes no such record and the server never will under that id."""
    cast = Cast()
    line = Line(cast.liaison)
    choice = {"resolution": "apply"} if collection == "quarantine" else {"resolution": "kept"}
    mutation = {"id": str(uuid4()), "collection": collection, "record": str(uuid4()), "op": "put", "base": base}
    answer = line.post("sync/push", {"schema": 1, "mutations": [mutation | {"data": choice}]}).data

    result = answer["results"][0]
    assert result["status"] == "quarantined" and result["blocked_by"] == []
    assert result["problem"]["type"] == "/problems/forbidden"
