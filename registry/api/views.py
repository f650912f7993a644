"""API views of registered models."""

from __future__ import annotations

from django.db.models import QuerySet
from rest_framework import mixins, viewsets

from core.api.pagination import NameOrderedPagination
from registry.api.serializers import RegisteredModelSerializer
from registry.models import RegisteredModel


class ModelViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet):
    """Registered models with their versions and aliases."""

    queryset = RegisteredModel.objects.none()
    serializer_class = RegisteredModelSerializer
    pagination_class = NameOrderedPagination
    lookup_field = "name"
    lookup_value_converter = "slug"

    def get_queryset(self) -> QuerySet[RegisteredModel]:
        return RegisteredModel.objects.visible_to(self.request.user).prefetch_related("versions", "aliases__version")
