"""The phone of the stories is itself held to the protocol: restored servers, damaged mirrors, lost assignments."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from inspections.models import Issue
from journal import upkeep
from organizations import assignments
from organizations.models import Assignment
from organizations.roles import Role
from tests.world import World


def test_after_a_restored_backup_the_phone_sends_again_and_nothing_is_doubled(world: World) -> None:
    phone = world.phone(of=world.liaison)
    issue = phone.reports_issue(enterprise=world.bakery, category="hardship")
    before = phone.epoch
    upkeep.begin_epoch(durable_until=None)

    later = phone.goes_offline().reports_issue(enterprise=world.bakery, category="recruitment")
    phone.comes_online()

    assert phone.epoch != before
    assert [result["status"] for result in phone.results[issue]] == ["applied", "applied"], (
        "asked twice, answered the same"
    )
    assert Issue.objects.filter(reporter=world.liaison).count() == 2
    assert phone.holds(later)
    phone.obeys_the_mirror_law()


def test_a_damaged_mirror_is_found_out_and_healed_scope_by_scope(world: World) -> None:
    phone = world.phone(of=world.liaison)
    scope = f"enterprise:{world.bakery.id}"
    del phone.mirror.rows["enterprises", str(world.bakery.id)]

    assert phone.verify() == "mismatch"
    phone.heal(scope)

    phone.obeys_the_mirror_law()


def test_who_loses_an_assignment_loses_its_records_and_a_newcomer_gets_them_all(world: World) -> None:
    phone, newcomer = world.phone(of=world.instructor), world.person("newcomer")
    issue = phone.reports_issue(enterprise=world.bakery, category="hardship")
    held = Assignment.objects.get(person=world.instructor)
    assignments.end([held.id], by=world.caller(world.office), at=timezone.now() + timedelta(seconds=1))
    world.assign(newcomer, Role.INSTRUCTOR, enterprise=world.bakery.id)

    phone.pull()

    assert phone.cannot_see(issue) and phone.cannot_see(world.bakery)
    phone.obeys_the_mirror_law()
    assert world.phone(of=newcomer).holds(issue), "however old"
    late = phone.goes_offline().puts("visits", {"enterprise": str(world.bakery.id), "mode": "phone"})
    phone.comes_online()
    assert phone.last_result(late)["status"] == "quarantined"


def test_who_looks_after_three_hundred_enterprises_holds_them_all_and_hears_of_each(world: World) -> None:
    firms = [world.enterprise(f"周庄第{number}厂", world.zhouzhuang) for number in range(300)]
    phone, other = world.phone(of=world.liaison), world.phone(of=world.liaison)
    assert phone.pull(limit=50).mirror.of("enterprises").keys() >= {str(firm.id) for firm in firms}
    for firm in firms[::60]:
        other.reports_issue(enterprise=firm, category="hardship")

    assert len(phone.pull().mirror.of("issues")) == 5
    assert phone.verify() == "match"
    phone.obeys_the_mirror_law()
    line = phone.line.get("sync/pull", cursor=phone.cursor)
    assert (line["ops"], line["complete"]) == ([], True)

    (duty,) = Assignment.objects.filter(person=world.liaison)
    assignments.end([duty.id], by=world.caller(world.office), at=timezone.now())
    assert not phone.pull().mirror.of("enterprises")
    phone.obeys_the_mirror_law()
