"""German formats."""

DATETIME_FORMAT, DATE_FORMAT = "j. N Y, H:i", "j. N Y"
MONTH_DAY_FORMAT, TIME_FORMAT = "j. N", "H:i"
