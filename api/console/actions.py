"""A form for each action of the workflow, made from the table: its fields in the office's words, its choices by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from core.problems import Problem
from inspections import words
from inspections.actions import Opening
from inspections.models import Issue
from inspections.rulebook import DeadlineClass
from inspections.workflow import Field
from organizations.models import Department, Region

Choices = list[tuple[str, str]]
EMPTY: Choices = [("", "———")]
_LONG = frozenset({"reason", "ground", "new_facts"})
_HIDDEN = frozenset({"record", "records", "person"})
"""Photos are attached and handlers are named by those who are on the spot, over the API."""


class ActionForm(forms.Form):
    """The base: its fields are laid on by ``wish``."""


@dataclass(slots=True)
class Wish:
    """One action with its form."""

    opening: Opening
    form: ActionForm

    def carried(self) -> tuple[str | None, dict[str, Any]]:
        """The text and the data that the form holds, as the verb reads them; what was left empty is not said."""
        values = dict(self.form.cleaned_data)
        text = values.pop("text", None)
        kinds = {field.name: field.kind for field in self.opening.row.fields}
        data = {name: _said(kinds[name], value) for name, value in values.items()}
        unsaid = {name for name, value in data.items() if value in (None, "", []) and kinds[name] != "bool_or_null"}
        return text or None, {name: value for name, value in data.items() if name not in unsaid}

    def refuse(self, problem: Problem) -> None:
        """Say beside each field what the verb found wrong with it."""
        for fault in problem.errors:
            name = fault.pointer.strip("/").removeprefix("data/").split("/")[0]
            self.form.add_error(name if name in self.form.fields else None, str(fault.detail))
        if not problem.errors:
            self.form.add_error(None, str(problem.detail))


def wish(opening: Opening, issue: Issue, given: Mapping[str, Any] | None) -> Wish:
    """The form of an action, filled with what was sent."""
    form = ActionForm(given, prefix=None)
    row = opening.row
    for field in row.fields:
        if field.kind not in _HIDDEN:
            form.fields[field.name] = _MADE[field.kind](field, field.name in opening.requires, issue)
            form.fields[field.name].label = str(words.FIELD_NAMES.get(field.name, field.name))
    form.fields["text"] = forms.CharField(
        label=str(words.FIELD_NAMES["text"]), required=row.text, max_length=4000, widget=UnfoldAdminTextareaWidget
    )
    return Wish(opening, form)


def _said(kind: str, value: Any) -> Any:
    if kind in ("bool", "bool_or_null"):
        return {"true": True, "false": False}.get(value)
    return value.isoformat() if kind == "date" and value else value


def _select(choices: Choices, required: bool) -> forms.ChoiceField:
    return forms.ChoiceField(choices=EMPTY + choices, required=required, widget=UnfoldAdminSelectWidget)


def _parties() -> Choices:
    departments = Department.objects.filter(active=True).order_by("code").values_list("code", "name")
    return [*departments, *Region.objects.order_by("code").values_list("code", "name")]


def _department(field: Field, required: bool, issue: Issue) -> forms.Field:
    own = field.name == "department"
    chosen = [(code, name) for code, name in _parties() if not own or code in issue.assists]
    return _select(chosen, required)


def _departments(field: Field, required: bool, issue: Issue) -> forms.Field:
    widget = forms.SelectMultiple(attrs={"size": 6, "class": "border rounded p-2"})
    return forms.MultipleChoiceField(choices=_parties(), required=required, initial=issue.assists, widget=widget)


def _class(field: Field, required: bool, issue: Issue) -> forms.Field:
    known = [(row.code, f"{row.code} {row.name}") for row in DeadlineClass.objects.all()]
    found = _select(known, required)
    found.initial = issue.deadline_class_id or issue.category.deadline_class_id
    return found


def _choice(field: Field, required: bool, issue: Issue) -> forms.Field:
    return _select([(code, str(words.of(code))) for code in field.choices], required)


def _bool(field: Field, required: bool, issue: Issue) -> forms.Field:
    return _select([("true", "是"), ("false", "否")], required)


def _bool_or_null(field: Field, required: bool, issue: Issue) -> forms.Field:
    return forms.ChoiceField(
        choices=[("", "未知或未联系上"), ("true", "是"), ("false", "否")],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )


def _text(field: Field, required: bool, issue: Issue) -> forms.Field:
    widget = UnfoldAdminTextareaWidget if field.name in _LONG else UnfoldAdminTextInputWidget
    return forms.CharField(required=required, max_length=1000, widget=widget)


def _date(field: Field, required: bool, issue: Issue) -> forms.Field:
    return forms.DateField(required=required, widget=UnfoldAdminSingleDateWidget)


def _int(field: Field, required: bool, issue: Issue) -> forms.Field:
    return forms.IntegerField(required=required, widget=UnfoldAdminIntegerFieldWidget)


_MADE: Mapping[str, Callable[[Field, bool, Issue], forms.Field]] = {
    "department": _department,
    "departments": _departments,
    "deadline_class": _class,
    "choice": _choice,
    "bool": _bool,
    "bool_or_null": _bool_or_null,
    "text": _text,
    "code": _text,
    "issue": _text,
    "date": _date,
    "int": _int,
}
