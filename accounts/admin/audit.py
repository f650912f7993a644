"""The audit log in the admin: read-only, with filters, search by whole values, and a CSV export."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, StreamingHttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from accounts.audit_csv import write_csv
from accounts.models import AuditEntry, User
from accounts.requests import is_valid_address
from accounts.services.audit import Action, AuditObject, record_action
from core.admin import ReadOnlyAdmin, is_valid_parameter, render_json
from core.fields import get_first_id
from core.formatting import NOT_AVAILABLE, format_value
from core.streaming import start_stream
from core.validators import is_storable

MAX_DETAILS_CHARACTERS = 100  # in the list
OBJECT_TYPES = {
    "alert": _("alert"),
    "alert rule": _("alert rule"),
    "alias": _("alias"),
    "audit log": _("audit log"),
    "batch job": _("batch job"),
    "dataset": _("dataset"),
    "group": _("group"),
    "own data": _("own data"),
    "predictions": _("predictions"),
    "token": _("API token"),
    "user": _("user"),
}
PERIODS = (("1", _("Last 24 hours")), ("7", _("Last 7 days")), ("30", _("Last 30 days")))


class PeriodFilter(admin.SimpleListFilter):
    """Entries of the last days. Their IDs are in the order of time, so the primary key serves this filter."""

    title = _("time")
    parameter_name = "days"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return PERIODS

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in dict(PERIODS):
            return queryset
        return queryset.filter(pk__gte=get_first_id(timezone.now() - timedelta(days=int(self.value() or 0))))


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "action", "actor", "type_name", "object_name", "address", "short_details")
    sortable_by = ()
    list_select_related = ("actor",)
    list_filter = (PeriodFilter, "action")
    search_fields = ("object_id",)  # shows the search field; get_search_results searches
    search_help_text = _("A username, an IP address, or the ID of an object")
    fields = ("created_at", "action", "actor", "address", "type_name", "object_id", "object_name", "formatted_details")
    readonly_fields = ("type_name", "formatted_details")
    change_list_template = "admin/accounts/auditentry/change_list.html"

    @admin.display(description=_("object type"))
    def type_name(self, entry: AuditEntry) -> str:
        """Return the type in the language of the reader. Exports and the log have the stored one."""
        return str(OBJECT_TYPES.get(entry.object_type, entry.object_type)) or NOT_AVAILABLE

    @admin.display(description=_("details"))
    def short_details(self, entry: AuditEntry) -> str:
        """Return the details in one line, as `from: 1, to: 2`."""
        texts = (f"{name}: {format_value(value)}" for name, value in entry.details.items())
        return Truncator(", ".join(texts)).chars(MAX_DETAILS_CHARACTERS) or NOT_AVAILABLE

    @admin.display(description=_("details"))
    def formatted_details(self, entry: AuditEntry) -> str:
        return render_json(entry.details)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Search for whole values, which have indexes."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if not is_storable(term):
            return queryset.none(), False
        user = User.objects.filter(username=term).only("pk").first()
        matches = Q(object_id=str(user.pk) if user else term)
        if user:
            matches |= Q(actor=user)
        if is_valid_address(term):
            matches |= Q(address=term)
        return queryset.filter(matches), False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name="accounts_auditentry_export"), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """Download the entries of the filtered list as CSV, and record the download.

        Raises:
            PermissionDenied: the user cannot see the audit log.
        """
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            entries = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            entries = None
        if entries is None or not all(is_valid_parameter(name, str(value)) for name, value in request.GET.items()):
            return redirect(f"{reverse('admin:accounts_auditentry_changelist')}?{ERROR_FLAG}=1")
        record_action(action=Action.EXPORT, on=AuditObject("audit log"), details={"format": "csv"})
        headers = {"Content-Disposition": 'attachment; filename="audit-log.csv"', "Cache-Control": "private, no-store"}
        content = start_stream(write_csv(entries))
        return StreamingHttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)
