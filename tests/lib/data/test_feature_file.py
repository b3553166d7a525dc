"""Features come back as they were, or the file is refused in one sentence."""

import numpy as np
import pytest

from scripts.lib.data.feature_file import Features, load_features, save_features
from scripts.lib.jobs.errors import InputError

EXAMPLE = np.array(["test/a", "test/b", "test/c"])


def test_features_come_back(tmp_path):
    values = np.arange(12, dtype=np.float32).reshape(3, 4) / 7
    save_features(tmp_path / "features.parquet", Features(EXAMPLE, values, "what a layer reads"))
    found = load_features(tmp_path / "features.parquet", EXAMPLE)
    assert np.array_equal(found.values, values) and found.what == "what a layer reads"


def test_features_of_other_images_or_of_a_damaged_file_are_refused(tmp_path):
    path = tmp_path / "features.parquet"
    save_features(path, Features(EXAMPLE, np.zeros((3, 2)), "zeros"))
    with pytest.raises(InputError, match="other examples than the predictions, or another order"):
        load_features(path, EXAMPLE[::-1])
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(InputError, match="cannot be read"):
        load_features(path, EXAMPLE)
