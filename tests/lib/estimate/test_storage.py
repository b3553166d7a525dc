"""Bytes from counts, against files that are written."""

import io

import numpy as np
import pytest

from scripts.lib.estimate.storage import array_bytes, corrupted_bytes, ledger_bytes, model_bytes, shard_bytes


def test_an_array_is_its_pixels():
    file = io.BytesIO()
    np.save(file, np.zeros((10, 32, 24, 3), np.uint8))
    assert array_bytes(10, (32, 24)) == file.getbuffer().nbytes - 128  # of the header
    assert corrupted_bytes(10, (32, 24), in_arrays=True) == array_bytes(10, (32, 24))


def test_weights_by_how_they_are_stored():
    assert model_bytes(1000, 3) == 12_000 and model_bytes(1000, 3, "float16") == 6_000
    assert model_bytes(1000, 1, "int8_static") == 1_000 and model_bytes(1000, 1, "int4_weights") == 500


def test_what_was_measured_comes_out_again():
    # ImageNet-C in JPEG files 50 GB, a ledger of 798 million rows 16 GB, a stored picture of ImageNet 28.9 kB.
    assert corrupted_bytes(75 * 50_000, (224, 224), in_arrays=False) == pytest.approx(50e9, rel=0.05)
    assert ledger_bytes(30 * 7, 76 * 50_000) == pytest.approx(16e9, rel=0.05)
    assert ledger_bytes(1, 50_000, 1000) == pytest.approx(200e6, rel=0.05)
    assert shard_bytes(1, 256) == pytest.approx(28_900, rel=0.05)
