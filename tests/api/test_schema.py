"""The API tells the truth about itself and fetches nothing from elsewhere."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from time import process_time

import pytest
from django.core.management import call_command

from tests.api.line import Line

COMMITTED = Path(__file__).parents[2] / "openapi.yaml"


def test_the_committed_openapi_is_fresh_and_clean(tmp_path):
    fresh = tmp_path / "openapi.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", file=str(fresh))
    assert COMMITTED.read_text(encoding="utf-8") == fresh.read_text(encoding="utf-8"), "run `make openapi`"


def test_the_bare_addresses_lead_somewhere(db):
    line = Line()
    assert line.get("/")["Location"] == "/console/"
    assert line.get("/api/v1/")["Location"] == "/api/v1/docs"
    refused = line.post("/api/v1/")
    assert refused.status_code == 405 and refused["Content-Type"] == "application/problem+json"


def test_the_readable_page_uses_local_assets_only(db):
    page = Line().get("docs")
    assert page.status_code == 200
    links = re.findall(r'(?:src|href)="([^"]+)"', page.content.decode())
    assert links and all(link.startswith("/") for link in links)
    for link in links:
        with closing(Line().client.get(link)) as asset:
            content = b"".join(asset.streaming_content) if asset.streaming else asset.content
            assert asset.status_code == 200 and content


def test_the_readable_page_holds_no_script_of_its_own(db):
    page = Line().get("docs")
    assert "script-src 'self';" in page["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)", page.content.decode())


def test_the_document_says_what_every_problem_looks_like(db):
    document = Line().get("schema", Accept="application/json").data
    assert document["openapi"].startswith("3.1")
    for operations in document["paths"].values():
        for operation in operations.values():
            assert "default" in operation["responses"]


def test_the_document_is_written_once_and_whoever_has_it_is_told_so(db):
    line = Line()
    text = line.get("schema")
    began = process_time()
    for _ in range(20):
        assert line.get("schema").content == text.content
    assert process_time() - began < 0.5
    assert text.content.decode() == COMMITTED.read_text(encoding="utf-8")
    assert text["Content-Disposition"] == 'inline; filename="sanyuantong-openapi.yaml"'

    again = line.get("schema", If_None_Match=text["ETag"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", text["ETag"])
    other = line.get("schema", Accept="application/json", If_None_Match=text["ETag"])
    assert (other.status_code, other.data["openapi"]) == (200, "3.1.1")


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_supervisors_are_answered(db, path):
    answer = Line().get(path)
    assert answer.status_code == 200 and answer.data["status"] == "ok"
