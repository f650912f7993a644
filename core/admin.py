"""Base classes of model admins, and functions that render values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.admin.widgets import AdminSplitDateTime, AutocompleteSelect
from django.contrib.auth import get_permission_codename
from django.contrib.auth.models import Permission
from django.core.exceptions import SuspiciousOperation, ValidationError
from django.db import DataError, IntegrityError, NotSupportedError
from django.db.models import DateTimeField, Model, QuerySet
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.formatting import NOT_AVAILABLE, format_json
from core.forms import remember_shown_value
from core.locks import lock_row
from core.pagination import BoundedPaginator
from core.permission_names import format_permission
from core.validators import is_storable

MAX_YEAR_DIGITS = 4
# An invalid expression is an error of the database, and some take minutes. A range cannot be the value of a parameter.
REFUSED_LOOKUPS = {"regex", "iregex", "range", "contained_by"}
# The lookups of a date hierarchy. Django computes the end of a period, which must be a date too.
DATE_PART_LIMITS = {"year": (1, 9998), "month": (1, 12), "day": (1, 31)}


class CheckedAutocompleteSelect(AutocompleteSelect):
    """Show no selected row if the submitted key cannot be a key, or if the address has such a key.

    Without a selected row, the field shows its name: screen readers do not read its label.
    """

    def build_attrs(self, base_attrs: dict[str, Any], extra_attrs: dict[str, Any] | None = None) -> dict[str, Any]:
        attrs: dict[str, Any] = super().build_attrs(base_attrs, extra_attrs)
        return {**attrs, "data-placeholder": capfirst(self.field.verbose_name)}

    def optgroups(self, name: str, value: Sequence[str], attr: dict[str, Any] | None = None) -> Any:
        valid = [key for key in value if is_valid_key(self.field.remote_field.model, str(key))]
        return super().optgroups(name, valid, attr)


class LabeledSplitDateTime(AdminSplitDateTime):
    """Name the fields of a date and of a time for screen readers. Django's label is next to them only visually."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        for widget, label in zip(self.widgets, (_("Date"), _("Time")), strict=True):
            widget.attrs["aria-label"] = label


class GuardedAdmin(admin.ModelAdmin):
    """Check keys, dates, and texts of a request before the database gets them. All model admins inherit from this class.

    Django's admin passes many of them on. Values that a database cannot store or compare would be server errors. Lists do
    not count whole tables.
    """

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    formfield_overrides: ClassVar[Any] = {DateTimeField: {"widget": LabeledSplitDateTime}}
    secret_fields: ClassVar[tuple[str, ...]] = ()  # no page shows them

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Return whether a list can be filtered by a lookup. With filters, a secret could be guessed step by step."""
        is_secret = lookup.partition(LOOKUP_SEP)[0] in self.secret_fields
        return not is_secret and super().lookup_allowed(lookup, value, request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """Show the list. Redirect to a list without filters and with an error message if a parameter is invalid."""
        if not all(is_valid_parameter(name, value) for name, values in request.GET.lists() for value in values):
            return self.reject_list(request)
        try:
            response = super().changelist_view(request, extra_context)
            return response.render() if isinstance(response, TemplateResponse) else response
        except (DataError, OverflowError, NotSupportedError):  # a value or a lookup that the column does not support
            return self.reject_list(request)

    def reject_list(self, request: HttpRequest) -> HttpResponse:
        """Redirect to the list without filters. It shows that a parameter was invalid."""
        return redirect(f"{request.path}?{ERROR_FLAG}=1")

    def get_actions(self, request: HttpRequest) -> Any:
        """Return the actions. An action that names no permission requires the permission to change rows."""
        actions = super().get_actions(request)
        if self.has_change_permission(request):
            return actions
        return {name: action for name, action in actions.items() if action and hasattr(action[0], "allowed_permissions")}

    def response_action(self, request: HttpRequest, queryset: QuerySet, *args: Any) -> Any:
        """Perform an action. Reject selected keys that cannot be keys of this table."""
        if not all(is_valid_key(self.model, key) for key in request.POST.getlist(ACTION_CHECKBOX_NAME)):
            raise SuspiciousOperation(gettext("A selected key is not valid."))
        return super().response_action(request, queryset, *args)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row, or None if there is none."""
        is_valid = is_storable(object_id) and (from_field or is_valid_key(self.model, object_id))
        return super().get_object(request, object_id, from_field) if is_valid else None

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Return the matching rows: none for a text that a database cannot store. Autocomplete fields can send any text."""
        if not is_storable(search_term):
            return queryset.none(), False
        return super().get_search_results(request, queryset, search_term)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if "widget" not in kwargs and request and db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = CheckedAutocompleteSelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.remote_field.model is Permission:
            field.label_from_instance = format_permission
        return field

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the form field. That of a stored row remembers the value that it shows: others can change the row."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        match = request.resolver_match
        if field and match and "object_id" in match.kwargs:
            is_shown = request.method != "POST" or f"initial-{db_field.name}" in request.POST
            remember_shown_value(field, is_shown=is_shown)
        return field

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save a row. If it is stored already, save only the changed fields: others can change the row at the same time."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        lock_row(obj)
        names = {field.name for field in obj._meta.concrete_fields}
        obj.save(update_fields=[name for name in form.changed_data if name in names])

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the relations of a row. If it is stored already, save only the changed ones."""
        if change:
            names = {field.name for field in form.instance._meta.many_to_many}
            for name in names.difference(form.changed_data):
                form.cleaned_data.pop(name, None)
        super().save_related(request, form, formsets, change)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Start the title with a capital letter: in German and Spanish, it starts with the name of the model."""
        return super().render_change_form(request, {**context, "title": capfirst(context["title"])}, *args, **kwargs)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Show or save a form. Report a conflict with a row that another request stored after the form was checked."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except IntegrityError:
            message = gettext(
                "Nothing was saved, because another request has just saved a row with the same name. Try again."
            )
            self.message_user(request, message, level=messages.ERROR)
            return redirect(request.get_full_path())


class ReadOnlyAdmin(GuardedAdmin):
    """Show rows without forms. No user can add, change, or delete a row."""

    list_per_page = 50

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def view_on_site(self, obj: Model) -> str | None:
        return obj.get_absolute_url() if hasattr(obj, "get_absolute_url") else None

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the user has the permission to view rows. For Django, the permission to change them is enough."""
        return request.user.has_perm(f"{self.opts.app_label}.{get_permission_codename('view', self.opts)}")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def is_valid_key(model: type[Model], key: str) -> bool:
    """Return whether a text can be a primary key of a table."""
    field: Any = model._meta.pk
    while field.is_relation:
        field = field.target_field
    try:
        field.run_validators(field.to_python(key))
    except ValidationError:
        return False
    return is_storable(key)


def is_valid_parameter(name: str, value: str) -> bool:
    """Return whether a query parameter of a list can be a text, or a part of a date."""
    if not (is_storable(name) and is_storable(value)):
        return False
    lookup = name.rpartition("__")[2]
    if lookup in REFUSED_LOOKUPS:
        return False
    limits = DATE_PART_LIMITS.get(lookup)
    if limits is None or not value:
        return True
    return value.isascii() and value.isdigit() and len(value) <= MAX_YEAR_DIGITS and limits[0] <= int(value) <= limits[1]


def render_link(row: Model | None, text: str = "") -> str | SafeString:
    """Return a link to the admin page of a row, or a dash for None."""
    if row is None:
        return NOT_AVAILABLE
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', url, text or str(row))


def render_json(value: Any) -> SafeString:
    """Return a value as an indented block of JSON."""
    return format_html("<pre>{}</pre>", format_json(value))
