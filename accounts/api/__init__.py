"""Parts of the REST API that belong to accounts."""
