"""ODK Collect at the door: what it asks, byte by byte as it asks, and what it is told."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zlib
from datetime import date, timedelta
from pathlib import Path
from random import Random
from uuid import uuid4
from xml.etree import ElementTree

import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from core.actors import SYSTEM
from journal.models import Entry
from media.models import Photo
from media.storage import storage
from organizations import devices
from privacy import retention
from surveys import questionnaires
from surveys.collect import aside_key
from surveys.models import Response, Submission
from surveys.openrosa import read_instance
from surveys.samples import sample
from sync.models import Quarantined
from tests.api.line import V1, Line
from tests.api.test_console import enter
from tests.organizations.cast import NOW
from tests.surveys.sheets import form

FORMS = Path(__file__).resolve().parents[2] / "data" / "questionnaires"
TODAY = date(2026, 11, 22)
HEADERS = {
    "X-OpenRosa-Version": "1.0",
    "Date": "Sun, 22 Nov 2026 09:15:02 GMT+08:00",
    "User-Agent": "org.odk.collect.android/v2026.1",
}


def picture(colour: str = "red") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(stream, "JPEG")
    return stream.getvalue()


class Collect:
    """A Collect set up by its QR code."""

    def __init__(self, cast, person=None, code: str = "visit") -> None:
        if not questionnaires.published(code):
            version = questionnaires.upload((FORMS / f"{code}.xlsx").read_bytes(), by=SYSTEM, at=NOW)
            questionnaires.publish(code, version.number, by=SYSTEM, at=NOW)
        self.cast = cast
        made = Line(cast.office).post("openrosa/keys", {"person": str((person or cast.liaison).id)})
        assert made.status_code == 201, made.content
        self.key = made.data
        settings = orjson.loads(zlib.decompress(base64.b64decode(made.data["settings"])))
        assert "admin" in settings
        self.server = settings["general"]["server_url"].replace("http://testserver", "")
        self.client = Client(raise_request_exception=False)

    def get(self, address: str):
        response = self.client.get(address.replace("http://testserver", ""), headers=HEADERS)
        assert response["X-OpenRosa-Version"] == "1.0" and response["Date"]
        return response

    def submit(self, xml: str, incomplete: bool = False, **files: bytes):
        parts = {"xml_submission_file": SimpleUploadedFile("visit.xml", xml.encode(), "text/xml")}
        parts |= {name: SimpleUploadedFile(name, content, "image/jpeg") for name, content in files.items()}
        if incomplete:
            parts["*isIncomplete*"] = "yes"
        response = self.client.post(f"{self.server}/submission?deviceID=collect%3Aabc", parts, headers=HEADERS)
        assert response["X-OpenRosa-Version"] == "1.0"
        assert "Location" not in response
        response.said = "".join(ElementTree.fromstring(response.content).itertext())
        return response


def instance(enterprise, seed: int = 1, instance_id: str | None = None, meta: str = "", **changes) -> str:
    """A visit as Collect writes it: groups nested, choices by spaces, a repeat as repeated elements."""
    answers = sample("visit", Random(seed), TODAY) | changes
    place = answers.pop("check_in", None)
    if place:
        answers["check_in"] = f"{place['lat']} {place['lon']} 0 {place['accuracy_m']}"
    form = questionnaires.published("visit").form

    def written(entries, given) -> str:
        said = ""
        for entry in entries:
            name = entry["name"]
            if entry["type"] == "group":
                said += f"<{name}>{written(entry['children'], given)}</{name}>"
            elif entry["type"] == "repeat":
                said += "".join(f"<{name}>{written(entry['children'], row)}</{name}>" for row in given.get(name, []))
            else:
                value = given.get(name, "")
                said += f"<{name}>{' '.join(value) if isinstance(value, list) else value}</{name}>"
        return said

    instance_id = instance_id or f"uuid:{uuid4()}"
    return (
        f'<data id="visit" version="1"><syt_enterprise>{enterprise}</syt_enterprise>{written(form["questions"], answers)}'
        f"<meta><instanceID>{instance_id}</instanceID>{meta}</meta></data>"
    )


def test_a_fresh_collect_finds_its_forms_and_their_choice_lists(cast):
    collect = Collect(cast)

    listed = collect.get(f"{collect.server}/formList")
    assert "text/xml" in listed["Content-Type"]
    space = {"x": "http://openrosa.org/xforms/xformsList"}
    [entry] = ElementTree.fromstring(listed.content).findall("x:xform", space)
    told = {each.tag.partition("}")[2]: each.text for each in entry}
    assert (told["formID"], told["name"], told["version"]) == ("visit", "试点企业走访表", "1")
    downloaded = collect.get(told["downloadUrl"]).content
    assert told["hash"] == "md5:" + hashlib.md5(downloaded).hexdigest()
    assert b'<data id="visit" version="1">' in downloaded

    files = ElementTree.fromstring(collect.get(told["manifestUrl"]).content)
    [media] = files.findall("{http://openrosa.org/xforms/xformsManifest}mediaFile")
    name, hashed, address = (each.text for each in media)
    content = collect.get(address).content
    assert name == "enterprises.csv" and hashed == "md5:" + hashlib.md5(content).hexdigest()
    assert "面包厂" in content.decode() and "纺织厂" not in content.decode(), "only one's own enterprises"


def test_the_address_says_204_before_anything_else_and_403_for_a_wrong_key(cast):
    collect = Collect(cast)
    head = collect.client.head(f"{collect.server}/submission", headers=HEADERS)
    assert (head.status_code, "Location" in head) == (204, False)
    assert int(head["X-OpenRosa-Accept-Content-Length"]) > 10_000_000
    assert collect.client.head(f"{V1}openrosa/key/wrong/submission").status_code == 204
    assert collect.client.get(f"{V1}openrosa/key/wrong/formList").status_code == 403

    devices.revoke(collect.key["device"], by=SYSTEM, at=NOW)
    assert collect.get(f"{collect.server}/formList").status_code == 403


def test_a_submission_becomes_a_response_with_its_photos(cast):
    collect = Collect(cast)
    xml = instance(cast.bakery.id, mode="on_site", check_in_photo="gate.jpg",
                   check_in={"lat": 31.84, "lon": 120.28, "accuracy_m": 8})  # fmt: skip

    taken = collect.submit(xml, **{"gate.jpg": picture()})

    assert taken.status_code == 201, taken.said
    row = Response.objects.get()
    assert (row.enterprise_id, row.author_id, row.status) == (cast.bakery.id, cast.liaison.id, "submitted")
    assert row.answers["employees"] == sample("visit", Random(1), TODAY)["employees"]
    assert row.answers["institutions"] == sample("visit", Random(1), TODAY)["institutions"]
    assert row.scores
    photo = Photo.objects.get()
    assert (photo.response, photo.question, photo.bytes) == (row.id, "check_in_photo", "stored")


def test_the_same_submission_again_has_no_effect_and_other_bytes_are_refused(cast):
    collect = Collect(cast)
    xml = instance(cast.bakery.id, instance_id="uuid:11111111-2222-4333-8444-555555555555")

    assert [collect.submit(xml).status_code for _ in range(3)] == [201, 202, 202]
    other = collect.submit(xml.replace("<remarks>", "<remarks>x"))
    assert other.status_code == 409
    assert "实例" in other.said
    assert Response.objects.count() == 1
    stranger = Collect(cast, person=cast.outsider)
    assert stranger.submit(xml).status_code == 409


def test_a_submission_split_over_several_requests_is_put_together(cast):
    collect = Collect(cast)
    xml = instance(cast.bakery.id, issues=[{
        "issue_category": "work_safety", "issue_description": "车间通道被原料堵塞,应急门打不开",
        "issue_photos": [{"issue_photo": "a.jpg"}, {"issue_photo": "b.jpg"}],
    }])  # fmt: skip

    first = collect.submit(xml, incomplete=True, **{"a.jpg": picture("blue")})
    second = collect.submit(xml, **{"b.jpg": picture("green")})
    again = collect.submit(xml, **{"b.jpg": picture("green")})

    assert [first.status_code, second.status_code, again.status_code] == [201, 201, 202]
    assert Photo.objects.filter(question="issue_photo", bytes="stored").count() == 2


def test_a_file_nobody_asked_for_is_set_aside_and_not_lost(cast):
    collect = Collect(cast)
    taken = collect.submit(instance(cast.bakery.id), **{"surprise.bin": b"not a picture"})
    assert taken.status_code == 201
    assert Submission.objects.get().received["surprise.bin"]["kept"] == "aside"


def test_answers_that_break_a_rule_wait_in_quarantine_and_collect_is_done(cast):
    collect = Collect(cast)
    taken = collect.submit(instance(cast.bakery.id, employees=0))
    assert taken.status_code == 201
    assert not Response.objects.exists()
    kept = Quarantined.objects.get()
    assert "/answers/employees" in orjson.dumps(kept.problem).decode()


def test_what_was_returned_is_edited_and_a_stale_edit_is_refused(cast):
    collect = Collect(cast)
    collect.submit(instance(cast.bakery.id, instance_id="uuid:11111111-2222-4333-8444-555555555555"))
    row = Response.objects.get()
    edit = "<deprecatedID>uuid:11111111-2222-4333-8444-555555555555</deprecatedID>"

    early = collect.submit(instance(cast.bakery.id, seed=2, meta=edit))
    assert early.status_code == 409, "nobody has sent it back"

    Line(cast.office).post(f"responses/{row.id}/review", {"decision": "return", "comment": "请核对人数"})
    corrected = collect.submit(instance(cast.bakery.id, seed=2, meta=edit))
    assert corrected.status_code == 201, corrected.said
    row.refresh_from_db()
    assert row.status == "submitted"
    assert row.answers["employees"] == sample("visit", Random(2), TODAY)["employees"]
    assert collect.submit(instance(cast.bakery.id, seed=3, meta=edit)).status_code == 409


def test_other_bytes_under_a_name_that_came_already_are_set_aside(cast):
    collect = Collect(cast)
    xml = instance(cast.bakery.id, mode="on_site", check_in_photo="gate.jpg",
                   check_in={"lat": 31.84, "lon": 120.28, "accuracy_m": 8})  # fmt: skip
    codes = [
        collect.submit(xml, **{"gate.jpg": picture(colour)}).status_code for colour in ("red", "red", "blue", "blue")
    ]
    assert codes == [201, 202, 201, 202]
    row = Submission.objects.get()
    assert sorted(each["kept"] for each in row.received.values()) == ["aside", "photo"]
    assert row.aside == 1
    assert not Quarantined.objects.exists()


@pytest.mark.parametrize(
    ("raw", "wanted"), [("14.5", 14.5), ("-3", -3), ("0", 0), ("007", "007"), ("1e5", "1e5"), ("3 t", "3 t")]
)
def test_a_calculation_comes_as_the_number_it_is(raw, wanted):
    sums = {"questions": [{"name": "total", "type": "calculate", "calculation": "1"}]}
    xml = f"<data id='d' version='1'><total>{raw}</total><meta><instanceID>uuid:1</instanceID></meta></data>"
    assert read_instance(xml.encode(), sums).answers == {"total": wanted}


def test_what_waits_in_quarantine_is_corrected_by_an_edit(cast):
    collect = Collect(cast)
    collect.submit(instance(cast.bakery.id, employees=0, instance_id="uuid:11111111-2222-4333-8444-555555555555"))
    assert not Response.objects.exists()

    edit = "<deprecatedID>uuid:11111111-2222-4333-8444-555555555555</deprecatedID>"
    assert collect.submit(instance(cast.bakery.id, seed=2, meta=edit)).status_code == 201

    row = Response.objects.get()
    assert (str(row.id), row.status) == ("11111111-2222-4333-8444-555555555555", "submitted")
    assert Quarantined.objects.get().state == "superseded"


def test_a_calculated_number_of_rows_travels_beside_them_and_is_no_answer(cast):
    office = Line(cast.office)
    sheets = """
        | type | name | label | repeat_count
        | integer | n | 人数
        | begin repeat | rows | 工人 | ${n} + 1
        | text | who | 姓名
        | end repeat
    """
    questionnaires.upload(form(sheets), by=SYSTEM, at=NOW)
    questionnaires.publish("demo", 1, by=SYSTEM, at=NOW)
    collect = Collect(cast)
    listed = collect.get(f"{collect.server}/forms/demo/1.xml").content.decode()
    assert "<rows_count/>" in listed, "as pyxform writes it"
    taken = collect.submit(
        f'<data id="demo" version="1"><syt_enterprise>{cast.bakery.id}</syt_enterprise><n>1</n><rows_count>2</rows_count>'
        "<rows><who>甲</who></rows><rows><who>乙</who></rows><meta><instanceID>uuid:1</instanceID></meta></data>"
    )
    assert taken.status_code == 201
    assert Response.objects.get().answers == {"n": 1, "rows": [{"who": "甲"}, {"who": "乙"}]}
    assert office.get("quarantine").data["results"] == []


def test_a_closed_questionnaire_and_a_strangers_enterprise_are_refused_in_words(cast):
    collect = Collect(cast)
    elsewhere = collect.submit(instance(cast.mill.id))
    assert elsewhere.status_code == 201 and not Response.objects.exists(), "it waits in quarantine"
    xml = instance(cast.bakery.id)
    questionnaires.close("visit", 1, by=SYSTEM, at=NOW)
    closed = collect.submit(xml)
    assert (closed.status_code, closed.said) == (409, "该问卷已停用")


@pytest.mark.parametrize("xml", ["", "<data/>", "no xml", "<data id='visit' version='x'/>", '<!DOCTYPE d [<!ENTITY e "x">]><d>&e;</d>',
                                 "<data id='visit' version='1'><meta><instanceID></instanceID></meta></data>"])  # fmt: skip
def test_rubbish_is_a_400_with_a_message(cast, xml):
    refused = Collect(cast).submit(xml)
    assert refused.status_code == 400
    assert refused.said
    assert not Submission.objects.exists()


def digest_header(challenge: str, key, method: str, uri: str, *, qop: bool = True, count: int = 1) -> str:
    nonce = re.search(r'nonce="([^"]+)"', challenge)[1]

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    ha1, ha2 = md5(f"{key['username']}:sanyuantong:{key['password']}"), md5(f"{method}:{uri}")
    middle = f"{count:08x}:abcdef:auth:" if qop else ""
    answer = md5(f"{ha1}:{nonce}:{middle}{ha2}")
    more = f', qop=auth, nc={count:08x}, cnonce="abcdef"' if qop else ""
    return f'Digest username="{key["username"]}", realm="sanyuantong", nonce="{nonce}", uri="{uri}", response="{answer}"{more}'


@pytest.mark.parametrize("qop", [True, False])
def test_digest_lets_in_who_knows_the_secret(cast, qop):
    collect = Collect(cast)
    uri = f"{V1}openrosa/formList"
    asked = collect.client.get(uri, headers=HEADERS)
    assert asked.status_code == 401 and asked["WWW-Authenticate"].startswith("Digest ")

    proof = digest_header(asked["WWW-Authenticate"], collect.key, "GET", uri, qop=qop)
    assert collect.client.get(uri, headers=HEADERS | {"Authorization": proof}).status_code == 200
    wrong = digest_header(asked["WWW-Authenticate"], collect.key | {"password": "guess"}, "GET", uri, qop=qop)
    assert collect.client.get(uri, headers=HEADERS | {"Authorization": wrong}).status_code == 401
    assert collect.client.head(f"{V1}openrosa/submission", headers=HEADERS).status_code == 401


def test_a_proof_overheard_lets_nobody_in_a_second_time(cast):
    collect = Collect(cast)
    uri = f"{V1}openrosa/formList"

    def ask(proof: str = ""):
        return collect.client.get(uri, headers=HEADERS | ({"Authorization": proof} if proof else {}))

    first = ask()["WWW-Authenticate"]
    proof = digest_header(first, collect.key, "GET", uri)
    assert ask(proof).status_code == 200
    again = ask(proof)
    assert again.status_code == 401 and "stale=true" in again["WWW-Authenticate"], (
        "Collect renews without asking anybody"
    )
    assert ask(digest_header(first, collect.key, "GET", uri, count=2)).status_code == 200
    assert ask(digest_header(first, collect.key, "GET", uri, count=2)).status_code == 401
    assert ask(digest_header(first, collect.key, "GET", uri, count=9)).status_code == 200

    later = again["WWW-Authenticate"]
    assert ask(digest_header(later, collect.key, "GET", uri)).status_code == 200
    assert ask(digest_header(first, collect.key, "GET", uri, count=10)).status_code == 401, "an older nonce is given up"
    once = ask()["WWW-Authenticate"]
    assert [ask(digest_header(once, collect.key, "GET", uri, qop=False)).status_code for _ in range(2)] == [200, 401]
    for nonsense in ("nc=zz", "nc=", "nc=00000000", "nc=fffffffff"):
        assert ask(digest_header(once, collect.key, "GET", uri).replace("nc=00000001", nonsense)).status_code == 401


def test_the_office_looks_at_what_was_set_aside(cast):
    collect = Collect(cast)
    collect.submit(instance(cast.bakery.id, instance_id="uuid:1/&lt;b&gt;"), **{"报告 1.bin": b"not a picture"})
    collect.submit(instance(cast.bakery.id, seed=2))
    office, liaison = enter("office"), enter("liaison")

    listed = office.get("/console/surveys/submission/?aside=waiting").content.decode()
    assert "uuid:1/&lt;b&gt;" in listed and listed.count("field-person_name") == 1
    [row] = Submission.objects.filter(aside=1)
    page = office.get(reverse("admin:surveys_submission_change", args=[row.pk])).content.decode()
    assert "报告 1.bin" in page and "已搁置" in page and "&lt;data id=" in page
    digest = row.received["报告 1.bin"]["sha256"]
    address = reverse("admin:surveys_submission_file", args=[row.pk, digest])
    assert address in page
    fetched = office.get(address)
    assert b"".join(fetched.streaming_content) == b"not a picture"
    assert fetched["Content-Disposition"].startswith("attachment") and fetched["X-Content-Type-Options"] == "nosniff"
    assert office.get(address.replace(digest, "0" * 64)).status_code == 404
    assert liaison.get(address).status_code == 302

    office.post("/console/surveys/submission/", {"action": "settle", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert row.settled_at
    assert Entry.objects.filter(verb="submission.settled", record=row.response).count() == 1


def test_a_file_set_aside_goes_a_year_after_the_office_has_looked_and_nobody_else_needs_it(cast):
    collect, office, later = Collect(cast), enter("office"), timezone.now() + timedelta(days=400)
    sent = [instance(cast.bakery.id, seed=seed) for seed in (1, 2)]
    for number, xml in enumerate(sent, start=1):
        collect.submit(xml, **{f"{number}.bin": b"not a picture"})
    one, two = Submission.objects.order_by("at")
    digest = hashlib.sha256(b"not a picture").hexdigest()

    def fetched():
        addresses = [reverse("admin:surveys_submission_file", args=[row.pk, digest]) for row in (one, two)]
        answers = [office.get(address) for address in addresses]
        return [b"".join(answer.streaming_content) if answer.streaming else answer.status_code for answer in answers]

    def let_go(at):
        due = {each.category: each.count for each in retention.report(at=at)}["aside"]
        retention.keep(at=at)
        return due

    assert let_go(later) == 0, "the office has not looked"
    office.post("/console/surveys/submission/", {"action": "settle", "_selected_action": [one.pk]})
    assert let_go(later) == 1
    assert fetched() == [404, b"not a picture"]

    office.post("/console/surveys/submission/", {"action": "settle", "_selected_action": [two.pk]})
    assert let_go(timezone.now() + timedelta(days=300)) == 0
    assert let_go(later) == 1
    assert fetched() == [404, 404]
    assert storage().size(aside_key(digest)) is None
    page = office.get(reverse("admin:surveys_submission_change", args=[one.pk])).content.decode()
    assert "1.bin" in page and "已到期清除" in page
    assert collect.submit(sent[0], **{"1.bin": b"not a picture"}).status_code == 202, "it was here already"
    assert storage().size(aside_key(digest)) is None


def test_only_the_office_lets_a_collect_in(cast):
    for person in (cast.liaison, cast.town, cast.handler):
        assert Line(person).post("openrosa/keys", {"person": str(person.id)}).status_code == 403


def test_a_hundred_pictures_come_in_one_request(cast):
    collect = Collect(cast)
    photos = [{"issue_photo": f"p{at}.jpg"} for at in range(9)]
    issue = {
        "issue_category": "work_safety",
        "issue_description": "车间通道被原料堵塞,应急门打不开",
        "issue_photos": photos,
    }
    files = {f"p{at}.jpg": picture("blue") for at in range(9)} | {f"x{at}.bin": b"x" for at in range(91)}

    taken = collect.submit(instance(cast.bakery.id, issues=[issue]), **files)

    assert taken.status_code == 201, taken.said
    assert len(Submission.objects.get().received) == 100
