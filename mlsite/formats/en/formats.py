"""English formats."""

DATETIME_FORMAT, DATE_FORMAT = "j M Y, H:i", "j M Y"
