"""URLs of the operations page."""

from django.urls import path

from monitoring import views

app_name = "monitoring"
urlpatterns = [path("operations/", views.OperationsView.as_view(), name="operations")]
