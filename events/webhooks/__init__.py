"""Webhooks: requests to addresses of users, signed as Standard Webhooks describes."""
