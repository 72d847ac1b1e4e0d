"""Sentences for people, in Chinese and English, kept side by side where they are said."""

from __future__ import annotations

from typing import Any

ZH = "zh-Hans"
EN = "en"


class Text(str):
    """A sentence in both languages; as a plain string it is the Chinese one.

    Placeholders are ``{name}`` and are filled by :meth:`fill` in both languages at once, so a
    problem can be raised before anybody knows which language its reader wants.
    """

    en: str

    def __new__(cls, zh: str, en: str) -> Text:
        self = super().__new__(cls, zh)
        self.en = en
        return self

    def of(self, language: str) -> str:
        return self.en if language == EN else str.__str__(self)

    def fill(self, **values: Any) -> Text:
        """The sentence with its placeholders filled; a value that is itself a Text speaks each language."""
        english = {name: value.en if isinstance(value, Text) else value for name, value in values.items()}
        return Text(str.__str__(self).format(**values), self.en.format(**english))

    def __str__(self) -> str:
        return str.__str__(self)

    def __reduce__(self) -> tuple[type[Text], tuple[str, str]]:
        return Text, (str.__str__(self), self.en)


def negotiate(accept_language: str | None) -> str:
    """The language to answer in, from an Accept-Language header: the one ranked highest, Chinese when in doubt."""
    best, best_weight = ZH, 0.0
    for part in (accept_language or "").split(","):
        tag, _, parameters = part.strip().partition(";")
        try:
            weight = float(parameters.partition("q=")[2] or 1)
        except ValueError:
            continue
        language = {"zh": ZH, "en": EN}.get(tag.strip().lower().partition("-")[0])
        if language and weight > best_weight:
            best, best_weight = language, weight
    return best
