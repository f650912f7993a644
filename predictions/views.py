"""The pages: upload, history, detail, models."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.vary import vary_on_headers
from django.views.generic import DetailView, ListView, TemplateView, View

from accounts.requests import SignedInRequest
from inference.errors import ImageTooLarge, InferenceError, InvalidInput, Overloaded, UnsupportedFormat
from predictions.filters import PredictionFilter
from predictions.forms import UploadForm
from predictions.models import Input, Prediction, RegisteredModel
from predictions.paging import page_of
from predictions.querysets import PRODUCTION, sees_everything
from predictions.registry import InactiveModel, UnknownModel
from predictions.services import predict
from predictions.services.files import StoredFileError, read_thumbnail
from predictions.storage import StorageFull

HISTORY_PAGE = 24  # predictions
SHOWN = "shown"
Refused = tuple[str, Exception]
"""A file name, and why."""

# What a person may have done wrong, by the status that says so.
STATUS_OF: tuple[tuple[type[Exception], int], ...] = (
    (ImageTooLarge, 413),
    (UnsupportedFormat, 415),
    (Overloaded, 503),
    (UnknownModel, 404),
    (InactiveModel, 409),
    (StorageFull, 507),
    (InvalidInput, 400),
)


class UploadView(LoginRequiredMixin, View):
    """Take images and show what the model said. With JavaScript each file comes alone and gets a fragment back."""

    def get(self, request: SignedInRequest) -> HttpResponse:
        form = UploadForm(models=_choices(), initial={"model": request.GET.get("model", "")})
        return self._page(request, form, results=self._shown(request))

    def post(self, request: SignedInRequest) -> HttpResponse:
        form = UploadForm(request.POST, request.FILES, models=_choices())
        if not form.is_valid():
            return self._refuse(request, form, 400)
        results, errors = self._predict_all(request, form.cleaned_data)
        for name, error in errors:
            form.add_error("image", f"{name}: {error}" if len(errors) + len(results) > 1 else str(error))
        if errors:
            return self._refuse(request, form, _status(errors[0][1]), results)
        if request.htmx:
            return render(request, "predictions/_result.html", {"prediction": results[0]}, status=201)
        if len(results) == 1:
            return redirect(results[0])
        return redirect(
            f"{reverse('predictions:upload')}?{urlencode({SHOWN: [str(one.id) for one in results]}, doseq=True)}"
        )

    def _predict_all(self, request: SignedInRequest, data: dict[str, Any]) -> tuple[list[Prediction], list[Refused]]:
        """Ask about each file; one that is refused does not hold up the others."""
        results: list[Prediction] = []
        errors: list[Refused] = []
        for file in data["image"]:
            try:
                results.append(
                    predict(
                        user=request.user,
                        source=Prediction.Source.WEB,
                        image=file,
                        model=data["model"],
                        client_reference=data["client_reference"],
                    )
                )
            except (InferenceError, StorageFull) as error:
                errors.append((file.name, error))
        return results, errors

    def _refuse(self, request: SignedInRequest, form: UploadForm, status: int, results: Any = ()) -> HttpResponse:
        if request.htmx:
            return render(request, "predictions/_refused.html", {"form": form}, status=status)
        return self._page(request, form, results=results, status=status)

    def _page(self, request: SignedInRequest, form: UploadForm, *, results: Any, status: int = 200) -> HttpResponse:
        context = {
            "form": form,
            "results": results,
            "recent": Prediction.objects.filter(user=request.user).complete().order_by("-id")[:6],
            "max_bytes": settings.MAX_UPLOAD_BYTES,
        }
        return render(request, "predictions/upload.html", context, status=status)

    def _shown(self, request: SignedInRequest) -> QuerySet[Prediction] | list[Prediction]:
        ids = [part for part in request.GET.getlist(SHOWN)[:20] if _is_uuid(part)]
        return Prediction.objects.visible_to(request.user).filter(id__in=ids).complete().order_by("id") if ids else []


@method_decorator(vary_on_headers("HX-Request"), "dispatch")  # or the back button shows a cached fragment
class HistoryView(LoginRequiredMixin, TemplateView):
    """Predictions, newest first, with the filters of the API."""

    template_name = "predictions/history.html"
    request: SignedInRequest

    def get_template_names(self) -> list[str]:
        return ["predictions/_history.html"] if self.request.htmx else [self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        asked = self.request.GET
        rows = Prediction.objects.visible_to(self.request.user).complete()
        filterset = PredictionFilter(asked, rows, request=self.request)
        unknown = filterset.unknown({"older", "newer"})
        valid = filterset.is_valid() and not unknown
        page = page_of(
            filterset.qs if valid else rows.none(),
            older_than=asked.get("older", ""),
            newer_than=asked.get("newer", ""),
            size=HISTORY_PAGE,
        )
        filters = {name: asked[name] for name in filterset.filters if asked.get(name)}
        return super().get_context_data(
            page=page,
            filter=filterset,
            filters=filters,
            unknown=unknown,
            query=urlencode(filters),
            everybody=sees_everything(self.request.user),
            **kwargs,
        )


class PredictionView(LoginRequiredMixin, DetailView):
    """Everything stored about one prediction, and how a program would ask the same."""

    template_name = "predictions/detail.html"
    context_object_name = "prediction"

    def get_queryset(self) -> QuerySet[Prediction]:
        return Prediction.objects.visible_to(self.request.user).complete()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(site=self.request.build_absolute_uri("/").rstrip("/"), **kwargs)


class ThumbnailView(LoginRequiredMixin, View):
    """A small, re-encoded picture of an image input."""

    def get(self, request: SignedInRequest, pk: UUID) -> HttpResponse:
        row = get_object_or_404(Input.objects.visible_to(request.user), pk=pk, kind=Input.Kind.IMAGE)
        try:
            small = read_thumbnail(row)
        except StoredFileError as error:
            return HttpResponse(error.message, status=410, content_type="text/plain")
        return HttpResponse(
            small,
            content_type="image/webp",
            headers={"Cache-Control": "private, max-age=86400, immutable", "X-Content-Type-Options": "nosniff"},
        )


class ModelListView(LoginRequiredMixin, ListView):
    template_name = "predictions/models.html"
    context_object_name = "models"

    def get_queryset(self) -> QuerySet[RegisteredModel]:
        return RegisteredModel.objects.visible_to(self.request.user).prefetch_related("aliases__version")


class ModelDetailView(LoginRequiredMixin, DetailView):
    template_name = "predictions/model.html"
    context_object_name = "model"
    slug_field = slug_url_kwarg = "name"

    def get_queryset(self) -> QuerySet[RegisteredModel]:
        return RegisteredModel.objects.visible_to(self.request.user).prefetch_related(
            "aliases__version", "versions__aliases", "versions__created_by"
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        in_production = any(alias.name == PRODUCTION for alias in self.object.aliases.all())
        return super().get_context_data(
            in_production=in_production, site=self.request.build_absolute_uri("/").rstrip("/"), **kwargs
        )


def _choices() -> list[tuple[str, str]]:
    """Return the models that can be asked by name; one whose title is not its own is told apart by the name."""
    models = list(RegisteredModel.objects.in_production().order_by("created_at"))
    titles = Counter(model.title for model in models)
    return [(one.name, one.title if titles[one.title] == 1 else f"{one.title} ({one.name})") for one in models]


def _status(error: Exception) -> int:
    return next((status for kind, status in STATUS_OF if isinstance(error, kind)), 500)


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
