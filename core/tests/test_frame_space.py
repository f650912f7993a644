"""Tests of `core.frame_space`."""

import resource
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.frame_space import call_with_frame_space

DEPTHS = range(0, 400)
CALLS = 100  # at each depth


def add(first: int, second: int) -> int:
    return first + second


def repeat_calls() -> int:
    return sum(add(number, 1) for number in range(CALLS))


def nest(depth: int, function: Callable[[], int]) -> int:
    return nest(depth - 1, function) if depth else function()


def count_page_faults(depth: int) -> int:
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    nest(depth, repeat_calls)
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before


def find_most_page_faults() -> int:
    return max(count_page_faults(depth) for depth in DEPTHS)


def run_in_thread(function: Callable[..., int], *arguments: object) -> int:
    """Run a function in a new thread, which has no frames yet."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(function, *arguments).result()


def test_calls_at_any_depth_do_not_request_memory_each_time():
    assert run_in_thread(call_with_frame_space, find_most_page_faults) < CALLS / 2
    assert run_in_thread(call_with_frame_space, call_with_frame_space, find_most_page_faults) < CALLS / 2


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the interpreter may reuse blocks")
def test_the_interpreter_needs_this():
    assert run_in_thread(find_most_page_faults) >= CALLS


def test_results_errors_and_arguments_are_those_of_the_function():
    assert call_with_frame_space(add, 1, second=2) == 3
    with pytest.raises(TypeError, match="missing 1 required"):
        call_with_frame_space(add, 1)
