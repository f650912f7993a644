"""URLs of the REST API, under /api/v1/. Several apps provide the views."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from evaluation.api.views import QualityView
from events.api.views import WebhookViewSet
from predictions.api.batch import BatchView
from predictions.api.batch_jobs import BatchJobViewSet
from predictions.api.ground_truth import GroundTruthView
from predictions.api.views import InputViewSet, PredictionViewSet
from registry.api.views import ModelViewSet

app_name = "api"

router = SimpleRouter(use_regex_path=False)
router.register("predictions", PredictionViewSet, basename="prediction")
router.register("batch-jobs", BatchJobViewSet, basename="batch-job")
router.register("inputs", InputViewSet, basename="input")
router.register("models", ModelViewSet, basename="model")
router.register("webhooks", WebhookViewSet, basename="webhook")
urlpatterns = [
    path("predictions/batch/", BatchView.as_view(), name="prediction-batch"),
    path("ground-truth/", GroundTruthView.as_view(), name="ground-truth"),
    path("models/<slug:name>/quality/", QualityView.as_view(), name="model-quality"),
    *router.urls,
]
