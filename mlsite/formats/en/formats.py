"""English: ISO 8601, as on the other pages."""

DATETIME_FORMAT = "Y-m-d H:i"
DATE_FORMAT = "Y-m-d"
MONTH_DAY_FORMAT, TIME_FORMAT = "j M", "H:i"
