"""The history of predictions: its query string, columns, and selected rows."""
