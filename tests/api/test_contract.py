"""Schemathesis over the OpenAPI document: whatever the document allows, the server answers as the document says.

`make test` sends a few requests to each operation, always the same; `make fuzz` many, other ones each time.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, CheckContext, Response
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from config.wsgi import application
from tests.api import payloads
from tests.api.ground import Ground, stand

FUZZ = int(os.environ.get("FUZZ", "0"))
EACH = max(FUZZ // 50, 2)
LEFT_OUT = {"sign_out", "ping_webhook"}
"""What would end the caller's own session, or reach for another machine; chunks of bytes have tests of their own."""


def answers_or_says_when(ctx: CheckContext, response: Response, case: Case) -> bool | None:
    """No 5xx but the 503 of a print that is still being made, which says when to ask again."""
    if response.status_code == 503 and "/problems/not-made-yet" in response.text:
        return None if response.headers.get("retry-after") else True
    return not_a_server_error(ctx, response, case)


SAID = (answers_or_says_when, content_type_conformance, response_schema_conformance)


@pytest.fixture(autouse=True)
def quietly() -> Iterator[None]:
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def ground(db, files) -> Iterator[Ground]:
    """Its requests run inside the test's own transaction: the connection must outlive them."""
    made = stand()
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield made
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_the_server_keeps_to_its_document(ground):
    schema = schemathesis.openapi.from_dict(payloads.document())
    schema.app = application
    headers = {"Authorization": f"Bearer {ground.line('office').access}"}
    dice, asked, broken = Random(8), 0, []
    for result in schema.get_all_operations():
        operation = result.ok()
        sent = operation.definition.raw.get("requestBody", {}).get("content", {})
        if operation.definition.raw.get("operationId") in LEFT_OUT or "application/offset+octet-stream" in sent:
            continue

        @given(case=operation.as_strategy())
        @settings(
            max_examples=EACH,
            derandomize=not FUZZ,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def send(case: Case) -> None:
            nonlocal asked
            asked += 1
            lead(case, ground.ids, dice)
            case.call_and_validate(checks=list(SAID), headers=headers)

        try:
            send()
        except FailureGroup as failures:
            broken += [f"{operation.method.upper()} {operation.path}: {failure}" for failure in failures.exceptions]
    assert not broken, "\n\n".join(broken)
    assert asked > 250


def lead(case: Case, ids: dict[str, str], dice: Random) -> None:
    """Mostly to a thing that is there."""
    about = case.path.removeprefix("/api/v1/").split("/")
    for name in case.path_parameters or {}:
        if dice.random() < 0.6:
            word: Any = payloads.PARTS.get(about[0], "")
            case.path_parameters[name] = ids.get(word.strip("@"), word) if word else case.path_parameters[name]
