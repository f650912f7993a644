"""URLs of models in the Open Inference Protocol, under /v2/models/. As in the protocol, they have no trailing slash."""

from django.urls import path

from predictions.api.v2 import views

app_name = "v2"
urlpatterns = [
    path("<str:name>", views.ModelView.as_view(), name="model"),
    path("<str:name>/ready", views.ModelReadyView.as_view(), name="model-ready"),
    path("<str:name>/infer", views.InferView.as_view(), name="infer"),
    path("<str:name>/versions/<str:number>", views.ModelView.as_view(), name="version"),
    path("<str:name>/versions/<str:number>/ready", views.ModelReadyView.as_view(), name="version-ready"),
    path("<str:name>/versions/<str:number>/infer", views.InferView.as_view(), name="version-infer"),
]
