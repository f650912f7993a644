from events.models.delivery import Delivery, TargetStatus
from events.models.event import Event

__all__ = ["Delivery", "Event", "TargetStatus"]
