from monitoring.models.alerts import Alert, AlertNotification, AlertRule, AlertState
from monitoring.models.rollups import Deployment, RolledPeriod, Rollup

__all__ = ["Alert", "AlertNotification", "AlertRule", "AlertState", "Deployment", "RolledPeriod", "Rollup"]
