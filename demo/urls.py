"""URLs of the tour."""

from django.urls import path

from demo import views

app_name = "demo"
urlpatterns = [
    path("tour/", views.TourView.as_view(), name="tour"),
    path("tour/samples/<slug:name>.png", views.SampleView.as_view(), name="sample"),
]
