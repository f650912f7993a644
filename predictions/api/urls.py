"""Addresses below /api/v1/."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from predictions.api import views
from predictions.api.quality import QualityView

app_name = "api"

router = SimpleRouter(use_regex_path=False)
router.register("predictions", views.PredictionViewSet, basename="prediction")
router.register("inputs", views.InputViewSet, basename="input")
router.register("models", views.ModelViewSet, basename="model")
urlpatterns = [
    path("ground-truth/", views.GroundTruthView.as_view(), name="ground-truth"),
    path("models/<slug:name>/quality/", QualityView.as_view(), name="model-quality"),
    *router.urls,
]
