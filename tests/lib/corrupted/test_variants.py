"""Corrupting in parts: equal bytes however the work is divided, in memory that does not grow with the images."""

import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest

from scripts.lib.corrupted import variants
from scripts.lib.corrupted.variants import corrupted_chunks, severities_of, versions
from scripts.lib.corruptions import CORRUPTIONS, corrupt
from scripts.lib.data.dataset import Examples, pixels_digest
from scripts.lib.jobs.errors import InputError

IMAGES = np.random.default_rng(0).integers(0, 255, (24, 32, 32, 3), dtype=np.uint8)
IDS = np.array([f"class {i % 3}/ü{i}.png" for i in range(24)])
LABEL = np.arange(24) % 3
EXAMPLES = Examples(IDS, LABEL, IDS, LABEL, LABEL, np.array([pixels_digest(image) for image in IMAGES]))


def run(corruption, positions, severities=(1, 4), **options):
    """uint8[S, N, H, W, 3]: what the chunks add up to."""
    made = np.zeros((len(severities), len(positions), 32, 32, 3), np.uint8)
    options = {"constants": None, "engine": "lacuna", "stream": "exact"} | options
    for severity, start, images in corrupted_chunks(
        IMAGES, EXAMPLES, np.asarray(positions), "digits", corruption, list(severities), **options
    ):
        made[list(severities).index(severity), start : start + len(images)] = images
    return made


def share(job):
    corruption, positions, chunk = job
    variants.CHUNK = chunk
    return run(corruption, positions)


@pytest.mark.parametrize("options", [{}, {"stream": "fast"}, {"engine": "imagecorruptions"}])
def test_chunks_add_up_to_what_corrupt_makes(options, monkeypatch):
    monkeypatch.setattr(variants, "CHUNK", 5 * 3072)
    for corruption in ("gaussian_noise", "glass_blur"):
        made = run(corruption, np.arange(24), **options)
        for index, severity in enumerate((1, 4)):
            alone = corrupt(IMAGES, corruption, severity, dataset="digits", example_ids=list(IDS), **options)
            assert np.array_equal(made[index], alone)


def test_clean_images_are_severity_0():
    assert severities_of("clean", [1, 5]) == [0] and severities_of("fog", [1, 5]) == [1, 5]
    assert np.array_equal(run("clean", [3, 5], severities=[0])[0], IMAGES[[3, 5]])


@pytest.mark.parametrize("workers, start", [(1, "spawn"), (2, "fork"), (4, "fork"), (2, "spawn"), (4, "threads")])
def test_equal_bytes_for_any_workers_in_any_order(workers, start):
    order = np.random.default_rng(workers).permutation(24)
    jobs = [
        (corruption, part, chunk * 3072)
        for corruption in CORRUPTIONS
        for part, chunk in zip(np.array_split(order, 3), (1, 3, 100), strict=True)
    ]
    if start == "threads":  # no chunk of their own: they share the module
        with ThreadPoolExecutor(workers) as pool:
            parts = list(pool.map(lambda job: run(job[0], job[1]), jobs))
    else:
        with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context(start)) as pool:
            parts = list(pool.map(share, jobs))
    for (corruption, positions, _), part in zip(jobs, parts, strict=True):
        assert np.array_equal(part, whole(corruption)[:, positions]), corruption


def whole(corruption, cache={}):  # noqa: B006
    return cache.setdefault(corruption, run(corruption, np.arange(24)))


def test_an_image_that_was_exchanged_is_named():
    exchanged = EXAMPLES.take(np.r_[1, 0, 2:24])
    with pytest.raises(InputError, match=r"the test image 'class 1/ü1.png' is not the one that was prepared"):
        list(
            corrupted_chunks(
                IMAGES, exchanged, np.arange(4), "d", "fog", [1], constants=None, engine="lacuna", stream="exact"
            )
        )


def test_versions_name_what_the_bytes_depend_on():
    assert {"numpy", "scipy", "numba", "pillow"} <= set(versions()) and versions()["numpy"] == np.__version__


PEAK = """
import resource, sys
import numpy as np
from scripts.lib.data.dataset import Examples, pixels_digest, writing_images
from scripts.lib.corrupted.variants import corrupted_chunks
count, path = int(sys.argv[1]), sys.argv[2]
image = np.random.default_rng(0).integers(0, 255, (224, 224, 3), dtype=np.uint8)
names = np.array([str(i) for i in range(count)])
label = np.zeros(count, int)
examples = Examples(names, label, names, label, label, np.full(count, pixels_digest(image)))
images = np.broadcast_to(image, (count, 224, 224, 3))
with writing_images(path, (5 * count, 224, 224, 3)) as put:
    for severity, start, made in corrupted_chunks(
        images, examples, np.arange(count), "d", "fog", [1, 2, 3, 4, 5], constants=None, engine="lacuna", stream="exact"
    ):
        put((severity - 1) * count + start, made)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in other units")
def test_memory_does_not_grow_with_the_images(tmp_path):
    def peak(count):
        command = [sys.executable, "-c", PEAK, str(count), tmp_path / "x.npy"]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"}
        )
        return float(done.stdout.splitlines()[-1])

    few, many = peak(10), peak(300)  # 7.5 MB and 226 MB of results
    assert many - few < 64, f"{few:.0f} MB for 10 images, {many:.0f} MB for 300"
