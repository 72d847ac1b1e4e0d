"""The building blocks of request and answer shapes. What is not declared is refused with its pointer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import empty

from core.ids import stable

OBJECT = "object: "
"""With the names of its members after it: what a shape says that was given something else (``api.errors.SHAPES``)."""


class Strict(serializers.Serializer[Any]):
    """A serializer that refuses fields it does not know (mass assignment) and values of a foreign type."""

    def to_internal_value(self, data: Any) -> Any:
        known = [name for name, field in self.fields.items() if not field.read_only]
        if not isinstance(data, Mapping):
            wanted = ErrorDetail(OBJECT + ", ".join(known), "invalid")
            raise ValidationError({"non_field_errors": [wanted]})
        strange = {str(name): [ErrorDetail("", "unknown")] for name in data if name not in known}
        if strange:
            raise ValidationError(strange)
        return super().to_internal_value(data)


class String(serializers.CharField):
    """Text that must be a JSON string; other types are not turned into one."""

    default_error_messages = {"invalid": "text"}

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """``true`` or ``false`` and no other spelling, except in a query string."""

    default_error_messages = {"invalid": "flag"}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):
            data = {"true": True, "false": False}.get(data, data)
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Whole(serializers.IntegerField):
    """A whole number that must be a JSON number, or digits in a query string."""

    default_error_messages = {"invalid": "whole"}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class Identifier(serializers.UUIDField):
    """A UUID in its usual spelling."""

    default_error_messages = {"invalid": "uuid"}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str | UUID):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class Coded(serializers.CharField):
    """A coded thing (``kind`` "regions", "departments"), named by its UUID or by its code; gives the UUID."""

    def __init__(self, kind: str, **options: Any) -> None:
        self.kind = kind
        super().__init__(max_length=40, **options)

    def run_validation(self, data: Any = empty) -> Any:
        if data is not empty and data is not None and not isinstance(data, str):
            self.fail("invalid")
        word = super().run_validation(data)
        if not isinstance(word, str):
            return word
        try:
            return UUID(word)
        except ValueError:
            return stable(self.kind, word)
