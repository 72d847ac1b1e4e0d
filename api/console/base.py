"""What all pages of the console share: permissions from the table, saving by verbs, faults beside their fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin

from api.console.site import caller_of
from core.problems import Problem
from organizations.permissions import Caller, may


class VerbForm(forms.ModelForm):
    """A form whose last check is the verb itself: it runs once, inside the page's transaction, and may refuse.

    ``put`` gets the values given (all of a new row, the changed ones of an old) and returns the saved row.
    """

    by: ClassVar[Caller]

    def put(self, values: dict[str, Any], *, new: bool) -> Model:
        raise NotImplementedError

    def _post_clean(self) -> None:
        if self.errors:
            return
        new = self.instance._state.adding
        names = list(self.cleaned_data) if new else self.changed_data
        try:
            self.instance = self.put({name: self.cleaned_data[name] for name in names}, new=new)
        except Problem as problem:
            self._refuse(problem)

    def _refuse(self, problem: Problem) -> None:
        for fault in problem.errors:
            name = fault.pointer.strip("/").split("/")[0]
            self.add_error(name if name in self.fields else None, str(fault.detail))
        if not problem.errors:
            self.add_error(None, str(problem.detail))


class VerbAdmin(ModelAdmin):
    """A page over rows that verbs write. Rows are never deleted here; the journal is the log."""

    read_verb: ClassVar[str]
    write_verb: ClassVar[str]
    may_add: ClassVar[bool] = True
    may_change: ClassVar[bool] = True
    list_per_page = 50
    show_full_result_count = False
    compressed_fields = True

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form = super().get_form(request, obj, change, **options)
        form.by = caller_of(request)
        return form

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """The form's verb has saved already."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing is related that the verb has not saved."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may(caller_of(request), self.read_verb)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may_add and may(caller_of(request), self.write_verb)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may_change and may(caller_of(request), self.write_verb)

    def has_write_permission(self, request: HttpRequest) -> bool:
        """What the actions of a list ask for."""
        return may(caller_of(request), self.write_verb)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        return None

    def each(
        self, request: HttpRequest, rows: QuerySet[Any], verb: Callable[[Any, Any, Any], object], done: str
    ) -> None:
        """Run an action's verb on each row chosen; one refusal is told and hinders no other."""
        by, at = caller_of(request), timezone.now()
        count = 0
        for row in rows:
            try:
                verb(row, by, at)
                count += 1
            except Problem as problem:
                self.message_user(request, f"{row}：{problem.detail}", messages.ERROR)
        if count:
            self.message_user(request, f"{done}：{count} 项", messages.SUCCESS)
