"""URLs of the operations page, of drift, and of the alerts page."""

from django.urls import path

from monitoring.views import alerts, drift, operations

app_name = "monitoring"
urlpatterns = [
    path("operations/", operations.OperationsView.as_view(), name="operations"),
    path("operations/drift/", drift.DriftView.as_view(), name="drift"),
    path("operations/alerts/", alerts.AlertsView.as_view(), name="alerts"),
    path("operations/alerts/test/", alerts.TestNotificationView.as_view(), name="alert-test"),
    path("operations/alerts/rules/", alerts.CreateRuleView.as_view(), name="alert-rule-new"),
    path("operations/alerts/rules/<uuid:pk>/", alerts.RuleView.as_view(), name="alert-rule"),
    path("operations/alerts/rules/<uuid:pk>/delete/", alerts.DeleteRuleView.as_view(), name="alert-rule-delete"),
    path("operations/alerts/<uuid:pk>/acknowledge/", alerts.AcknowledgeView.as_view(), name="alert-acknowledge"),
    path("operations/alerts/<uuid:pk>/mute/", alerts.MuteView.as_view(), name="alert-mute"),
]
