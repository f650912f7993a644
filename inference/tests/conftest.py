import pytest

from inference.tests.factories import write_dummy_spec


@pytest.fixture
def make_spec(tmp_path):
    """Return a function that writes a dummy artifact and returns its spec."""

    def make(**options):
        return write_dummy_spec(tmp_path, **options)

    return make
