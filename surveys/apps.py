from __future__ import annotations

from django.apps import AppConfig

from core.texts import Text


class SurveysConfig(AppConfig):
    name = "surveys"
    verbose_name = Text("问卷", "Questionnaires")
