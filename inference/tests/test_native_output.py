import logging
import os

import pytest

from inference.runtimes.native_output import filter_native_output

pytestmark = pytest.mark.once
NOISE = b"2026 [W:onnxruntime:Default, device_discovery.cc:164 Discover] GPU device discovery failed\n"


def test_noise_of_an_import_is_logged_and_other_lines_are_written(capfd, caplog):
    with caplog.at_level(logging.DEBUG), pytest.raises(ImportError), filter_native_output():
        os.write(2, b"before\n" + NOISE)
        os.write(2, b"after\n")
        raise ImportError
    assert capfd.readouterr().err == "before\nafter\n"
    assert ["discovery failed" in record.message for record in caplog.records] == [True]
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "later\n"
