from django.apps import AppConfig


class JournalConfig(AppConfig):
    name = "journal"
    verbose_name = "日志"

    def ready(self) -> None:
        from journal import among as among  # registers the lookup
