"""Signals of predictions, to which higher apps react."""

from __future__ import annotations

from django.dispatch import Signal

predictions_erasing = Signal()
"""Sent in the transaction that removes the data of predictions, before the change, with the argument `ids`."""
