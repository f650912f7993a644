"""Spanish formats, as browsers write numbers and dates."""

DATETIME_FORMAT, DATE_FORMAT = "j b Y, H:i", "j b Y"
MONTH_DAY_FORMAT, TIME_FORMAT = "j b", "H:i"
THOUSAND_SEPARATOR = "."
