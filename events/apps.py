from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        from events import checks  # noqa: F401  registers the system checks

        autodiscover_modules("event_data")  # of all apps: the functions that build the data of events
