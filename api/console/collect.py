"""What ODK Collect brought, in the console: the submissions, and the files that belong to no question, to look at and settle."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from api.console.base import VerbAdmin
from media.storage import storage
from organizations.models import Person
from surveys import collect
from surveys.models import Response, Submission


class Waiting(admin.SimpleListFilter):
    """Submissions with files that nobody has looked at."""

    title = "搁置文件"
    parameter_name = "aside"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "待处理"), ("settled", "已处理")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Submission]) -> QuerySet[Submission]:
        if self.value() is None:
            return queryset
        return queryset.filter(aside__gt=0, settled_at__isnull=self.value() == "waiting")


@admin.register(Submission)
class SubmissionAdmin(VerbAdmin):
    read_verb, write_verb = "response.review", "response.review"
    may_add = may_change = False
    list_display = ("instance", "person_name", "at", "kept", "aside", "settled_at", "superseded_by")
    list_filter = (Waiting,)
    search_fields = ("instance",)
    actions = ("settle",)
    fields = ("instance", "person_name", "at", "kept", "files", "superseded_by", "settled_at", "shown_xml")
    readonly_fields = ("person_name", "kept", "files", "shown_xml")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Submission]:
        names = Person.objects.filter(pk=OuterRef("person")).values("name")
        status = Response.objects.filter(pk=OuterRef("response")).values("status")
        rows: QuerySet[Submission] = super().get_queryset(request)
        return rows.annotate(name=Subquery(names), status=Subquery(status))

    def get_urls(self) -> list[URLPattern]:
        download = self.admin_site.admin_view(self.download)
        own = [path("<path:instance>/files/<str:sha256>", download, name="surveys_submission_file")]
        found: list[URLPattern] = own + super().get_urls()
        return found

    @admin.display(description="填报人")
    def person_name(self, row: Any) -> str:
        return row.name or "—"

    @admin.display(description="答卷")
    def kept(self, row: Any) -> str:
        """What became of the answers: kept as a response, or waiting in the quarantine."""
        return "已入库" if row.status else "隔离待处理"

    @admin.display(description="文件")
    def files(self, row: Submission) -> SafeString:
        """Every file that came; those set aside can be fetched."""
        lines = []
        for name, each in sorted(row.received.items()):
            if each["kept"] == collect.ASIDE:
                address = reverse("admin:surveys_submission_file", args=[row.instance, each["sha256"]])
                lines.append((format_html('<a href="{}">{}</a>（{} 字节，已搁置）', address, name, each["size"]),))
            else:
                became = "已到期清除" if each["kept"] == collect.GONE else "已作为照片入库"
                lines.append((format_html("{}（{} 字节，{}）", name, each["size"], became),))
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", lines))

    @admin.display(description="XML")
    def shown_xml(self, row: Submission) -> SafeString:
        return format_html('<pre class="whitespace-pre-wrap">{}</pre>', row.xml)

    @admin.action(description="标为已处理", permissions=["write"])
    def settle(self, request: HttpRequest, rows: QuerySet[Submission]) -> None:
        self.each(request, rows, lambda row, by, at: collect.settle(row.instance, by=by, at=at), "已处理")

    def download(self, request: HttpRequest, instance: str, sha256: str) -> HttpResponseBase:
        """A file set aside, as it came; a browser is told to save it and to guess nothing."""
        row = Submission.objects.filter(instance=instance).first() if self.has_view_permission(request) else None
        named = row.received.items() if row else ()
        name = next((name for name, each in named if each["sha256"] == sha256 and each["kept"] == collect.ASIDE), None)
        if name is None:
            raise Http404
        if storage().size(key := collect.aside_key(sha256)) is None:
            raise Http404
        pieces = storage().read(key)
        response = StreamingHttpResponse(pieces, content_type="application/octet-stream")
        response["Content-Disposition"] = f"attachment; filename={sha256[:12]}.bin; filename*=UTF-8''{quote(name)}"
        response["X-Content-Type-Options"] = "nosniff"
        return response
