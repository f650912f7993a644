"""Views of the operations page and of the alerts page."""
