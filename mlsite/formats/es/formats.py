"""Spanish formats, as browsers write numbers and dates."""

DATETIME_FORMAT, DATE_FORMAT = "j M Y, H:i", "j M Y"
MONTH_DAY_FORMAT, TIME_FORMAT = "j M", "H:i"
THOUSAND_SEPARATOR = "."
