"""Operation of the site: hourly rollups, the operations page, and drift detection."""
