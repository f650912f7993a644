"""The Predict page: choose a model, submit inputs, and see the results."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.http import urlencode
from django.views.generic import FormView
from django_htmx.http import push_url

from accounts.requests import AuthenticatedRequest
from accounts.services.submissions import store_once
from core.errors import get_status
from core.fields import parse_uuid
from core.formatting import format_bytes
from core.storage_errors import StorageUnavailable
from core.urls import get_site_url
from inference.errors import InferenceError, ModelLoading
from inference.signature import TableInput, get_table_part
from predictions.forms import CsvRowForm, FeaturesForm, PredictionForm, UploadForm
from predictions.input_errors import describe_error
from predictions.models import Prediction
from predictions.services.decoding import limit_request_decoding
from predictions.services.examples import get_example_names, has_example
from predictions.services.inputs import PreparedInput
from predictions.services.predict import run_prediction
from predictions.snippets import build_snippets
from predictions.views.form_inputs import FORM_CLASSES, get_form_arguments, get_initial_input, get_job_limits, iterate_inputs
from predictions.views.mixins import HtmxLoginRequiredMixin, build_error_response, build_loading_response
from predictions.views.model_choices import list_model_choices
from predictions.views.outdated_forms import convert_outdated_form
from predictions.views.recent_results import get_recent_results
from predictions.views.submissions import SubmissionMixin
from registry.errors import InactiveModel, UnknownModel
from registry.integrity import get_serving_version
from registry.models import ModelVersion, RegisteredModel
from registry.references import ResolvedModel, resolve_model
from registry.serving import check_loaded

MAX_SHOWN_PREDICTIONS = 20


class PredictView(SubmissionMixin, HtmxLoginRequiredMixin, FormView):
    """Run a model on uploaded images, a row of features, a text, or an image with features.

    Each request resolves the model reference once, so the version that validates the input is the one that runs and is
    stored. The response to an htmx request is the result of an image, or the form of other inputs with their result.
    """

    template_name = "predictions/predict.html"
    request: AuthenticatedRequest
    resolved: ResolvedModel | None = None

    def handle_no_permission(self) -> HttpResponse:  # type: ignore[override]
        """Redirect visitors of the home page to the tour, if the site has one."""
        if settings.TOUR and self.request.method == "GET" and not self.request.GET:
            return redirect("demo:tour")
        return super().handle_no_permission()

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        error = self.resolve_reference()
        status = get_status(error) if error and self.reference else 200
        return self.render_to_response(self.get_context_data(error=error, results=self.shown_predictions), status=status)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if error := self.resolve_reference():
            form = self.get_form()
            form.add_error(None, str(error))
            return self.form_invalid(form, status=get_status(error))
        if self.version and (form := convert_outdated_form(request.POST, self.version, self.request.user)):
            return self.render_form(form, status=409)
        if self.table and "fill" in request.POST:
            return self.fill_in_csv_row(self.table)
        return super().post(request, *args, **kwargs)

    def resolve_reference(self) -> UnknownModel | InactiveModel | None:
        """Set `resolved`, or return the reason why the reference is rejected."""
        try:
            self.resolved = resolve_model(self.reference, user=self.request.user)
        except (UnknownModel, InactiveModel) as error:
            return error
        return None

    @property
    def reference(self) -> str:
        """Return the model reference as requested; empty for the default model."""
        parameters = self.request.POST if self.request.method == "POST" else self.request.GET
        return parameters.get("model", "")

    @property
    def page_reference(self) -> str:
        """Return the reference that links and forms of the page repeat."""
        return self.reference or (self.version.model.name if self.version else "")

    @property
    def version(self) -> ModelVersion | None:
        return self.resolved.version if self.resolved else None

    @property
    def table(self) -> TableInput | None:
        """Return the signature of the row that the model takes; None if it takes none."""
        return get_table_part(self.version.parsed_signature.input) if self.version else None

    @property
    def has_upload_form(self) -> bool:
        """Return whether the page only uploads images. The response to each is its result, without a form."""
        return self.get_form_class() is UploadForm

    @cached_property
    def shown_predictions(self) -> list[Prediction]:
        """Return the predictions in the query string, which a submission redirects to."""
        ids = [part for part in self.request.GET.getlist("shown")[:MAX_SHOWN_PREDICTIONS] if parse_uuid(part)]
        rows = Prediction.objects.visible_to(self.request.user).filter(id__in=ids)
        return list(rows.with_related().with_reviews().order_by("id"))

    def get_form_class(self) -> type[PredictionForm]:
        return FORM_CLASSES[self.version.parsed_signature.input.parts] if self.version else UploadForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | (get_form_arguments(self.version.parsed_signature.input) if self.version else {})

    def get_initial(self) -> dict[str, Any]:
        """Return the model, and the input of the newest result on the page or of the requested example."""
        if self.version is None or self.has_upload_form:
            return {"model": self.page_reference}
        newest = self.shown_predictions[-1] if self.shown_predictions else None
        row = newest.input if newest and newest.model_version.model_id == self.version.model_id else None
        values = get_initial_input(self.version, row=row, example=self.request.GET.get("example", ""))
        return {"model": self.page_reference} | values

    @limit_request_decoding()
    def form_valid(self, form: PredictionForm) -> HttpResponse:
        """Run the model on each input. A rejected input does not stop the others."""
        resolved = cast(ResolvedModel, self.resolved)  # otherwise, post() has rejected the request
        results: list[Prediction] = []
        errors: list[tuple[str, InferenceError | StorageUnavailable]] = []
        inputs = iterate_inputs(form, self.request.user, resolved.version.parsed_signature.input)
        for number, (name, prepare) in enumerate(inputs):
            try:
                results.append(self.predict_input(form, resolved, prepare(), number))
            except (InferenceError, StorageUnavailable) as error:
                errors.append((name, error))
        if errors and isinstance(errors[0][1], ModelLoading):
            return self.report_loading(form, errors[0][1], results)
        if not errors:
            return self.show_results(form, results)
        for name, reason in errors:
            form.add_error(form.input_field, describe_error(reason, name if len(errors) + len(results) > 1 else ""))
        return self.form_invalid(form, status=get_status(errors[0][1]), results=results)

    def predict_input(
        self, form: PredictionForm, resolved: ResolvedModel, prepared: PreparedInput, number: int
    ) -> Prediction:
        """Run the model on one input of the form, unless the form was submitted before with the same input."""
        if self.request.htmx:
            check_loaded(resolved.version, resolved.reference)
        user, reference, row = self.request.user, form.cleaned_data["client_reference"], prepared.row
        options: dict[str, Any] = {"resolved": resolved, "prepared": prepared, "source": Prediction.Source.WEB}
        run = partial(run_prediction, user=user, client_reference=reference, **options)
        content = [self.page_reference, reference, number, row.sha256, row.original_name]
        rows = Prediction.objects.with_related().with_reviews()
        return store_once(user=user, key=self.choose_submission_key(content), content=content, run=run, rows=rows)

    def report_loading(self, form: PredictionForm, error: ModelLoading, results: list[Prediction]) -> HttpResponse:
        """Let the page send the request again. Without scripts, show the form again: nothing was stored for the others."""
        if self.request.htmx:
            return build_loading_response(error)
        return self.render_form(form, status=get_status(error), is_loading=True, results=results)

    def show_results(self, form: PredictionForm, results: list[Prediction]) -> HttpResponse:
        page_url = self.get_page_url(results)
        if self.request.htmx:
            context: dict[str, Any] = {"results": results, "next_url": page_url}
            if self.has_upload_form:
                return render(self.request, "predictions/_results.html", context, status=201)
            context = self.get_form_context(form=form, **context)
            return push_url(render(self.request, "predictions/_form_result.html", context, status=201), page_url)
        if self.has_upload_form and len(results) == 1:
            return redirect(results[0])
        return redirect(page_url)

    def form_invalid(self, form: PredictionForm, *, status: int = 400, results: Iterable[Prediction] = ()) -> HttpResponse:
        if self.request.htmx and self.has_upload_form:
            messages = [str(message) for field_errors in form.errors.values() for message in field_errors]
            return build_error_response(" ".join(messages), status=status)
        return self.render_form(form, status=status, results=results)

    def fill_in_csv_row(self, table: TableInput) -> HttpResponse:
        """Show the form with the values of a pasted CSV row, or run the model if it takes too many for a form."""
        data = self.request.POST.dict()
        csv_form, form_class = CsvRowForm(data, table=table), cast(type[FeaturesForm], self.get_form_class())
        if not csv_form.is_valid():
            return self.render_form(form_class(initial=data, table=table), status=400, csv_form=csv_form)
        form = form_class({**data, **csv_form.get_features_data()}, self.request.FILES, table=table)
        if message := csv_form.get_unused_columns_message():
            form.add_error(None, message)
        if not form.is_too_wide:
            return self.render_form(form, status=200, csv_form=csv_form)
        if form.is_valid():
            return self.form_valid(form)
        csv_form.add_error("csv", form.list_errors())
        return self.render_form(form, status=400, csv_form=csv_form)

    def render_form(self, form: PredictionForm, *, status: int, **context: Any) -> HttpResponse:
        """Render the form: only the form for htmx, otherwise the whole page."""
        if self.request.htmx:
            return render(self.request, form.input_template_name, self.get_form_context(form=form, **context), status=status)
        return self.render_to_response(self.get_context_data(form=form, **context), status=status)

    def get_form_context(self, *, form: PredictionForm, **context: Any) -> dict[str, Any]:
        """Return what the form's template needs."""
        version, is_too_wide = self.version, isinstance(form, FeaturesForm) and form.is_too_wide
        if version and self.table and "csv_form" not in context:
            context["csv_form"] = CsvRowForm(table=self.table)
        if version and is_too_wide:
            url = get_site_url(self.request)
            context["snippets"] = build_snippets(version.parsed_signature, reference=self.page_reference, site_url=url)
        return {
            "form": form,
            "version": version,
            "reference": self.page_reference,
            "is_too_wide": is_too_wide,
            "has_upload_form": self.has_upload_form,
            "has_example": version and has_example(version),
            "examples": get_example_names(version) if version else [],
            "max_bytes": settings.MAX_UPLOAD_BYTES,
            "max_size": format_bytes(settings.MAX_UPLOAD_BYTES),
            "batch_limits": get_job_limits(version.parsed_signature.input) if version else None,
            **context,
        }

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return self.get_form_context(**super().get_context_data(**kwargs)) | {
            "choices": list_model_choices(self.version, self.reference),
            "has_models": not self.version and RegisteredModel.objects.visible_to(self.request.user).exists(),
            "serving_version": self.resolved and get_serving_version(self.resolved.version, self.resolved.reference),
            **get_recent_results(self.request, self.resolved, with_job=self.has_upload_form),
        }

    def get_page_url(self, results: Iterable[Prediction]) -> str:
        """Return the address of this page with results."""
        query = {"model": self.page_reference, "shown": [str(prediction.id) for prediction in results]}
        return f"{reverse('predictions:predict')}?{urlencode(query, doseq=True)}"
