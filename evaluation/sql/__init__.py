"""The raw SQL of this app.

Each statement starts with compiled querysets as common table expressions. The literal SQL after them uses only the columns
that these expressions declare, so it contains no table name, and filters stay in the querysets.
"""
