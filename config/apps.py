from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    verbose_name = "系统"

    def ready(self) -> None:
        from api import health
        from config import chores

        health.TOLD["worker"] = chores.are_being_done
