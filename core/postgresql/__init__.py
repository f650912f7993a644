"""The database backend for PostgreSQL: Django's, with cheaper connection checks and with prepared statements."""
