"""What stands between torch and a file's runtime: layouts, types, batches."""

import copy

import pytest
import torch

from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.runners.runner import Reads, Runner, as_wanted, joined, layout_of, of_bytes


@pytest.mark.parametrize(
    ("shape", "layout", "channels", "size", "batch"),
    [
        ([1, 3, 224, 192], "NCHW", 3, (224, 192), 1),
        ([None, 1, 28, 28], "NCHW", 1, (28, 28), None),
        ([8, 224, 192, 3], "NHWC", 3, (224, 192), 8),
        ([None, 3, None, None], "NCHW", 3, None, None),
        ([None, None, None, 3], "NHWC", 3, None, None),
        ([None, None, None, None], "NCHW", None, None, None),
        ([1, 3, 3, 3], "NCHW", 3, (3, 3), 1),
    ],
)
def test_a_shape_tells_the_layout(shape, layout, channels, size, batch):
    assert layout_of(shape, "a") == {"layout": layout, "channels": channels, "size": size, "batch": batch}


@pytest.mark.parametrize("shape", [[1, 4, 8, 8], [3, 8, 8], [1, 2, 3, 8, 8]])
def test_what_reads_no_images_is_refused(shape):
    with pytest.raises(InputError, match=r"^a reads \["):
        layout_of(shape, "a")


def test_steps_are_rounded_to_the_nearest_and_kept_within_the_type():
    images = torch.tensor([-9.0, -0.26, 0.24, 0.26, 9.0]).view(1, 1, 1, 5)
    found = as_wanted(images, Reads("it", dtype=torch.uint8, scale=0.5, zero=10))
    assert found.dtype == torch.uint8 and found.flatten().tolist() == [0, 9, 10, 11, 28]
    found = as_wanted(images, Reads("it", dtype=torch.int8, scale=0.05, zero=0))
    assert found.flatten().tolist() == [-128, -5, 5, 5, 127]


def test_channels_go_last_where_they_are_read_so():
    images = torch.arange(24.0).view(1, 3, 2, 4)
    found = as_wanted(images, Reads("it", layout="NHWC", dtype=torch.float16))
    assert found.shape == (1, 2, 4, 3) and found.dtype == torch.float16 and found.is_contiguous()
    assert found[0, 1, 2].tolist() == [6, 14, 22]


@pytest.mark.parametrize(("dtype", "zero"), [(torch.uint8, 7), (torch.int8, -121)])
@pytest.mark.parametrize("scale", [None, 0.5, 0.0078125])
def test_whole_numbers_are_the_bytes_of_an_image(dtype, zero, scale):
    zero = zero if scale else 0
    said = of_bytes(dtype, scale, zero)
    pixels = torch.arange(256) / 255
    normalized = ((pixels - said["mean"][0]) / said["std"][0]).view(1, 1, 1, 256)
    found = as_wanted(normalized, Reads("it", dtype=dtype, scale=scale, zero=zero)).flatten().int()
    assert torch.equal(found, torch.arange(256) - (128 if dtype == torch.int8 else 0))
    assert of_bytes(torch.float32) == {}


class Double(Runner):
    """Doubles what it gets, and keeps the sizes of batches."""

    def __init__(self, path, reads):
        super().__init__(path, reads)
        self.seen = []

    def compute(self, images):
        self.seen.append(len(images))
        return {"a": images[:, 0, 0] * 2, "b": (images, 1)}


@pytest.fixture
def file(tmp_path):
    (tmp_path / "a.tflite").write_bytes(b"12345")
    return tmp_path / "a.tflite"


@pytest.mark.parametrize(("batch", "sizes"), [(None, [5]), (2, [2, 2, 2]), (5, [5]), (7, [7]), (1, [1] * 5)])
def test_a_last_batch_is_filled_up_and_what_fills_it_is_dropped(file, batch, sizes):
    runner = Double(file, Reads("it", batch=batch))
    images = torch.arange(5.0).view(5, 1, 1, 1)
    found = runner(images)
    assert runner.seen == sizes and runner.file_bytes == 5
    assert found["a"].flatten().tolist() == [0, 2, 4, 6, 8] and torch.equal(found["b"][0], images)
    assert copy.deepcopy(runner) is runner


def test_answers_are_joined_in_the_containers_that_they_came_in():
    parts = [{"x": (torch.ones(2, 1), "text")}, {"x": (torch.zeros(2, 1), "text")}]
    assert joined(parts, 3)["x"][0].flatten().tolist() == [1, 1, 0] and joined(parts, 3)["x"][1] == "text"
