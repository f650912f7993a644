"""Users, sign-up, sign-in and API tokens. Imports no app but `core`."""
