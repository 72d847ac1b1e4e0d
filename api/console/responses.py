"""The responses in the console: the queue of what was submitted, one response in words, taken or sent back with comments."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone

from api.console.base import VerbAdmin
from api.console.site import caller_of
from core.problems import Problem
from surveys import aloud, externals, responses
from surveys.documents import SHANGHAI
from surveys.models import Response, ResponseStatus


class StatusFilter(admin.SimpleListFilter):
    """What waits for review, unless something else is asked for."""

    title = "状态"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("all", "全部"), *((code, str(name)) for code, name in ResponseStatus.choices)]

    def queryset(self, request: HttpRequest, rows: QuerySet[Response]) -> QuerySet[Response]:
        wanted = self.value() or ResponseStatus.SUBMITTED.value
        return rows if wanted == "all" else rows.filter(status=wanted)


@admin.register(Response)
class ResponseAdmin(VerbAdmin):
    read_verb, write_verb = "response.review", "response.review"
    may_add = False
    list_display = ("questionnaire", "enterprise", "author", "status", "submitted_at", "warned")
    list_filter = (StatusFilter, "questionnaire")
    list_select_related = ("questionnaire", "enterprise", "author")
    search_fields = ("enterprise__name", "author__name")
    actions = ("accept",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Response]:
        return responses.visible(caller_of(request))

    @admin.display(description="提醒")
    def warned(self, row: Response) -> str:
        return str(len(row.findings) or "")

    @admin.action(description="采纳", permissions=["write"])
    def accept(self, request: HttpRequest, rows: QuerySet[Response]) -> None:
        def verb(row: Response, by: Any, at: Any) -> object:
            return responses.review(row.pk, accept=True, by=by, at=at)

        self.each(request, rows, verb, "已采纳")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One response in words; a comment beside every answer, and the two decisions."""
        if not self.has_view_permission(request):
            raise Http404
        row = _found(object_id, request)
        faults: list[str] = []
        if request.method == "POST":
            faults = self._decide(request, row)
            if not faults:
                return HttpResponseRedirect(request.path)
        given = request.POST if request.method == "POST" else {}
        context = self.admin_site.each_context(request) | {
            "title": f"答卷：{row.questionnaire.title} · {row.enterprise.name} · {row.get_status_display()}",
            "response": row,
            "open": row.status == ResponseStatus.SUBMITTED,
            "lines": _lines(row, given),
            "facts": _facts(row),
            "comment": given.get("comment", row.review_comment),
            "faults": faults,
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "console/response.html", context)

    def _decide(self, request: HttpRequest, row: Response) -> list[str]:
        comments = {name[2:]: str(said)[:1000] for name, said in request.POST.items() if name.startswith("q:")}
        accept = request.POST.get("decision") == "accept"
        try:
            responses.review(
                row.pk, accept=accept, comment=request.POST.get("comment", "")[:1000], comments=comments,
                by=caller_of(request), at=timezone.now(),
            )  # fmt: skip
        except Problem as problem:
            return [str(fault.detail) for fault in problem.errors] or [str(problem.detail)]
        self.message_user(request, "已采纳" if accept else "已退回，手机下次同步时可见", messages.SUCCESS)
        return []


def _found(key: str, request: HttpRequest) -> Response:
    try:
        rows = responses.visible(caller_of(request)).filter(pk=UUID(key))
    except ValueError:
        raise Http404 from None
    row = rows.select_related("questionnaire", "enterprise", "author").first()
    if row is None:
        raise Http404
    return row


def _lines(row: Response, given: Any) -> list[dict[str, Any]]:
    """Each line with what was found about it and what is said to it."""
    version = row.questionnaire.versions.get(number=row.version)
    asked = {
        entry.external
        for entry in responses.definition_of(row.questionnaire_id, row.version, version.hash).questions.values()
    }
    found: dict[str, list[str]] = {}
    for each in row.findings:
        found.setdefault(each["pointer"].removeprefix("/answers/"), []).append(each["detail"])
    external = externals.labels({name for name in asked if name})
    return [
        {
            "line": line, "found": found.get(line.pointer, []),
            "comment": given.get(f"q:{line.pointer}", row.comments.get(line.pointer, "")),
        }
        for line in aloud.read(version.form, row.answers, "zh-Hans", external)
    ]  # fmt: skip


def _facts(row: Response) -> list[tuple[str, str]]:
    def moment(when: Any) -> str:
        return when.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if when else ""

    lines = [
        ("企业", row.enterprise.name),
        ("填报人", row.author.name if row.author else ""),
        ("问卷版本", str(row.version)),
        ("开始", moment(row.started_at)),
        ("提交", moment(row.submitted_at)),
        ("得分", "；".join(f"{_NAMES.get(name, name)} {score:g}" for name, score in row.scores.items())),
        ("上次意见", row.review_comment),
    ]
    return [(label, value) for label, value in lines if value]


_NAMES = {"political": "政治上保证", "institutional": "制度上落实", "quality": "素质上提高", "rights": "权益上维护"}
