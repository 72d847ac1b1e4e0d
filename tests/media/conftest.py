"""The cast of the photo stories, and a store that each test has to itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from api import tokens
from core.drafts import Draft
from core.problems import Problem
from media import photos, renditions
from media.models import Photo
from media.photos import Home
from media.storage import Bucket, storage
from organizations import sessions
from organizations.models import Assignment, Device, Enterprise, Person, Region
from organizations.permissions import Caller, caller
from organizations.roles import Role
from tests import scenery
from tests.media.line import Phone
from tests.media.scenes import digest

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)


@pytest.fixture
def store(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """Files in a folder of this test's own."""
    settings.MEDIA_STORAGE, settings.MEDIA_ROOT = "disk", str(tmp_path / "media")
    settings.SPOOL_DIR = tmp_path / "spool"
    storage.cache_clear()
    yield tmp_path / "media"
    storage.cache_clear()


@cache
def bucket(**options: str) -> Bucket:
    """The same for the same settings: the client within takes a fifth of a second to make."""
    return Bucket(**options)


@pytest.fixture(params=["disk", "s3"])
def any_store(
    request: pytest.FixtureRequest, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Both kinds of store, chosen by settings alone."""
    monkeypatch.setattr("media.storage.Bucket", bucket)
    settings.SPOOL_DIR, settings.MEDIA_ROOT = tmp_path / "spool", str(tmp_path / "media")
    settings.MEDIA_STORAGE = request.param
    if request.param == "s3":
        server = request.getfixturevalue("s3_server")
        settings.S3 = {
            "endpoint_url": server.endpoint,
            "bucket_name": server.bucket,
            "access_key": server.access_key,
            "secret_key": server.secret_key,
            "region_name": server.region,
        }
    storage.cache_clear()
    yield request.param
    storage.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def darkroom_closes() -> Iterator[None]:
    yield
    if renditions.darkroom.cache_info().currsize:
        renditions.darkroom().close()


@dataclass
class Cast:
    """Li is the liaison of the bakery; Wang of the mill; Chen is the office."""

    bakery: Enterprise
    mill: Enterprise
    li: Caller
    wang: Caller
    chen: Caller
    visit: UUID = field(default_factory=uuid4)

    def home(self, **changes: Any) -> Home:
        return Home(**{"enterprise": self.bakery.pk, "owner": self.li.person, **changes})

    def records(
        self, data: bytes, *, id_: UUID | None = None, by: Caller | None = None, at: datetime = NOON, **changes: Any
    ) -> Photo:
        """Li's phone pushes the record of a photo."""
        home = changes.pop("home", None) or self.home()
        fields = {
            "visit": str(self.visit),
            "taken_at": "2026-11-22T08:40:00+08:00",
            "sha256": digest(data),
            "size": len(data),
            "content_type": "image/jpeg",
            "location": {"lat": 31.92, "lon": 120.28, "crs": "wgs84", "accuracy_m": 12.0},
            **changes,
        }
        (outcome,) = photos.put([Draft(id_ or uuid4(), fields)], [home], by=by or self.li, at=at)
        assert not isinstance(outcome, Problem), outcome.errors or outcome
        return outcome


@pytest.fixture
def cast(db: None) -> Cast:
    return scenery.stage(settle)


def settle() -> Cast:
    town = Region.objects.create(id=uuid4(), code="320281100", name="璜土镇", kind="town")
    city = Region.objects.create(id=uuid4(), code="320281001", name="澄江街道", kind="street")
    place = {"lat": 31.921, "lon": 120.281, "crs": "wgs84"}
    bakery = Enterprise.objects.create(name="江阴市华丰食品有限公司", region=town, location=place)
    mill = Enterprise.objects.create(name="江阴市第二面粉厂", region=city)
    return Cast(
        bakery,
        mill,
        somebody("li", "李梅", Role.LIAISON, bakery),
        somebody("wang", "王强", Role.LIAISON, mill),
        somebody("chen", "陈静", Role.OFFICE, None),
    )


def somebody(username: str, name: str, role: Role, enterprise: Enterprise | None) -> Caller:
    person = Person.objects.create(username=username, name=name)
    Assignment.objects.create(person=person, role=role, enterprise=enterprise, starts_on=date(2020, 1, 1))
    device = Device.objects.create(hardware=uuid4(), person=person, bound_at=NOON)
    return caller(person.pk, on=NOON.date(), device=device.pk, name=name)


@pytest.fixture
def sign_in() -> Any:
    """Headers of somebody who has signed in at their device."""

    def enter(by: Caller) -> dict[str, str]:
        person, device = Person.objects.get(pk=by.person), Device.objects.get(pk=by.device)
        issued = sessions.begin(person, device, at=timezone.now(), lifetime=timedelta(days=1))
        return {"Authorization": f"Bearer {tokens.pair(issued)['access']}"}

    return enter


@pytest.fixture
def phone_of(cast: Cast, live_server: Any, sign_in: Any) -> Iterator[Any]:
    with ExitStack() as open_lines:

        def phone(by: Caller | None) -> Phone:
            made = Phone(live_server.url, sign_in(by) if by else {})
            open_lines.callback(made.http.close)
            return made

        yield phone


@pytest.fixture
def phone(phone_of: Any, cast: Cast) -> Phone:
    return phone_of(cast.li)


def develop_all(at: datetime = NOON, **options: Any) -> int:
    """The worker does all that is due."""
    done = 0
    while more := renditions.make_due(at=at, **options):
        done += more
    return done
