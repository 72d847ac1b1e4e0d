"""The API about itself: OpenAPI 3.1 and a page to read it, with assets from this server alone."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from hashlib import sha256
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import path
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from api import negotiation
from api.doors import open_door
from api.policy import DeclaredPolicy
from api.upload_paths import PATHS

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. `errors` names each fault by JSON pointer; further members depend on `type`.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
                "required": ["pointer", "code", "detail"],
            },
        },
    },
    "required": ["type", "title", "status", "detail"],
    "additionalProperties": True,
}
ANY_PROBLEM = {
    "description": "What went wrong",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
PAGING = (
    ("cursor", {"type": "string"}, "from `next` of the page before"),
    ("limit", {"type": "integer", "minimum": 1, "maximum": 500, "default": 100}, "rows a page; more is cut"),
)
PAGED = frozenset({"report_evidence", "read_snapshot_evidence"})
"""Operations that give pages and are no lists of records."""
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    "description": "The same key with the same request gets the same answer, with one effect.",
}
ONCE = frozenset(
    {
        "create_user", "create_region", "create_department", "create_enterprise", "import_enterprises", "assign",
        "upload_questionnaire",
        "create_visit", "plan_visit", "submit_issue", "act_on_issue", "act_on_issues",
        "import_calendar_year", "create_routing_rule", "decide_task",
        "draft_scheme", "enter_assessment", "take_snapshot", "object_to_snapshot",
    }
)  # fmt: skip
"""Operations that take an ``Idempotency-Key``; rooms that add their own put the operation's id here."""


class DeviceJWTScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its metaclass hook is untyped
    target_class = "api.authentication.DeviceJWTAuthentication"
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Spectacular's postprocessing hook: problems, paging and idempotency keys are declared here, once for all."""
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    paths: dict[str, Any] = result.setdefault("paths", {})
    paths |= deepcopy(PATHS)
    for operations in paths.values():
        for operation in operations.values():
            operation["responses"].setdefault("default", ANY_PROBLEM)
            parameters = operation.setdefault("parameters", [])
            if operation["operationId"].startswith("list_") or operation["operationId"] in PAGED:
                parameters += [
                    {"name": name, "in": "query", "required": False, "schema": schema, "description": why}
                    for name, schema, why in PAGING
                ]
            if operation["operationId"] in ONCE:
                parameters.append(IDEMPOTENCY_KEY)
    return result


@cache
def written(media_type: str) -> tuple[bytes, str]:
    """The document in one form, and its tag. It is made of the code alone, so each process writes it once."""
    [form] = [form for form in Schema.renderer_classes if form.media_type == media_type]
    generator: Any = Schema.generator_class
    text: bytes = form().render(generator().get_schema(public=True))
    return text, f'"{sha256(text).hexdigest()[:32]}"'


class Schema(SpectacularAPIView):
    """The OpenAPI document; JSON for `Accept: application/json`."""

    permission_classes = (DeclaredPolicy,)

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        form = request.accepted_renderer
        text, tag = written(form.media_type)
        headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept"}
        if negotiation.has(request, tag):
            return HttpResponse(status=304, headers=headers)
        headers["Content-Disposition"] = f'inline; filename="sanyuantong-openapi.{form.format}"'
        return HttpResponse(text, content_type=f"{form.media_type}; charset=utf-8", headers=headers)


class Docs(SpectacularSwaggerSplitView):
    """A readable page over the OpenAPI document; its script is a file of its own, so that none need stand in the page."""

    permission_classes = (DeclaredPolicy,)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        found: Response = super().finalize_response(request, response, *args, **kwargs)
        found["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
            "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return found


@open_door
def front(request: HttpRequest) -> HttpResponseBase:
    """Whoever opens the bare address of the API is led to its readable page."""
    return redirect("docs")


@open_door
def house(request: HttpRequest) -> HttpResponseBase:
    """Whoever opens the server's bare address is led to the console."""
    return redirect("admin:index")


urlpatterns = [
    path("", front, name="front"),
    path("schema", Schema.as_view(), name="schema"),
    path("docs", Docs.as_view(url_name="schema"), name="docs"),
]
