"""Create batch jobs from CSV and ZIP files. The Predict page uploads single images through the API."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext
from django.views.generic import FormView
from django_htmx.http import HttpResponseClientRedirect

from accounts.requests import AuthenticatedRequest
from accounts.services.idempotency import hash_content
from accounts.services.submissions import store_once
from core.errors import get_status
from core.formatting import format_bytes
from core.storage_errors import StorageUnavailable
from inference.errors import InferenceError
from predictions.batch_jobs.forms import BatchFileForm
from predictions.models import BatchJob
from predictions.services.batch_jobs import create_batch_job, start_batch_job
from predictions.tables.paste import add_missing_header, build_pasted_file
from predictions.views.mixins import HtmxLoginRequiredMixin, build_error_response
from predictions.views.model_choices import list_model_choices
from predictions.views.submissions import SubmissionMixin
from registry.errors import InactiveModel, UnknownModel
from registry.references import ResolvedModel, resolve_model


class NewBatchJobView(SubmissionMixin, HtmxLoginRequiredMixin, FormView):
    """Upload the file of a batch job, or paste rows. A table opens its preview; an archive of images starts immediately.

    htmx requests get the error as text, or a redirect of the browser.
    """

    template_name = "predictions/batch_jobs/new.html"
    form_class = BatchFileForm
    request: AuthenticatedRequest

    def get_initial(self) -> dict[str, Any]:
        return {"model": self.request.GET.get("model", "")}

    def get_form_kwargs(self) -> dict[str, Any]:
        reference = self.request.POST.get("model") or self.request.GET.get("model", "")
        return (
            super().get_form_kwargs()
            | self.get_pasted_file(reference)
            | {
                "choices": _list_choices(self.request, reference),
                "limit": format_bytes(settings.MAX_BATCH_FILE_BYTES),
            }
        )

    def get_pasted_file(self, reference: str) -> dict[str, Any]:
        """Return pasted rows or texts as the file of the form; nothing if there are none."""
        text = self.request.POST.get("csv", "")
        if not text.strip() or self.request.FILES:
            return {}
        try:
            signature = resolve_model(reference, user=self.request.user).version.parsed_signature
        except (UnknownModel, InactiveModel):
            return {}
        return {"files": MultiValueDict({"file": [build_pasted_file(text, signature.input)]})}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        size = settings.MAX_BATCH_FILE_BYTES
        return super().get_context_data(batch_limits={"bytes": size, "size": format_bytes(size)}, **kwargs)

    def form_valid(self, form: BatchFileForm) -> HttpResponse:
        user, reference, file = self.request.user, form.cleaned_data["model"], form.cleaned_data["file"]
        content = ["batch job", reference, hash_content(file)]
        try:
            resolved = resolve_model(reference, user=user)
            file, is_completed = _complete_table(file, resolved)
            run = partial(_create_job, user=user, resolved=resolved, file=file, has_added_header=is_completed)
            key = self.choose_submission_key(content)
            job = store_once(user=user, key=key, content=content, run=run, rows=BatchJob.objects.all())
        except (InferenceError, StorageUnavailable) as error:
            form.add_error("model" if isinstance(error, UnknownModel | InactiveModel) else "file", str(error))
            return self.form_invalid(form, status=get_status(error))
        if is_completed:
            note = gettext("The table has no header. Its columns are in the order of the features.")
            messages.info(self.request, note)
        return HttpResponseClientRedirect(job.get_absolute_url()) if self.request.htmx else redirect(job)

    def form_invalid(self, form: BatchFileForm, *, status: int = 400) -> HttpResponse:
        if self.request.htmx:
            reasons = [str(message) for errors in form.errors.values() for message in errors]
            return build_error_response(" ".join(reasons), status=status)
        return self.render_to_response(self.get_context_data(form=form), status=status)


def _complete_table(file: UploadedFile, resolved: ResolvedModel) -> tuple[UploadedFile, bool]:
    """Return a table with a header, and whether it had none. Files of other models are rejected later."""
    signature_input = resolved.version.parsed_signature.input
    if "image" in signature_input.parts or str(file.name).lower().endswith(".zip"):
        return file, False
    return add_missing_header(file, signature_input)  # type: ignore[return-value]


def _create_job(*, file: UploadedFile, **options: Any) -> BatchJob:
    kind = BatchJob.Kind.ARCHIVE if str(file.name).lower().endswith(".zip") else ""  # otherwise detected
    job = create_batch_job(kind=kind, file=file, start=False, **options)
    return start_batch_job(job=job) if job.kind == BatchJob.Kind.ARCHIVE else job  # an archive has no columns to choose


def _list_choices(request: AuthenticatedRequest, reference: str) -> list[tuple[str, str]]:
    """Return the models in production, and the requested one if it is another."""
    try:
        version = resolve_model(reference, user=request.user).version if reference else None
    except (UnknownModel, InactiveModel):
        version = None
    return [(choice.reference, choice.title) for choice in list_model_choices(version, reference if version else "")]
