"""What nobody foresaw: a 500 that says nothing of itself, and a line in the log that says everything."""

from __future__ import annotations

import pytest

from api import users
from tests.api.line import Line
from tests.conftest import Logged

SECRET = "SELECT password FROM organizations_person -- /srv/secret"


@pytest.mark.parametrize("path", ["users", "/console/"])
def test_what_nobody_foresaw_is_told_without_its_text(cast, monkeypatch, path, logged: Logged):
    def broken(*given, **named):
        raise ZeroDivisionError(SECRET)

    line = Line(cast.office)
    monkeypatch.setattr(users.people, "visible", broken)
    monkeypatch.setattr("api.console.site.get_user", broken)
    answer = line.get(path)
    assert answer.status_code == 500
    assert answer["Content-Type"] == "application/problem+json"
    told = answer.content.decode()
    assert "SELECT" not in told and "ZeroDivision" not in told and "Traceback" not in told
    assert answer.data["type"] == "/problems/internal"
