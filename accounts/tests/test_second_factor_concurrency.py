"""Many codes at the same time, each in a request of its own."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections
from django.test import RequestFactory

from accounts.services.lockout import FREE_FAILURES
from accounts.services.second_factor import CodesLocked, check_code
from accounts.tests.factories import make_code

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 16


def check_at_once(user, codes):
    """Check each code in a thread. Return how many were right, wrong, and not checked."""
    barrier = Barrier(len(codes))

    def check(code):
        try:
            barrier.wait(10)
            return "right" if check_code(request=RequestFactory().post("/"), user=user, code=code) else "wrong"
        except CodesLocked:
            return "locked"
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(codes)) as executor:
        return Counter(executor.map(check, codes))


def test_requests_at_the_same_time_do_not_exceed_the_limit_of_wrong_codes(user, device):
    assert check_at_once(user, ["wrong-1"] * THREADS) == {"wrong": FREE_FAILURES, "locked": THREADS - FREE_FAILURES}


def test_a_code_that_is_used_twice_at_the_same_time_is_right_once(user, device):
    assert check_at_once(user, [make_code(device)] * 4) == {"right": 1, "wrong": 3}
