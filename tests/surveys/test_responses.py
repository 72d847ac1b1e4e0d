"""Answers arrive, are judged, are reviewed; and whoever has no business there does not see them."""

from __future__ import annotations

from random import Random

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core.actors import SYSTEM
from core.drafts import Draft
from core.ids import stable, uuid7
from core.problems import Conflict, Forbidden, Invalid, NotFound, Problem
from journal import journal
from journal.models import Entry, Head
from surveys import questionnaires, responses
from surveys.models import Response, VersionStatus
from surveys.problems import AlreadySubmitted, BadAnswers
from surveys.samples import sample
from tests import scenery
from tests.surveys.cast import AT, TODAY, Cast, cast, draft, published
from tests.surveys.sheets import form

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> Cast:
    return scenery.stage(with_a_form)


def with_a_form() -> Cast:
    published("visit")
    return cast()


def answers(seed: int = 1) -> dict:
    return sample("visit", Random(seed), TODAY)


def test_a_filled_in_visit_is_kept_scored_and_told_to_the_phones_of_its_enterprise(world):
    sent = draft(world.bakery.id, "visit", answers())

    [row] = responses.put([sent], by=world.liaison, at=AT)

    kept = Response.objects.get(pk=row.pk)
    assert kept.answers == answers()
    assert kept.scores["political"] > 0
    head = Head.objects.select_related("scope").get(record=sent.id)
    assert head.scope.name == f"enterprise:{world.bakery.id}"
    assert orjson.loads(head.document)["answers"] == answers()


def test_answers_that_break_a_rule_are_refused_with_the_words_of_the_form(world):
    wrong = answers() | {"employees": 0}

    [problem] = responses.put([draft(world.bakery.id, "visit", wrong)], by=world.liaison, at=AT)

    assert isinstance(problem, BadAnswers)
    fault = next(each for each in problem.errors if each.pointer == "/answers/employees")
    assert (fault.code, fault.detail.of("en")) == ("constraint", "This must be between 1 and 50000")
    assert not Response.objects.exists()


def test_a_response_belongs_to_a_visit_of_its_own_enterprise(world):
    here, elsewhere, of_stranger, of_observer, far_away = (uuid7() for _ in range(5))
    scopes = {
        here: f"enterprise:{world.bakery.id}",
        elsewhere: f"enterprise:{world.mill.id}",
        of_stranger: f"user:{world.stranger.person}",
        of_observer: f"user:{world.observer.person}",
        far_away: f"user:{world.observer.person}",
    }
    documents = {one: {"enterprise": str(world.bakery.id)} for one in scopes} | {
        far_away: {"enterprise": str(world.mill.id)}
    }
    with journal.unit(by=SYSTEM, at=AT):
        journal.record(
            [journal.Change("visit.created", "visits", one, {}, scope, documents[one]) for one, scope in scopes.items()]
        )

    def refused(visit, by) -> list[str]:
        [outcome] = responses.put([draft(world.bakery.id, "visit", answers(), visit=str(visit))], by=by, at=AT)
        return [fault.pointer for fault in outcome.errors] if isinstance(outcome, Problem) else []

    assert refused(here, world.liaison) == refused(of_observer, world.observer) == []
    for visit in (elsewhere, of_stranger, of_observer):
        assert refused(visit, world.liaison) == ["/visit"]
    assert refused(far_away, world.observer) == ["/visit"]


def test_a_draft_may_be_unfinished_until_it_is_submitted(world):
    begun = draft(world.bakery.id, "visit", {"mode": "phone"}, status="draft")
    [row] = responses.put([begun], by=world.liaison, at=AT)
    assert row.status == "draft"

    [early] = responses.put([Draft(begun.id, {"status": "submitted"}, new=False)], by=world.liaison, at=AT)
    assert isinstance(early, BadAnswers)

    done = {"status": "submitted", "answers": answers()}
    [row] = responses.put([Draft(begun.id, done, new=False)], by=world.liaison, at=AT)
    assert row.status == "submitted"

    [late] = responses.put([Draft(begun.id, {"answers": {}}, new=False)], by=world.liaison, at=AT)
    assert isinstance(late, AlreadySubmitted)


@pytest.mark.parametrize("name", ["findings", "scores", "author", "author_id", "private", "received_at", "a/b"])
def test_a_field_that_no_phone_writes_is_refused_by_its_pointer_even_empty(world, name):
    begun = draft(world.bakery.id, "visit", {}, status="draft")
    new = draft(world.bakery.id, "visit", {}, status="draft", **{name: None})
    responses.put([begun], by=world.liaison, at=AT)

    for sent in (new, Draft(begun.id, {name: None}, new=False)):
        [problem] = responses.put([sent], by=world.liaison, at=AT)
        assert isinstance(problem, Invalid)
        assert [(fault.pointer, fault.code) for fault in problem.errors] == [
            ("/" + name.replace("/", "~1"), "unknown-field")
        ]


def test_a_response_that_does_not_say_so_is_a_draft(world):
    begun = draft(world.bakery.id, "visit", {})
    del begun.changes["status"]

    [row] = responses.put([begun], by=world.liaison, at=AT)

    assert row.status == "draft"
    assert not row.findings


def test_a_bad_neighbour_hurts_nobody(world):
    batch = [
        draft(world.bakery.id, "visit", answers(1)),
        draft(world.bakery.id, "visit", ["no", "object"]),
        draft(world.mill.id, "visit", answers(2)),
        draft(uuid7(), "visit", answers(2)),
        draft(world.bakery.id, "nothing", {}),
        draft(world.bakery.id, "visit", {}, version=7),
        draft(world.bakery.id, "visit", answers(3), started_at="yesterday"),
        draft(world.bakery.id, "visit", answers(4)),
    ]

    outcomes = responses.put(batch, by=world.liaison, at=AT)

    assert [isinstance(each, Problem) for each in outcomes] == [False, True, True, True, True, True, True, False]
    assert isinstance(outcomes[2], Forbidden)
    assert outcomes[4].errors[0].pointer == "/questionnaire"
    assert outcomes[5].errors[0].pointer == "/version"
    assert Response.objects.count() == 2


def test_the_number_of_queries_does_not_grow_with_the_batch(world):
    def queries(count: int) -> int:
        batch = [draft(world.bakery.id, "visit", answers(seed)) for seed in range(count)]
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert not any(isinstance(each, Problem) for each in responses.put(batch, by=world.liaison, at=AT))
        return len(captured)

    queries(1)
    assert queries(100) == queries(2)


def test_an_observer_who_comes_unannounced_is_seen_by_the_office_and_by_nobody_else(world):
    [row] = responses.put([draft(world.bakery.id, "visit", answers())], by=world.observer, at=AT)

    assert row.private
    assert Head.objects.select_related("scope").get(record=row.id).scope.name == f"user:{world.observer.person}"
    assert responses.visible(world.observer).filter(pk=row.id).exists()
    assert responses.visible(world.office).filter(pk=row.id).exists()
    assert not responses.visible(world.liaison).filter(pk=row.id).exists()
    [outcome] = responses.put([Draft(row.id, {"answers": {}}, new=False)], by=world.liaison, at=AT)
    assert isinstance(outcome, NotFound)


def test_the_office_sends_answers_back_with_a_comment_per_question_and_the_phone_corrects_them(world):
    sent = draft(world.bakery.id, "visit", answers())
    [row] = responses.put([sent], by=world.liaison, at=AT)

    responses.review(row.id, accept=False, comments={"employees": "与台账不符,请核对"}, by=world.office, at=AT)
    document = orjson.loads(Head.objects.get(record=row.id).document)
    assert (document["status"], document["comments"]) == ("returned", {"employees": "与台账不符,请核对"})

    again = {"answers": answers(2), "status": "submitted"}
    [corrected] = responses.put([Draft(row.id, again, new=False)], by=world.liaison, at=AT)
    assert corrected.status == "submitted"
    accepted = responses.review(row.id, accept=True, by=world.office, at=AT)
    assert accepted.status == "accepted"
    told = list(Entry.objects.filter(record=row.id).order_by("id").values_list("verb", flat=True))
    assert told == ["response.submitted", "response.returned", "response.submitted", "response.accepted"]


def test_only_the_office_reviews_only_what_is_submitted_and_says_why(world):
    [row] = responses.put([draft(world.bakery.id, "visit", answers())], by=world.liaison, at=AT)

    with pytest.raises(Forbidden):
        responses.review(row.id, accept=True, by=world.liaison, at=AT)
    with pytest.raises(NotFound):
        responses.review(row.id, accept=True, by=world.stranger, at=AT)
    with pytest.raises(Invalid):
        responses.review(row.id, accept=False, by=world.office, at=AT)
    with pytest.raises(Invalid):
        responses.review(row.id, accept=False, comments={"nonsense": "?"}, by=world.office, at=AT)
    responses.review(row.id, accept=True, by=world.office, at=AT)
    with pytest.raises(Conflict):
        responses.review(row.id, accept=True, by=world.office, at=AT)


def test_one_deletes_ones_own_drafts_alone(world):
    mine = draft(world.bakery.id, "visit", {}, status="draft")
    sent = draft(world.bakery.id, "visit", answers())
    responses.put([mine, sent], by=world.liaison, at=AT)

    assert isinstance(responses.delete([Draft(mine.id)], by=world.stranger, at=AT)[0], Forbidden)
    first, second = responses.delete([Draft(mine.id), Draft(sent.id)], by=world.liaison, at=AT)

    assert isinstance(first, Response)
    assert isinstance(second, Forbidden)
    assert list(Response.objects.values_list("id", flat=True)) == [sent.id]


def test_a_new_version_goes_to_the_phones_and_answers_to_the_old_one_are_still_taken(world):
    workbook = questionnaires.get("visit", 1, by=world.office).workbook
    second = questionnaires.upload(bytes(workbook), by=world.office, at=AT)
    again = questionnaires.upload(bytes(workbook), by=world.office, at=AT)
    assert second.number == again.number == 2, "the same form as the draft is no new version"
    questionnaires.publish("visit", second.number, by=world.office, at=AT)

    old, new = (draft(world.bakery.id, "visit", answers(), version=number) for number in (1, 2))
    outcomes = responses.put([old, new], by=world.liaison, at=AT)
    assert [each.version for each in outcomes] == [1, 2]
    heads = Head.objects.filter(collection="questionnaires", record=stable("questionnaires", "visit/2"))
    assert orjson.loads(heads.get().document)["version"] == 2


def test_drafts_of_questionnaires_are_for_those_who_write_them(world):
    version = published("observer")
    assert version.status == VersionStatus.PUBLISHED
    with pytest.raises(Forbidden):
        questionnaires.publish("observer", 1, by=world.liaison, at=AT)
    questionnaires.close("observer", 1, by=world.office, at=AT)
    second = questionnaires.upload(bytes(version.workbook), by=world.office, at=AT)
    with pytest.raises(NotFound):
        questionnaires.get("observer", second.number, by=world.liaison)


def suppliers(world: Cast) -> None:
    """A form that asks which of the enterprises of a town, and of which tier, another one works with."""
    content = form("""
        | type | name | label | choice_filter | calculation
        | select_one_from_file regions.csv | town | 镇 | kind = 'town' |
        | begin repeat | partners | 协作企业
        | select_one_from_file enterprises.csv | firm | 企业 | region = ${town} |
        | calculate | firm_name | | | jr:choice-name(${firm}, '${firm}')
        | end repeat
    """)
    questionnaires.upload(content, by=SYSTEM, at=AT)
    questionnaires.publish("demo", 1, by=SYSTEM, at=AT)


def judged(world: Cast, town: str, *firms: str, at_the_mill: bool = False):
    answers = {"town": town, "partners": [{"firm": firm} for firm in firms]}
    where, by = (world.mill, world.stranger) if at_the_mill else (world.bakery, world.liaison)
    [outcome] = responses.put([draft(where.id, "demo", answers)], by=by, at=AT)
    if isinstance(outcome, BadAnswers):
        return [(fault.pointer, fault.code) for fault in outcome.errors]
    assert isinstance(outcome, Response), outcome
    return outcome.findings


def test_choices_from_our_own_enterprises_are_judged_by_what_the_person_may_see(world):
    suppliers(world)
    bakery, mill = str(world.bakery.id), str(world.mill.id)
    first, second = "/answers/partners/0/firm", "/answers/partners/1/firm"

    assert judged(world, "320281106", bakery) == []
    assert judged(world, "320281105", bakery) == [(first, "choice-filtered")]
    assert judged(world, "320281106", bakery, mill) == [(second, "unknown-choice")], "not one of the liaison's own"
    assert judged(world, "320281105", mill, at_the_mill=True) == []
    for nobody in (str(uuid7()), "bakery", bakery.upper(), "x" * 36):
        assert judged(world, "320281106", nobody) == [(first, "unknown-choice")]
    assert judged(world, "nowhere", bakery) == [("/answers/town", "unknown-choice"), (first, "choice-filtered")]


def test_a_label_of_our_own_lists_is_calculated_again(world):
    suppliers(world)
    answers = {"town": "320281106", "partners": [{"firm": str(world.bakery.id), "firm_name": "别的厂"}]}
    [row] = responses.put([draft(world.bakery.id, "demo", answers)], by=world.liaison, at=AT)
    [finding] = row.findings
    assert (finding["code"], "周庄面包厂" in finding["detail"]) == ("calculation-differs", True)


def test_external_choices_cost_two_queries_however_many_answers_name_them(world):
    suppliers(world)

    def queries(count: int) -> int:
        answers = {"town": "320281106", "partners": [{"firm": str(world.bakery.id)}]}
        with CaptureQueriesContext(
            connection,
        ) as seen:
            outcomes = responses.put(
                [draft(world.bakery.id, "demo", answers) for _ in range(count)], by=world.liaison, at=AT
            )
        assert all(isinstance(each, Response) for each in outcomes)
        return len(seen)

    queries(1)
    assert queries(2) == queries(20)
