"""English formats, as scripts write dates in British English."""

DATETIME_FORMAT, DATE_FORMAT = "j M Y, H:i", "j M Y"
MONTH_DAY_FORMAT, TIME_FORMAT = "j M", "H:i"
