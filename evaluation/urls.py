"""URLs of the evaluation pages."""

from django.urls import path

from evaluation import views

app_name = "evaluation"
urlpatterns = [
    path("models/<slug:name>/evaluation/", views.EvaluationView.as_view(), name="evaluation"),
    path("models/<slug:name>/replays/", views.CreateReplayView.as_view(), name="replay-create"),
    path("replays/<uuid:pk>/", views.ReplayView.as_view(), name="replay"),
    path("replays/<uuid:pk>/cancel/", views.CancelReplayView.as_view(), name="replay-cancel"),
]
