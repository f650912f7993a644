"""URLs of the pages."""

from django.urls import path

from predictions import views
from predictions.views import batch_jobs

app_name = "predictions"
urlpatterns = [
    path("", views.PredictView.as_view(), name="predict"),
    path("predictions/", views.HistoryView.as_view(), name="history"),
    path("predictions/export/", views.HistoryExportView.as_view(), name="history-export"),
    path("predictions/selection/", views.SelectionView.as_view(), name="selection"),
    path("predictions/filters/", views.SaveFilterView.as_view(), name="save-filter"),
    path("predictions/filters/<uuid:pk>/", views.SavedFilterView.as_view(), name="saved-filter"),
    path("predictions/open/", views.OpenRowsView.as_view(), name="open-rows"),
    path("predictions/<uuid:pk>/", views.PredictionView.as_view(), name="detail"),
    path("predictions/<uuid:pk>/cancel/", views.CancelView.as_view(), name="cancel"),
    path("predictions/<uuid:pk>/open/", views.OpenPredictionView.as_view(), name="open"),
    path("predictions/<uuid:pk>/review/", views.ReviewView.as_view(), name="review"),
    path("predictions/<uuid:pk>/tags/", views.TagsView.as_view(), name="tags"),
    path("predictions/<uuid:pk>/comments/", views.CommentsView.as_view(), name="comments"),
    path("predictions/<uuid:pk>/versions/", views.OtherVersionView.as_view(), name="other-version"),
    path("predictions/<uuid:pk>/model-input/", views.ModelInputView.as_view(), name="model-input"),
    path("predictions/own-data/", views.OwnDataView.as_view(), name="own-data"),
    path("inputs/<uuid:pk>/thumbnail/", views.ThumbnailView.as_view(), name="thumbnail"),
    path("batch-jobs/", batch_jobs.BatchJobListView.as_view(), name="batch-jobs"),
    path("batch-jobs/new/", batch_jobs.NewBatchJobView.as_view(), name="batch-job-new"),
    path("batch-jobs/<uuid:pk>/", batch_jobs.BatchJobView.as_view(), name="batch-job"),
    path("batch-jobs/<uuid:pk>/results/", batch_jobs.BatchJobResultsView.as_view(), name="batch-job-results"),
    path("batch-jobs/<uuid:pk>/results.xlsx", batch_jobs.BatchJobWorkbookView.as_view(), name="batch-job-workbook"),
    path("batch-jobs/<uuid:pk>/digests/", batch_jobs.BatchJobDigestsView.as_view(), name="batch-job-digests"),
    path("batch-jobs/<uuid:pk>/rows/", batch_jobs.BatchJobRowsView.as_view(), name="batch-job-rows"),
    path("batch-jobs/<uuid:pk>/start/", batch_jobs.StartBatchJobView.as_view(), name="batch-job-start"),
    path("batch-jobs/<uuid:pk>/cancel/", batch_jobs.CancelBatchJobView.as_view(), name="batch-job-cancel"),
    path("batch-jobs/<uuid:pk>/retry/", batch_jobs.RetryBatchJobView.as_view(), name="batch-job-retry"),
    path("models/", views.ModelListView.as_view(), name="models"),
    path("models/<slug:name>/", views.ModelDetailView.as_view(), name="model"),
    path("models/<slug:name>/promote/", views.PromoteModelView.as_view(), name="model-promote"),
    path("models/<slug:name>/example/", views.ExampleView.as_view(), name="example"),
    path("models/<slug:name>/example/<int:number>.webp", views.ExampleImageView.as_view(), name="example-image"),
]
