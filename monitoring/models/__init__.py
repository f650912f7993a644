from monitoring.models.alerts import Alert, AlertNotification, AlertRule, AlertState
from monitoring.models.rollups import CountedUser, Deployment, RolledPeriod, Rollup

__all__ = ["Alert", "AlertNotification", "AlertRule", "AlertState", "CountedUser", "Deployment", "RolledPeriod", "Rollup"]
