"""Project package: settings, URLs, and server configuration. It imports every app; no app imports it."""

__version__ = "0.1.0"
