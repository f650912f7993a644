"""The home page: choose a model, give it a picture or a row, see what it says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.generic import View

from accounts.requests import AuthenticatedRequest
from core.errors import get_status
from core.fields import is_uuid
from core.storage import StorageFull
from core.urls import get_site_url
from inference.errors import InferenceError, InvalidInput
from inference.preprocessing import parse_csv_line
from inference.signature import TableInput
from predictions.forms import MAX_ON_A_FORM, FeaturesForm, PredictionForm, UploadForm, field_name, initial_of
from predictions.models import Prediction
from predictions.services import predict
from predictions.services.examples import get_example_names, get_example_row, has_example
from predictions.snippets import build_snippets
from registry.errors import InactiveModel, UnknownModel
from registry.integrity import get_serving_version
from registry.models import ModelVersion, RegisteredModel
from registry.references import ModelReference, resolve_version

SHOWN = "shown"
LATELY = 200  # predictions that one's latest of a model are looked for in
Refused = tuple[str, Exception]
"""A file name, and why."""


class PredictView(LoginRequiredMixin, View):
    """Take images or a row of features and show what the model said.

    With JavaScript each image comes alone and gets a fragment back.
    """

    def handle_no_permission(self) -> HttpResponseRedirect:
        """Lead strangers to the tour where there is one, for the home page is the first they see."""
        if settings.TOUR and self.request.method == "GET" and not self.request.GET:
            return redirect("demo:tour")
        return super().handle_no_permission()

    def get(self, request: AuthenticatedRequest) -> HttpResponse:
        reference = request.GET.get("model", "")
        version, error = _resolve(request, reference)
        shown = list(self._shown(request))
        form = _form(version, initial=_initial(request, version, shown) if version else {"model": reference})
        return self._page(
            request, form, version, results=shown, status=get_status(error) if error and reference else 200, error=error
        )

    def post(self, request: AuthenticatedRequest) -> HttpResponse:
        version, error = _resolve(request, request.POST.get("model", ""))
        if version is None:
            form = _form(None, request.POST, request.FILES)
            form.add_error(None, str(error))
            return self._refuse(request, form, version, get_status(error))
        if "fill" in request.POST:
            return self._fill(request, version)
        form = _form(version, request.POST, request.FILES)
        if not form.is_valid():
            return self._refuse(request, form, version, 400)
        if isinstance(form, FeaturesForm):
            return self._predict_row(request, form, version)
        return self._predict_images(request, form, version)

    def _predict_row(self, request: AuthenticatedRequest, form: FeaturesForm, version: ModelVersion) -> HttpResponse:
        asked = {name: form.cleaned_data[name] for name in ("features", "model", "client_reference")}
        try:
            prediction = predict(user=request.user, source=Prediction.Source.WEB, **asked)
        except (InferenceError, StorageFull) as error:
            form.add_error(None, str(error))
            return self._refuse(request, form, version, get_status(error))
        return redirect(_home(model=form.cleaned_data["model"], shown=[prediction.id]))

    def _predict_images(self, request: AuthenticatedRequest, form: PredictionForm, version: ModelVersion) -> HttpResponse:
        results, errors = self._predict_all(request, form.cleaned_data)
        for name, error in errors:
            form.add_error("image", f"{name}: {error}" if len(errors) + len(results) > 1 else str(error))
        if errors:
            return self._refuse(request, form, version, get_status(errors[0][1]), results)
        if request.htmx:
            return render(request, "predictions/_result.html", {"prediction": results[0]}, status=201)
        if len(results) == 1:
            return redirect(results[0])
        return redirect(_home(model=form.cleaned_data["model"], shown=[one.id for one in results]))

    def _predict_all(self, request: AuthenticatedRequest, data: dict[str, Any]) -> tuple[list[Prediction], list[Refused]]:
        """Ask about each file; one that is refused does not hold up the others."""
        results: list[Prediction] = []
        errors: list[Refused] = []
        asked = {name: data[name] for name in ("model", "client_reference")}
        for file in data["image"]:
            try:
                results.append(predict(user=request.user, source=Prediction.Source.WEB, image=file, **asked))
            except (InferenceError, StorageFull) as error:
                errors.append((file.name, error))
        return results, errors

    def _fill(self, request: AuthenticatedRequest, version: ModelVersion) -> HttpResponse:
        """Show the form filled in from a pasted line of CSV; nothing is asked yet."""
        taken = version.parsed_signature.input
        if not isinstance(taken, TableInput):
            return redirect(_home(model=request.POST.get("model", "")))
        line = request.POST.get("csv", "")
        try:
            texts = parse_csv_line(line, taken)
        except InvalidInput as error:
            form = _form(version, initial=request.POST.dict())
            return self._page(request, form, version, results=(), status=400, csv=line, csv_error=error)
        known = {field_name(number): texts.get(name, "") for number, name in enumerate(taken.names)}
        form = _form(version, {**request.POST.dict(), **known})
        if unknown := [name for name in texts if name not in taken.names]:
            form.add_error(None, f"The line has columns that the model does not take: {', '.join(unknown)[:200]}.")
        return self._page(request, form, version, results=(), csv=line)

    def _refuse(
        self,
        request: AuthenticatedRequest,
        form: PredictionForm,
        version: ModelVersion | None,
        status: int,
        results: Any = (),
    ) -> HttpResponse:
        if request.htmx:
            return render(request, "predictions/_rejected.html", {"form": form}, status=status)
        return self._page(request, form, version, results=results, status=status)

    def _page(
        self,
        request: AuthenticatedRequest,
        form: PredictionForm,
        version: ModelVersion | None,
        *,
        results: Any,
        status: int = 200,
        **context: Any,
    ) -> HttpResponse:
        reference = str(form["model"].value() or "")
        too_wide = isinstance(form, FeaturesForm) and len(form.table.features) > MAX_ON_A_FORM
        context |= {
            "form": form,
            "version": version,
            "answering": version and get_serving_version(version, ModelReference.parse(reference or version.model.name)),
            "reference": reference,
            "choices": _choices(version, reference),
            "has_example": version and has_example(version),
            "examples": get_example_names(version) if version else [],
            "results": results,
            "recent": _latest(request, version) if version else [],
            "max_bytes": settings.MAX_UPLOAD_BYTES,
            "too_wide": too_wide,
        }
        if too_wide and version:
            site_url = get_site_url(request)
            context["snippets"] = build_snippets(version.parsed_signature, reference=reference, site_url=site_url)
        return render(request, "predictions/predict.html", context, status=status)

    def _shown(self, request: AuthenticatedRequest) -> QuerySet[Prediction] | list[Prediction]:
        ids = [part for part in request.GET.getlist(SHOWN)[:20] if is_uuid(part)]
        return (
            Prediction.objects.visible_to(request.user).filter(id__in=ids).with_related().with_reviews().order_by("id")
            if ids
            else []
        )


def _resolve(request: AuthenticatedRequest, reference: str) -> tuple[ModelVersion | None, Exception | None]:
    try:
        return resolve_version(reference, user=request.user), None
    except (UnknownModel, InactiveModel) as error:
        return None, error


def _form(
    version: ModelVersion | None, data: Any = None, files: Any = None, *, initial: dict[str, Any] | None = None
) -> PredictionForm:
    """Return the form for what a version takes: images or features."""
    taken = version.parsed_signature.input if version else None
    if isinstance(taken, TableInput):
        return FeaturesForm(data, initial=initial, table=taken)
    return UploadForm(data, files, initial=initial)


def _initial(request: AuthenticatedRequest, version: ModelVersion, shown: list[Prediction]) -> dict[str, Any]:
    """Return what the form starts with: the row that was just answered, or the example when it is asked for."""
    reference = request.GET.get("model", "") or version.model.name
    taken = version.parsed_signature.input
    if not isinstance(taken, TableInput):
        return {"model": reference}
    row = _asked_example(version, request.GET.get("example", ""))
    if shown and shown[-1].model_version.model_id == version.model_id:
        row = shown[-1].input.features
    return {"model": reference, **(initial_of(row, taken) if row else {})}


def _latest(request: AuthenticatedRequest, version: ModelVersion) -> QuerySet[Prediction]:
    """Return the last answers of a model to a person, of the last that they asked at all."""
    asked = Prediction.objects.filter(user=request.user).order_by("-id").values("pk")[:LATELY]
    return Prediction.objects.filter(pk__in=asked, model_version__model=version.model_id).with_related().order_by("-id")[:6]


def _asked_example(version: ModelVersion, number: str) -> dict[str, Any] | None:
    try:
        return get_example_row(version, int(number)) if number else None
    except (LookupError, ValueError):
        return None


def _choices(version: ModelVersion | None, reference: str) -> list[tuple[str, str, bool]]:
    """Return name, title and whether it is the one on the page, of the models that can be asked by name.

    One whose title is not its own is told apart by the name; a version asked by alias or number comes last.
    """
    models = list(RegisteredModel.objects.in_production().order_by("created_at"))
    titles = Counter(model.title for model in models)
    asked = reference or (version.model.name if version else "")
    choices = [
        (one.name, one.title if titles[one.title] == 1 else f"{one.title} ({one.name})", one.name == asked) for one in models
    ]
    if version and asked not in [one.name for one in models]:
        choices.append((asked, f"{version.model.title} ({asked})", True))
    return choices


def _home(*, model: str, shown: Iterable[UUID] = ()) -> str:
    return f"{reverse('predictions:predict')}?{urlencode({'model': model, SHOWN: [str(one) for one in shown]}, doseq=True)}"
