"""Formats of dates and times in the admin. Pages show times with templates/_time.html."""
