"""Users, sign-up, sessions and API tokens. Imports no other application."""
