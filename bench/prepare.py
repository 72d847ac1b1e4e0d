"""Fills an empty installation for the sync bench: reference data, enterprises, people with assignments, signed-in devices.

Prints a JSON document for ``bench.sync``: the questionnaire's version and, for each device, its token, person and enterprises.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from uuid import UUID

import django


def main(devices: int, enterprises_each: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.utils import timezone

    from api import tokens
    from core.actors import SYSTEM
    from core.ids import uuid7
    from inspections import rules
    from journal import journal
    from organizations import assignments, enterprises, reference, sessions
    from organizations.models import Device, Enterprise, Person, Region
    from organizations.roles import Role
    from surveys import questionnaires

    now = timezone.now()
    today = timezone.localdate()
    reference.load(by=SYSTEM, at=now)
    rules.load(by=SYSTEM, at=now)
    form = Path(__file__).resolve().parent.parent / "data" / "questionnaires" / "visit.xlsx"
    version = questionnaires.upload(form.read_bytes(), by=SYSTEM, at=now)
    questionnaires.publish(version.questionnaire_id, version.number, by=SYSTEM, at=now)
    region = Region.objects.order_by("code").first()
    assert region is not None
    people = [Person(username=f"bench{n}", name=f"联络员{n}", password="!") for n in range(devices)]
    Person.objects.bulk_create(people)
    places = [
        enterprises.Draft({"name": f"江阴第{n}试验企业有限公司", "region_id": str(region.id)}, id=uuid7(), new=True)
        for n in range(devices * enterprises_each)
    ]
    enterprises.put(places, by=SYSTEM, at=now)
    assert not places[0].faults, places[0].faults
    ids = [str(id_) for id_ in Enterprise.objects.order_by("pk").values_list("pk", flat=True)]
    shares = {person.id: ids[n * enterprises_each : (n + 1) * enterprises_each] for n, person in enumerate(people)}
    wishes = [
        assignments.Draft(person, Role.LIAISON, today, enterprise=UUID(place))
        for person, share in shares.items()
        for place in share
    ]
    wishes[-1] = assignments.Draft(people[-1].id, Role.LIAISON, today, region=region.id)
    assignments.begin(wishes, by=SYSTEM, at=now)
    told = []
    for person in people:
        device = Device.objects.create(hardware=uuid7(), person=person, bound_at=now)
        with journal.unit(by=SYSTEM, at=now):
            issued = sessions.begin(person, device, at=now, lifetime=tokens.lifetime())
        access = tokens.pair(issued)["access"]
        told.append({"token": access, "person": str(person.id), "enterprises": shares[person.id]})
    json.dump({"version": version.number, "devices": told}, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
