"""The script that corrupts: every severity in its place, and options that reach the functions."""

import numpy as np
import pytest

from scripts.corrupt import corrupt_images
from scripts.lib.corruptions import constants_for, corrupt
from scripts.lib.dataset import Examples

IMAGES = np.random.default_rng(0).integers(0, 255, (3, 32, 32, 3), dtype=np.uint8)
EXAMPLES = Examples(
    np.array(["a", "b", "c"]), np.zeros(3, int), np.array(["typical"] * 3), np.zeros(3, int), np.ones(3, int)
)


@pytest.mark.parametrize("options", [{"stream": "exact"}, {"stream": "fast"}, {"engine": "imagecorruptions"}])
def test_severities_are_stacked_in_their_order(options):
    stacked = corrupt_images(IMAGES, EXAMPLES, "digits", "gaussian_noise", [5, 1], **options)
    for part, severity in ((stacked[:3], 5), (stacked[3:], 1)):
        alone = corrupt(IMAGES, "gaussian_noise", severity, dataset="digits", example_ids=["a", "b", "c"], **options)
        assert np.array_equal(part, alone)
    noise = np.abs(stacked.astype(int) - np.tile(IMAGES, (2, 1, 1, 1))).mean(axis=(1, 2, 3))
    assert noise[:3].min() > noise[3:].max()


def test_constants_of_another_size_are_used():
    here = corrupt_images(IMAGES, EXAMPLES, "digits", "contrast", [1], constants=constants_for("contrast", 32))
    other = corrupt_images(IMAGES, EXAMPLES, "digits", "contrast", [1], constants=constants_for("contrast", 224))
    assert other.std() < here.std()
