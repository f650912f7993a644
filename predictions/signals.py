"""Signals of predictions, to which higher apps react."""

from __future__ import annotations

from django.dispatch import Signal

predictions_erasing = Signal()
"""Sent in the transaction that removes the data of predictions, before the change, with the argument `ids`."""

predictions_removing = Signal()
"""Sent before predictions are removed by a retention policy, with the argument `rows`, which have a primary key and
`created_at`. Receivers return the primary keys of those that they still need."""
