from django.apps import AppConfig
from django.core.checks import Tags, register


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "系统"

    def ready(self) -> None:
        from api import health
        from config import chores, safety

        health.VITAL["durable"] = safety.is_durable
        health.TOLD["worker"] = chores.are_being_done
        register(safety.check, Tags.database)
