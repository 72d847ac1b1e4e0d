"""Open311 GeoReport v2: other systems report issues and follow them, as JSON or XML, by the key of their channel.

Services are our categories. The enterprise is named by its credit code (attribute ``uscc``), a case of the caller's own by
attribute ``case_no``; names, addresses and numbers of persons are accepted and not kept. A key reads its own requests only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import wraps
from typing import Any
from uuid import UUID
from xml.etree.ElementTree import Element, SubElement, tostring

import orjson
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.pagination import page
from api.races import rerun
from api.shapes import Strict, String
from api.views import Noun
from core.coordinates import Place
from core.problems import Problem
from core.texts import EN, negotiate
from inspections import channels
from inspections.documents import moment
from inspections.models import ENDED_STATES, Issue
from inspections.rulebook import Channel, IssueCategory
from inspections.workflow import STATE_NAMES, State
from organizations.models import Department, Region

MOST = 1000
SPAN = timedelta(days=90)
ATTRIBUTES = (
    {"code": "uscc", "description": "统一社会信用代码 credit code of the enterprise", "required": True},
    {"code": "case_no", "description": "贵方编号 number of the case on your side", "required": False},
)


class Fault(Exception):
    """An answer in Open311's own shape of an error."""

    def __init__(self, status: int, *descriptions: str) -> None:
        super().__init__(*descriptions)
        self.status, self.descriptions = status, descriptions


View = Callable[..., tuple[str, str, Any, int]]
"""Gives the names of the XML list and of one entry, the value, and the status."""


def answered(*methods: str) -> Callable[[View], Callable[..., HttpResponse]]:
    """A plain view in the format that its address ends with."""

    def wrap(view: View) -> Callable[..., HttpResponse]:
        @csrf_exempt
        @wraps(view)
        def enter(request: HttpRequest, extension: str = "json", **route: Any) -> HttpResponse:
            try:
                if request.method not in methods:
                    raise Fault(405, "method not allowed")
                if extension not in ("json", "xml"):
                    raise Fault(404, "format not known: use json or xml")
                many, one, value, status = view(request, **route)
            except Fault as fault:
                told = [{"code": fault.status, "description": one} for one in fault.descriptions]
                many, one, value, status = "errors", "error", told, fault.status
            except Problem as problem:
                many, one, value, status = "errors", "error", _errors(request, problem), _status(problem)
            return _written(extension, many, one, value, status)

        return enter

    return wrap


def _status(problem: Problem) -> int:
    return 400 if problem.status == 422 else problem.status


def _errors(request: HttpRequest, problem: Problem) -> list[dict[str, Any]]:
    language, code = negotiate(request.headers.get("Accept-Language")), _status(problem)
    told = [f"{fault.pointer.strip('/')}: {fault.detail.of(language)}" for fault in problem.errors]
    return [{"code": code, "description": text} for text in told or [problem.detail.of(language)]]


def _written(extension: str, many: str, one: str, value: Any, status: int) -> HttpResponse:
    if extension == "json":
        return HttpResponse(
            orjson.dumps(value, default=str), content_type="application/json; charset=utf-8", status=status
        )
    root = Element(many)
    if isinstance(value, Mapping):
        _fill(root, value)
    else:
        for row in value:
            _fill(SubElement(root, one), row)
    body = tostring(root, encoding="utf-8", xml_declaration=True)
    return HttpResponse(body, content_type="text/xml; charset=utf-8", status=status)


_ENTRIES = {"attributes": "attribute", "values": "value", "endpoints": "endpoint", "formats": "format"}


def _fill(element: Element, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        child = SubElement(element, name)
        if isinstance(value, list):
            for entry in value:
                inner = SubElement(child, _ENTRIES[name])
                if isinstance(entry, Mapping):
                    _fill(inner, entry)
                else:
                    inner.text = str(entry)
        elif value is not None:
            child.text = str(value).lower() if isinstance(value, bool) else _clean(str(value))


def _clean(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(char for char in text if char >= " " or char in "\t\n\r")


def _channel(request: HttpRequest) -> Channel:
    key = request.POST.get("api_key") or request.GET.get("api_key") or ""
    row = channels.known_by(key) if key else None
    if row is None:
        raise Fault(403, "Invalid api_key received -- can't proceed")
    return row


@answered("GET")
def discovery(request: HttpRequest) -> tuple[str, str, Any, int]:
    base = request.build_absolute_uri(reverse("open311-services", kwargs={"extension": "json"})).rpartition("/")[0]
    endpoint = {
        "specification": "http://wiki.open311.org/GeoReport_v2",
        "url": base,
        "changeset": "2026-11-22 00:00",
        "type": "production",
        "formats": ["text/xml", "application/json"],
    }
    told = {
        "changeset": "2026-11-22 00:00",
        "contact": "三员通 Sanyuantong",
        "key_service": "产改办 the office gives keys",
        "endpoints": [endpoint],
    }
    return "discovery", "endpoint", told, 200


@answered("GET")
def services(request: HttpRequest) -> tuple[str, str, Any, int]:
    english = negotiate(request.headers.get("Accept-Language")) == EN
    told = [
        {
            "service_code": row.code,
            "service_name": row.name_en if english and row.name_en else row.name,
            "description": f"{row.name} {row.name_en}".strip(),
            "metadata": True,
            "type": "realtime",
            "keywords": row.dimension,
            "group": row.dimension or "other",
        }
        for row in IssueCategory.objects.filter(active=True)
    ]
    return "services", "service", told, 200


@answered("GET")
def service(request: HttpRequest, code: str) -> tuple[str, str, Any, int]:
    if not IssueCategory.objects.filter(code=code, active=True).exists():
        raise Fault(404, "service_code was not found")
    attributes = [
        {"variable": True, "datatype": "string", "datatype_description": None, "order": order, "values": []} | attribute
        for order, attribute in enumerate(ATTRIBUTES, 1)
    ]
    return "service_definition", "attribute", {"service_code": code, "attributes": attributes}, 200


@answered("GET", "POST")
def requests(request: HttpRequest) -> tuple[str, str, Any, int]:
    channel = _channel(request)
    if request.method == "GET":
        rows = _asked(channels.reported(channel), request)
        return "service_requests", "request", _shown(rows), 200
    given = request.POST
    missing = [name for name in ("service_code", "description", "attribute[uscc]") if not given.get(name)]
    if missing:
        raise Fault(400, *(f"{name} was not provided" for name in missing))
    if not IssueCategory.objects.filter(code=given["service_code"], active=True).exists():
        raise Fault(404, "service_code was not found")
    values = {
        "category": given["service_code"],
        "description": given["description"],
        "uscc": given["attribute[uscc]"],
        "case_no": given.get("attribute[case_no]"),
    }
    row = rerun(channels.report)(channel, values, at=timezone.now())
    notice = "已受理;不保存个人信息 Accepted; nothing about persons is kept"
    told = [{"service_request_id": str(row.id), "service_notice": notice, "account_id": None}]
    return "service_requests", "request", told, 201


@answered("GET")
def one_request(request: HttpRequest, key: UUID) -> tuple[str, str, Any, int]:
    rows = channels.reported(_channel(request)).filter(pk=key)
    if not rows.exists():
        raise Fault(404, "service_request_id was not found")
    return "service_requests", "request", _shown(rows), 200


@answered("GET")
def token(request: HttpRequest, key: UUID) -> tuple[str, str, Any, int]:
    if not channels.reported(_channel(request)).filter(pk=key).exists():
        raise Fault(404, "token was not found")
    return "service_requests", "request", [{"service_request_id": str(key), "token": str(key)}], 200


def _asked(rows: QuerySet[Issue], request: HttpRequest) -> QuerySet[Issue]:
    """Open311's filters; without dates the last ninety days."""
    given = request.GET
    if ids := given.get("service_request_id"):
        try:
            return rows.filter(pk__in=[UUID(one) for one in ids.split(",")[:MOST]])
        except ValueError:
            raise Fault(400, "service_request_id is not one of ours") from None
    if codes := _listed(given, "service_code"):
        rows = rows.filter(category__in=codes)
    if wanted := set(_listed(given, "status")):
        if not wanted <= {"open", "closed"}:
            raise Fault(400, "status is open or closed")
        ended = Q(state__in=ENDED_STATES)
        rows = rows if len(wanted) == 2 else rows.filter(ended if "closed" in wanted else ~ended)
    until = _time(given.get("end_date")) or timezone.now()
    since = _time(given.get("start_date")) or until - SPAN
    if until - since > SPAN:
        raise Fault(400, "start_date and end_date lie at most 90 days apart")
    return rows.filter(submitted_at__gte=since, submitted_at__lte=until)


def _listed(given: QueryDict, name: str) -> list[str]:
    """A filter's values: declared several times, or with commas between them, or both."""
    return [value for one in given.getlist(name)[:100] for value in one.split(",")[:100] if value]


def _w3(at: datetime | None) -> str | None:
    return (moment(at.replace(microsecond=0)) or None) if at else None


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise Fault(400, "a date is not in the W3C format") from None
    if found.tzinfo is None or not 2000 <= found.year <= 2100:
        raise Fault(400, "a date is not in the W3C format")
    return found


def _shown(rows: QuerySet[Issue]) -> Sequence[dict[str, Any]]:
    names = dict(Department.objects.values_list("code", "name")) | dict(Region.objects.values_list("code", "name"))
    found = rows.select_related("category", "enterprise").order_by("-submitted_at", "id")[:MOST]
    return [_one(row, names) for row in found]


def _one(row: Issue, names: Mapping[str, str]) -> dict[str, Any]:
    place = _place(row.enterprise.location)
    return {
        "service_request_id": str(row.id),
        "status": "closed" if row.state in ENDED_STATES else "open",
        "status_notes": str(STATE_NAMES[State(row.state)]),
        "service_name": row.category.name,
        "service_code": row.category_id,
        "description": row.description,
        "agency_responsible": names.get(row.lead_code),
        "service_notice": None,
        "requested_datetime": _w3(row.submitted_at),
        "updated_datetime": _w3(row.closed_at or row.updated_at),
        "expected_datetime": _w3(row.due),
        "address": row.enterprise.address or None,
        "address_id": None,
        "zipcode": None,
        "lat": place.lat if place else None,
        "long": place.lon if place else None,
        "media_url": None,
    }


def _place(location: Any) -> Place | None:
    try:
        return Place(location["lat"], location["lon"], location.get("crs", "wgs84")).wgs84()
    except (TypeError, KeyError, ValueError):
        return None


class ChannelInput(Strict):
    code = serializers.RegexField(r"^[A-Za-z0-9_-]{1,40}$")
    name = String(max_length=100)


class ChannelShape(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    code = serializers.CharField()
    name = serializers.CharField()
    active = serializers.BooleanField()
    created_at = serializers.DateTimeField()


class ChannelKey(ChannelShape):
    api_key = serializers.CharField(help_text="told this once")


class ChannelPage(serializers.Serializer[Any]):
    results = ChannelShape(many=True)
    next = serializers.CharField(allow_null=True)


def rendered(rows: Sequence[Channel]) -> list[dict[str, Any]]:
    return [
        {"id": row.id, "code": row.code, "name": row.name, "active": row.active, "created_at": moment(row.created_at)}
        for row in rows
    ]


class Channels(Noun):
    @extend_schema(responses=ChannelPage, operation_id="list_channels")
    def get(self, request: Request) -> Response:
        """Other systems that may report issues."""
        return page(request, Channel.objects.all(), ("code",), rendered)

    @extend_schema(request=ChannelInput, responses={201: ChannelKey}, operation_id="create_channel")
    def post(self, request: Request) -> Response:
        """Let another system in; the answer is the only one that holds its key."""
        row, key = channels.create(**self.read(ChannelInput), by=self.by, at=self.at)
        return Response(rendered([row])[0] | {"api_key": key}, status=201)


class OneChannel(Noun):
    @extend_schema(responses={204: None}, operation_id="end_channel")
    def delete(self, request: Request, key: UUID) -> Response:
        """Take a system's key away; what it reported stays."""
        channels.end(key, by=self.by, at=self.at)
        return Response(status=204)


urlpatterns = [
    path("channels", Channels.as_view(), name="channels"),
    path("channels/<uuid:key>", OneChannel.as_view(), name="channel"),
    path("open311/discovery.<str:extension>", discovery, name="open311-discovery"),
    path("open311/v2/services.<str:extension>", services, name="open311-services"),
    path("open311/v2/services/<slug:code>.<str:extension>", service, name="open311-service"),
    path("open311/v2/requests.<str:extension>", requests, name="open311-requests"),
    path("open311/v2/requests/<uuid:key>.<str:extension>", one_request, name="open311-request"),
    path("open311/v2/tokens/<uuid:key>.<str:extension>", token, name="open311-token"),
]
