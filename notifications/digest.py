"""The morning's mail at 8:30 on working days: how much lies on the desk. Numbers only, for mail leaves the network."""

from __future__ import annotations

from datetime import datetime, time
from uuid import uuid5

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q

from inspections import calendar
from inspections.deadlines import SHANGHAI, local_day
from inspections.models import ENDED_STATES, Issue
from notifications.models import Delivery, Reader
from notifications.outbox import NAMESPACE
from organizations.permissions import live_assignments
from organizations.roles import Role

AT = time(8, 30)


def send(*, at: datetime) -> int:
    """Queue the mails of the day, once; gives how many."""
    today = local_day(at)
    if not settings.EMAIL_HOST or at.astimezone(SHANGHAI).time() < AT or not calendar.current().is_workday(today):
        return 0
    with transaction.atomic():
        Reader.objects.get_or_create(id=1)
        reader = Reader.objects.select_for_update().get(id=1)
        if reader.digest_on is not None and reader.digest_on >= today:
            return 0
        reader.digest_on = today
        reader.save(update_fields=["digest_on"])
        desks = _desks(at)
        mails = []
        held = live_assignments(today).filter(role__in=(Role.HANDLER, Role.TOWN_OFFICER), person__is_active=True)
        columns = ("person", "person__email", "department__code", "region__code")
        for person, address, department, region in held.exclude(person__email="").values_list(*columns).distinct():
            numbers = desks.get(department or region or "")
            if numbers:
                mails.append(
                    Delivery(
                        person_id=person,
                        event=uuid5(NAMESPACE, f"digest/{today}/{person}/{department or region}"),
                        kind="digest",
                        payload=_mail(address, numbers),
                        created_at=at,
                        next_at=at,
                    )
                )
        Delivery.objects.bulk_create(mails)
        return len(mails)


def _desks(at: datetime) -> dict[str, dict[str, int]]:
    """How much lies on each desk; one query."""
    running = Issue.objects.exclude(state__in=ENDED_STATES).filter(replied_at=None).exclude(lead_code="")
    counted = (
        running.order_by()
        .values("lead_code")
        .annotate(
            open=Count("pk"),
            new=Count("pk", filter=Q(state="dispatched")),
            blue=Count("pk", filter=Q(colour="blue")),
            overdue=Count("pk", filter=Q(due__lt=at)),
        )
    )
    return {row["lead_code"]: {name: row[name] for name in ("open", "new", "blue", "overdue")} for row in counted}


def _mail(address: str, numbers: dict[str, int]) -> dict[str, str]:
    text = (
        "在办 {open} 件,其中待签收 {new} 件、即将到期 {blue} 件、超期 {overdue} 件。\n"
        "Open {open}, to be acknowledged {new}, due soon {blue}, overdue {overdue}.\n\n{url}"
    ).format(url=settings.PUBLIC_URL, **numbers)
    return {"address": address, "subject": f"三员通:今日在办 {numbers['open']} 件", "text": text}
