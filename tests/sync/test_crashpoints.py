"""Wherever the server dies, the retry gets the answer of an undisturbed push and leaves what that leaves."""

from __future__ import annotations

import pytest

from tests.sync import crashpoints


@pytest.mark.django_db(transaction=True)
def test_a_push_interrupted_anywhere_is_the_same_push(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(60)  # poison is meant to fail, loudly
    figures, wrong = crashpoints.run(step=5)
    assert wrong == []
    assert figures["died"] == figures["refused"] > 10
