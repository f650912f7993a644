from events.services.record import build_event, record_events

__all__ = ["build_event", "record_events"]
