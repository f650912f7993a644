from events.models.delivery import Delivery, TargetStatus
from events.models.event import Event
from events.models.webhook import Webhook

__all__ = ["Delivery", "Event", "TargetStatus", "Webhook"]
