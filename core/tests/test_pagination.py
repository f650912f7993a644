"""Pages of admin lists."""

import pytest
from django.contrib.auth import get_user_model
from django.core.paginator import EmptyPage, Paginator

from core.pagination import BoundedPaginator

pytestmark = pytest.mark.django_db


def test_each_page_has_the_same_rows_as_a_page_of_django(django_assert_num_queries):
    users = get_user_model().objects.bulk_create(get_user_model()(username=f"user-{number}") for number in range(7))
    rows = get_user_model().objects.filter(pk__in=[user.pk for user in users]).order_by("-username")
    expected = Paginator(rows, 3)
    for number in (1, 2, 3):
        page = BoundedPaginator(rows, 3).page(number)
        assert list(page.object_list) == list(expected.page(number).object_list)
        assert (page.has_next(), page.has_previous()) == (number < 3, number > 1)
    with pytest.raises(EmptyPage):
        BoundedPaginator(rows, 3).page(4)
    with django_assert_num_queries(2):
        assert len(list(BoundedPaginator(rows, 3).page(1).object_list)) == 3
