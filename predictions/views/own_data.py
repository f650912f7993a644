"""Download all data of the own account."""

from __future__ import annotations

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone, translation
from django.views.generic import View

from accounts.requests import AuthenticatedRequest
from accounts.services.audit import Action, AuditObject, record_action
from core.streaming import start_stream
from predictions.services.own_data import stream_own_data
from predictions.views.mixins import HtmxLoginRequiredMixin


class OwnDataView(HtmxLoginRequiredMixin, View):  # type: ignore[misc]  # both declare `request`
    """Stream a ZIP archive with the account, all rows, and all files of the user."""

    http_method_names = ["get"]

    def get(self, request: AuthenticatedRequest) -> HttpResponseBase:
        record_action(action=Action.EXPORT, actor=request.user, on=AuditObject("own data"), details={"format": "zip"})
        content = stream_own_data(user=request.user, language=translation.get_language() or "en")
        name = f"mlsite-data-{timezone.localdate():%Y-%m-%d}.zip"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
        return StreamingHttpResponse(start_stream(content), content_type="application/zip", headers=headers)
