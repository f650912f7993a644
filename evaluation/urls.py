"""URLs of the evaluation pages."""

from django.urls import path

from evaluation import views

app_name = "evaluation"
urlpatterns = [path("models/<slug:name>/evaluation/", views.EvaluationView.as_view(), name="evaluation")]
