"""Users, sign-up, sign-in, and API tokens. Does not import any app except `core`."""
