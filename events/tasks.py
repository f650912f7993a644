"""Background tasks of events."""

from __future__ import annotations

from core.tasks import background_task
from events.services.webhooks import DELETE_TASK, delete_deliveries

background_task(DELETE_TASK)(lambda target: delete_deliveries(target=target))
