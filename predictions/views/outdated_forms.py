"""Features forms that were built for a version which is no longer the one that runs."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext

from accounts.models import User
from inference.signature import TableInput, get_table_part
from predictions.feature_fields import get_field_name
from predictions.forms import FeaturesForm, ImageFeaturesForm
from registry.errors import InactiveModel, UnknownModel
from registry.models import ModelVersion
from registry.references import resolve_version


def convert_outdated_form(data: Mapping[str, str], version: ModelVersion, user: User) -> FeaturesForm | None:
    """Return a form of this version, with an error, if the submitted form was built for a version with other features.

    The fields of a form are numbered. After a promotion, the same number can be another feature, or the same feature in
    another unit, so the values must not be used as they are.

    Args:
        data: the submitted form. Its field `version` names the version that it was built for; programs may omit it.
    """
    reference, table = data.get("version", ""), get_table_part(version.parsed_signature.input)
    if table is None or reference in ("", str(version)):
        return None
    shown = _find_table(reference, version, user)
    if shown is None or _list_units(shown) == _list_units(table):
        return None
    units = dict(_list_units(table))
    values = {
        name: data.get(get_field_name(index), "")
        for index, (name, unit) in enumerate(_list_units(shown))
        if units.get(name) == unit
    }
    fields = {get_field_name(index): values.get(name, "") for index, name in enumerate(table.names)}
    form_class = ImageFeaturesForm if "image" in version.parsed_signature.input.parts else FeaturesForm
    form = form_class({name: data.get(name, "") for name in ("model", "client_reference")} | fields, table=table)
    form.add_error(
        None,
        gettext("%(version)s is used now, which takes other values. Check the values, and try again.")
        % {"version": version},
    )
    return form


def _find_table(reference: str, version: ModelVersion, user: User) -> TableInput | None:
    """Return the signature of the row that another version of the same model takes."""
    try:
        other = resolve_version(reference, user=user)
    except (UnknownModel, InactiveModel):
        return None
    return get_table_part(other.parsed_signature.input) if other.model_id == version.model_id else None


def _list_units(table: TableInput) -> list[tuple[str, str]]:
    return [(feature.name, feature.unit) for feature in table.features]
