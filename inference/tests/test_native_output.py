import logging
import os

import pytest

from inference.runtimes.native_output import filter_native_output

pytestmark = pytest.mark.once
NOISE = b"""\
2026 [W:onnxruntime:Default, device_discovery.cc:164 Discover] GPU device discovery failed
2026-11-26 12:00:00.123456: I tensorflow/core/util/port.cc:153] oneDNN custom operations are on.
WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
E0000 00:00:1764158400.123456     123 cuda_dnn.cc:8579] Unable to register cuDNN factory
W0000 00:00:1764158400.123456     123 computation_placer.cc:177] computation placer already registered.
To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow with the appropriate flags.
"""


def test_noise_of_an_import_is_logged_and_other_lines_are_written(capfd, caplog):
    with caplog.at_level(logging.DEBUG), pytest.raises(ImportError), filter_native_output():
        os.write(2, b"before\n" + NOISE)
        os.write(2, b"after\n")
        raise ImportError
    assert capfd.readouterr().err == "before\nafter\n"
    assert [record.message for record in caplog.records] == NOISE.decode().splitlines()
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "later\n"
