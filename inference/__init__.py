"""Load and run trained models. This package contains no code for Django, users, databases, or HTTP."""
