"""Lists by cursor: ``{"results": […], "next": url | null}``. A page begins after the last row of the one before,
so rows that come and go in between neither repeat nor hide others.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import orjson
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Field, Model, Q, QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from api.parsing import loads, refused
from core.problems import Malformed
from core.texts import Text

LIMIT, MOST = 100, 500
BAD_CURSOR = Text("分页游标无效", "The cursor is not one of ours")


def page(
    request: Request, rows: QuerySet[Any], order: Sequence[str], render: Callable[[Sequence[Any]], list[Any]]
) -> Response:
    """One page of ``rows`` in this order (field names, ``-`` for descending; together unique), rendered at once."""
    limit = read_limit(request)
    rows = rows.order_by(*order)
    if raw := request.query_params.get("cursor"):
        rows = rows.filter(_after(order, _values(rows.model, order, raw)))
    found = list(rows[: limit + 1])
    following = None
    if len(found) > limit:
        found = found[:limit]
        following = _next(request, [getattr(found[-1], name.lstrip("-")) for name in order])
    return Response({"results": render(found), "next": following})


def read_limit(request: Request) -> int:
    """``?limit=``, from 1 and cut at the most we give. Raises ``Malformed``."""
    raw = request.query_params.get("limit", str(LIMIT))
    if not (raw.isascii() and raw.isdigit() and 0 < len(raw) < 10 and int(raw)):
        raise refused("limit", Text("limit 应为正整数", "limit must be a positive whole number"), "/limit")
    return min(int(raw), MOST)


def _next(request: Request, values: list[Any]) -> str:
    token = base64.urlsafe_b64encode(orjson.dumps(values, default=str)).decode().rstrip("=")
    others = [(name, value) for name, value in request.query_params.items() if name != "cursor"]
    return request.build_absolute_uri(f"{request.path}?{urlencode([*others, ('cursor', token)])}")


def _values(model: type[Model], order: Sequence[str], raw: str) -> list[Any]:
    """What the cursor holds, checked against the types of the fields it is compared with."""
    try:
        values = loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
        if not isinstance(values, list) or len(values) != len(order):
            raise refused("cursor", BAD_CURSOR, "/cursor")
        fields = [model._meta.get_field(name.lstrip("-")) for name in order]
        return [_typed(field, value) for field, value in zip(fields, values, strict=True)]
    except (binascii.Error, ValueError, TypeError, OverflowError, ValidationError, FieldDoesNotExist, Malformed):
        raise refused("cursor", BAD_CURSOR, "/cursor") from None


def _typed(field: Any, value: Any) -> Any:
    if not isinstance(value, str | int) or isinstance(value, bool) or "\0" in str(value):
        raise ValueError("not a value of ours")
    if isinstance(field, Field):
        found = field.to_python(value)
        if isinstance(found, str | int | UUID | date | datetime):
            return found
    raise ValueError("not a value of ours")


def _after(order: Sequence[str], values: Sequence[Any]) -> Q:
    """Rows that come after these values: greater in the first field, or equal there and greater in the rest."""
    condition = Q()
    for name, value in reversed(list(zip(order, values, strict=True))):
        field, direction = name.lstrip("-"), "lt" if name.startswith("-") else "gt"
        beyond = Q(**{f"{field}__{direction}": value})
        condition = beyond | (Q(**{field: value}) & condition) if condition else beyond
    if len(order) > 1:  # this follows from the rest, but an index can begin at the cursor only if it is told so
        bound = f"{order[0].lstrip('-')}__{'lte' if order[0].startswith('-') else 'gte'}"
        condition = Q(**{bound: values[0]}) & condition
    return condition
