"""Signals of accounts, to which higher apps react."""

from __future__ import annotations

from django.dispatch import Signal

user_removing = Signal()
"""Sent in the transaction that deletes or anonymizes a user, before the change, with the argument `user`."""

user_erasing = Signal()
"""Sent in the transaction that starts to erase a user, while they still have their name, with the argument `user`."""

user_linking = Signal()
"""Sent in the transaction that links an account to a user of a provider, with the argument `user`. This can be another
person than the one who has used the account so far."""
