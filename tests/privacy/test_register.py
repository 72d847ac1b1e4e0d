"""The register is complete: what the tables hold of people has its row, and what it names exists."""

from __future__ import annotations

from collections import Counter

from django.apps import apps
from django.db import models

from organizations.models import Person
from privacy.register import BY_CATEGORY, REGISTER, page
from privacy.retention import RULES
from tests.services import ROOT

ROOMS = (
    "organizations",
    "journal",
    "surveys",
    "media",
    "inspections",
    "sync",
    "reports",
    "notifications",
    "privacy",
    "api",
)
TELLING = {
    "person", "device", "author", "reporter", "handler", "interviewee", "participants", "check_in", "location", "phone",
    "email", "username", "exif", "payload", "leader", "hardware",
}  # fmt: skip
"""Names of columns that speak of a person."""
NOT_OF_PEOPLE = {
    "Enterprise.location": "where a firm is",
    "Link.device": "a photo's place in the chain, by the bare id",
}


def tables() -> dict[str, type[models.Model]]:
    """By name; two of one name are told apart by their rooms."""
    models_ = [model for room in ROOMS for model in apps.get_app_config(room).get_models()]
    names = Counter(model.__name__ for model in models_)
    return {model.__name__ if names[model.__name__] == 1 else model._meta.label: model for model in models_}


def test_every_field_that_the_register_names_exists() -> None:
    known = {f"{name}.{field.name}" for name, model in tables().items() for field in model._meta.get_fields()}
    named = {field for kept in REGISTER for field in kept.fields}
    assert named - known == set()


def test_every_column_that_speaks_of_a_person_is_in_the_register() -> None:
    named = {field for kept in REGISTER for field in kept.fields}
    speaking = set()
    for name, model in tables().items():
        for field in model._meta.fields:
            points = isinstance(field, models.ForeignKey) and field.related_model is Person
            if points or field.name in TELLING:
                speaking.add(f"{name}.{field.name}")
    assert speaking - named - set(NOT_OF_PEOPLE) == set()


def test_every_rule_has_a_category_with_days_and_categories_are_named_once() -> None:
    assert len(BY_CATEGORY) == len(REGISTER)
    assert all(BY_CATEGORY[name].days for name in RULES)


def test_the_page_says_what_the_table_says() -> None:
    assert (ROOT / "docs" / "personal-information.md").read_text(encoding="utf-8") == page(), "run make openapi"
