from django.apps import AppConfig
from django.core.checks import Tags, register


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "系统"

    def ready(self) -> None:
        from django.http import multipartparser

        from api import health
        from config import chores, legible, safety

        health.VITAL["durable"] = safety.is_durable
        health.TOLD["worker"] = chores.are_being_done
        register(safety.check, Tags.database)
        # it passes over a part's header that raises ValueError, and knows of no other way in which one cannot be read
        vars(multipartparser)["parse_header_parameters"] = legible.parameters
