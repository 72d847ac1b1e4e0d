"""Every refusal becomes an RFC 9457 problem here, in the language of the caller. What nobody foresaw stays a 500.

"Send again" is said by 429 and by any 5xx, both with ``Retry-After``, and by nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions, status
from rest_framework.response import Response

from api.parsing import escaped
from api.rendering import PROBLEM, JSONRenderer, dumps
from api.shapes import OBJECT
from core.problems import Conflict, Fault, Forbidden, Invalid, Malformed, NotFound, Problem, TooLarge, Unavailable
from core.texts import Text, negotiate

FORESEEN = (Problem, Http404, PermissionDenied, SuspiciousOperation, OperationalError, InterfaceError)
"""What plain views catch; everything else is a defect and becomes a 500."""
Answer = TypeVar("Answer", bound=HttpResponse)
logger = logging.getLogger(__name__)
RETRY_AFTER = 5


class Unauthenticated(Problem):
    """There is no token, or not one of ours."""

    kind = "unauthenticated"
    status = 401
    title = Text("请先登录", "Please sign in")


class MethodNotAllowed(Problem):
    kind = "method-not-allowed"
    status = 405
    title = Text("此地址不支持该方法", "This address does not know that method")


class NotAcceptable(Problem):
    kind = "not-acceptable"
    status = 406
    title = Text("无法以所要求的格式回答", "Cannot answer in the format asked for")


class UnsupportedMedia(Problem):
    kind = "unsupported-media-type"
    status = 415
    title = Text("不支持该内容格式", "This content type is not supported")


class Throttled(Problem):
    kind = "throttled"
    status = 429
    title = Text("请求过于频繁", "Too many requests")


class PreconditionFailed(Problem):
    """``If-Match`` names another state than the present one."""

    kind = "precondition-failed"
    status = 412
    title = Text("内容已被更新，请重新读取", "It has changed in the meantime, please read it again")


class Crashed(Problem):
    kind = "internal"
    status = 500
    title = Text("服务器内部错误", "Internal error")


_BY_STATUS: dict[int, type[Problem]] = {
    problem.status: problem
    for problem in (
        Malformed, Unauthenticated, Forbidden, NotFound, MethodNotAllowed, NotAcceptable, Conflict, PreconditionFailed,
        TooLarge, UnsupportedMedia, Invalid, Throttled, Crashed, Unavailable,
    )
}  # fmt: skip

RULES: dict[str, Text] = {
    "required": Text("必填", "Is required"),
    "null": Text("不能为空", "Must not be null"),
    "blank": Text("不能为空", "Must not be blank"),
    "empty": Text("不能为空", "Must not be empty"),
    "invalid": Text("格式不对", "Has the wrong form"),
    "invalid_choice": Text("不在可选范围内", "Is not one of the choices"),
    "max_length": Text("太长", "Is too long"),
    "min_length": Text("太短", "Is too short"),
    "max_string_length": Text("太长", "Is too long"),
    "max_value": Text("太大", "Is too large"),
    "min_value": Text("太小", "Is too small"),
    "overflow": Text("超出范围", "Is out of range"),
    "not_a_list": Text("应为列表", "Must be a list"),
    "not_a_dict": Text("应为对象", "Must be an object"),
    "unknown": Text("没有这个字段", "There is no such field"),
    "date": Text("应为日期", "Must be a date"),
    "datetime": Text("应为时间", "Must be a time"),
    "null_characters_not_allowed": Text("不得含有空字符", "Must not hold U+0000"),
    "surrogate_characters_not_allowed": Text("不得含有孤立代理字符", "Must not hold lone surrogates"),
}
"""What shape checks say, by their code."""

SHAPES: dict[str, Text] = {
    "text": Text("应为文本", "Must be text"),
    "flag": Text("应为 true 或 false", "Must be true or false"),
    "whole": Text("应为整数", "Must be a whole number"),
    "uuid": Text("应为 UUID", "Must be a UUID"),
}
AN_OBJECT = Text("应为对象，可含 {names}", "Must be an object; it may hold {names}")
"""What ``invalid`` says where the field tells which form it wants."""


def handle(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """DRF's exception handler: the problem as a response, or None for a genuine 500."""
    problem = as_problem(error)
    if problem is None:
        return None
    request = context.get("request")
    if request is not None:  # a problem is JSON, whatever the view answers in
        request.accepted_renderer, request.accepted_media_type = JSONRenderer(), PROBLEM
    language = negotiate(request.headers.get("Accept-Language") if request is not None else None)
    response = Response(problem.told(language), status=problem.status, content_type=PROBLEM)
    for name, value in _headers(problem, error).items():
        response[name] = value
    response["Cache-Control"] = "no-store"
    return marked(response, problem)


def as_problem(error: Exception) -> Problem | None:
    """What an exception of ours, DRF's, Django's or the database's means to a caller; None when it is a defect."""
    match error:
        case Problem():
            return error
        case exceptions.ValidationError():
            return Invalid(errors=list(faults(error.detail)))
        case exceptions.APIException():
            known = _BY_STATUS.get(error.status_code)
            return known() if known else None
        case Http404():
            return NotFound()
        case PermissionDenied():
            return Forbidden()
        case RequestDataTooBig():
            return TooLarge()
        case SuspiciousOperation():
            return Malformed()
        case OperationalError() | InterfaceError():
            logger.warning("the database is away: %s", type(error).__name__)
            return Unavailable()
    return None


def faults(detail: Any, pointer: str = "") -> Iterator[Fault]:
    """DRF's nested error details as flat faults with JSON pointers."""
    if isinstance(detail, Mapping):
        for key, inner in detail.items():
            yield from faults(inner, pointer if key == "non_field_errors" else f"{pointer}/{escaped(str(key))}")
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            yield from faults(inner, pointer if isinstance(inner, str) else f"{pointer}/{index}")
    else:
        code = str(getattr(detail, "code", "invalid"))
        yield Fault(pointer, code.replace("_", "-"), _said(code, str(detail)))


def _said(code: str, detail: str) -> Text:
    if code == "invalid" and detail.startswith(OBJECT):
        return AN_OBJECT.fill(names=detail.removeprefix(OBJECT))
    if code == "invalid" and detail in SHAPES:
        return SHAPES[detail]
    return RULES.get(code) or Text(detail, detail)


def marked(response: Answer, problem: Problem) -> Answer:
    """The kind of the problem goes along with the response, for the line that the log will have about it."""
    response.__dict__["problem"] = problem.kind
    return response


def _headers(problem: Problem, error: Exception) -> dict[str, str]:
    headers = {}
    if "allow" in problem.extra:
        headers["Allow"] = ", ".join(problem.extra["allow"])
    if problem.status == status.HTTP_401_UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="api"'
    if problem.status == status.HTTP_429_TOO_MANY_REQUESTS or problem.status >= 500:
        wait = problem.extra.get("retry_after") or getattr(error, "wait", None) or RETRY_AFTER
        headers["Retry-After"] = str(int(wait))
    return headers


def page(request: HttpRequest, problem: Problem) -> HttpResponse:
    """A problem as a plain Django response."""
    body = dumps(problem.told(negotiate(request.headers.get("Accept-Language"))))
    response = HttpResponse(body, status=problem.status, content_type=PROBLEM)
    for name, value in _headers(problem, problem).items():
        response[name] = value
    response["Cache-Control"] = "no-store"
    if problem.routine:
        logger.info("%s", problem.kind)
        response._has_been_logged = True  # type: ignore[attr-defined]  # Django's own mark, else it tells any 5xx as an error
    return marked(response, problem)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's ``handler400``."""
    return page(request, TooLarge() if isinstance(exception, RequestDataTooBig) else Malformed())


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's ``handler403``."""
    return page(request, Forbidden())


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's ``handler404``: an address that does not exist answers like a thing that does not."""
    return page(request, NotFound())


def crashed(request: HttpRequest) -> HttpResponse:
    """Django's ``handler500``: nothing of the exception's text leaves the server."""
    return page(request, Crashed())
