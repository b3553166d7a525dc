"""What `corrupt` promises whatever the corruption."""

import hashlib
import json
import multiprocessing
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from pictures import pictures

from scripts.lib.corruptions import CORRUPTIONS, FAMILIES, constants_for, corrupt, frost_pictures
from scripts.lib.corruptions.streams import seed_words

GOLDEN = Path(__file__).parent / "golden.json"


def run(images, corruption, severity=3, ids=None, dataset="golden", **options):
    ids = [f"test/{i}" for i in range(len(images))] if ids is None else ids
    return corrupt(images, corruption, severity, dataset=dataset, example_ids=ids, **options)


def digest(corruption: str, size: int, stream: str = "exact") -> str:
    images = pictures(6 if size == 32 else 1, size, size)
    outputs = (run(images, corruption, severity, stream=stream) for severity in range(1, 6))
    return hashlib.sha256(b"".join(output.tobytes() for output in outputs)).hexdigest()[:16]


def digests() -> dict[str, dict[str, str]]:
    variants = [(stream, size) for stream in ("exact", "fast") for size in (32, 224)]
    return {f"{stream} {size}": {name: digest(name, size, stream) for name in CORRUPTIONS} for stream, size in variants}


@pytest.mark.parametrize("stream", ["exact", "fast"])
@pytest.mark.parametrize("size", [32, 224])
@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_bytes_are_those_of_every_other_machine(corruption, size, stream):
    """Remade with `PYTHONPATH=. python tests/lib/corruptions/test_corrupt.py`, after a change that is meant to change bytes."""
    assert digest(corruption, size, stream) == json.loads(GOLDEN.read_text())[f"{stream} {size}"][corruption]


@pytest.mark.parametrize("stream", ["exact", "fast"])
@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_order_and_company_do_not_matter(corruption, stream):
    images = pictures(50, 32, 32)  # more than one block
    together = run(images, corruption, stream=stream)
    order = np.random.RandomState(0).permutation(len(images))
    shuffled = run(images[order], corruption, ids=[f"test/{i}" for i in order], stream=stream)
    assert np.array_equal(shuffled, together[order])
    assert np.array_equal(run(images[7:8], corruption, ids=["test/7"], stream=stream), together[7:8])


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_input_is_neither_changed_nor_returned(corruption):
    images = pictures(3, 32, 32)
    before = images.copy()
    images.flags.writeable = False
    strided = images[:, ::-1, :, ::-1]
    for severity in (0, 2):
        output = run(images, corruption, severity)
        assert output.dtype == np.uint8 and output.shape == images.shape and not np.shares_memory(output, images)
        assert np.array_equal(run(strided, corruption, severity), run(strided.copy(), corruption, severity))
    assert np.array_equal(images, before)
    assert not np.array_equal(output, images)


@pytest.mark.parametrize("shape", [(32, 32), (33, 47), (64, 48), (96, 96), (150, 32), (224, 300), (299, 299)])
@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_any_size_from_32_pixels_on(corruption, shape):
    images = pictures(1, *shape)
    for severity in (1, 5):
        output = run(images, corruption, severity)
        assert output.shape == images.shape
        assert output.std() > 5


def test_frost_for_images_larger_than_its_pictures():
    images = pictures(1, 400, 700)
    assert run(images, "frost").shape == images.shape


@pytest.mark.parametrize("stream", ["exact", "fast"])
@pytest.mark.parametrize("corruption", ["gaussian_noise", "elastic_transform", "frost", "fog", "glass_blur", "snow"])
def test_chance_depends_on_every_key(corruption, stream):
    image = pictures(1, 32, 32)
    severities = constants_for(corruption, 32)["severities"]
    alike = {"stream": stream, "constants": {"severities": severities[2:3] * 5}}  # severities differ by their key only
    outputs = [
        run(image, corruption, 3, ["a"], **alike),
        run(image, corruption, 3, ["b"], **alike),
        run(image, corruption, 2, ["a"], **alike),
        run(image, corruption, 3, ["a"], "x", **alike),
    ]
    assert len({output.tobytes() for output in outputs}) == 4


@pytest.mark.parametrize("stream", ["exact", "fast"])
def test_chance_depends_on_the_corruption(stream):
    white = np.full((1, 32, 32, 3), 255, np.uint8)
    alike = {"stream": stream, "constants": {"severities": [{"scale": 0.1}] * 5}}  # on white, both add the same noise
    outputs = [run(white, corruption, **alike) for corruption in ("gaussian_noise", "speckle_noise")]
    assert not np.array_equal(*outputs)


def test_seeds_do_not_run_into_each_other():
    assert seed_words("a", "fog", 1, "b") == seed_words("a", "fog", 1, "b")
    spellings = [
        ("a", "b", 1, "1"),
        ("a", "b", 2, "1"),
        ("a", "c", 1, "1"),
        ("c", "b", 1, "1"),
        ("a", "b", 1, "2"),
        ("ab", "", 1, "1"),
        ("a", "b", 11, ""),
        ('a"', "b", 1, "1"),
        ("a", "b", 1, "ü"),
    ]
    assert len({tuple(seed_words(*spelling)) for spelling in spellings}) == len(spellings)


def test_threads_do_not_disturb_each_other():
    images = pictures(8, 32, 32)
    jobs = list(CORRUPTIONS) * 3
    with ThreadPoolExecutor(4) as pool:
        outputs = list(pool.map(lambda corruption: run(images, corruption).tobytes(), jobs))
    assert outputs == [run(images, corruption).tobytes() for corruption in jobs]


def test_global_random_state_is_neither_used_nor_changed():
    images = pictures(2, 32, 32)
    outputs = []
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002
        outputs.append(b"".join(run(images, corruption).tobytes() for corruption in CORRUPTIONS))
        assert np.random.random_sample() == np.random.RandomState(seed).random_sample()  # noqa: NPY002
    assert outputs[0] == outputs[1]


def test_a_spawned_process_makes_the_same_bytes():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.starmap(digest, [(corruption, 32) for corruption in ("gaussian_noise", "elastic_transform")])
    assert there == [digest(corruption, 32) for corruption in ("gaussian_noise", "elastic_transform")]


def test_import_is_cheap():
    heavy = "numpy numba cv2 skimage scipy PIL imagecorruptions torch"
    code = (
        "import sys; from scripts.lib.corruptions import FAMILIES, constants_for; constants_for('fog', 32); "
        f"print([name for name in {heavy.split()} if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"corruption": "rain"}, "there is no corruption 'rain'; there are gaussian_noise, "),
        ({"severity": 6}, "severity must be 0 (unchanged), 1, 2, 3, 4 or 5, not 6"),
        ({"severity": -1}, "severity must be"),
        ({"severity": 1.5}, "severity must be"),
        ({"stream": "slow"}, "there is no stream 'slow'; there are exact, fast"),
        ({"engine": "steam"}, "there is no engine 'steam'; there are lacuna, imagecorruptions"),
        (
            {"engine": "imagecorruptions", "constants": {}},
            "imagecorruptions has constants and random numbers of its own",
        ),
        (
            {"engine": "imagecorruptions", "stream": "fast"},
            "imagecorruptions has constants and random numbers of its own",
        ),
        ({"images": np.zeros((2, 32, 32, 3))}, "not float64 of shape (2, 32, 32, 3)"),
        ({"images": np.zeros((32, 32, 3), np.uint8)}, "not uint8 of shape (32, 32, 3)"),
        ({"images": [1, 2]}, "images must be a NumPy array of uint8 and shape (N, H, W, 3), not list"),
        ({"images": np.zeros((2, 31, 40, 3), np.uint8)}, "at least 32 pixels on each side, not 31 x 40"),
        ({"example_ids": ["a"]}, "2 images need as many example ids, not 1"),
        ({"example_ids": ["a", "a"]}, "example ids must differ"),
    ],
)
def test_mistakes_are_named_in_a_sentence(changes, message):
    arguments = {"images": pictures(2, 32, 32), "corruption": "fog", "severity": 1, "example_ids": ["a", "b"]} | changes
    with pytest.raises(ValueError) as error:
        corrupt(
            arguments.pop("images"), arguments.pop("corruption"), arguments.pop("severity"), dataset="d", **arguments
        )
    assert message in str(error.value)


def test_engine_imagecorruptions_is_the_package_seeded_by_our_keys():
    ic = pytest.importorskip("imagecorruptions", reason="an optional comparison")
    images = pictures(2, 40, 48)
    np.random.seed(5)  # noqa: NPY002
    published = [name for name in CORRUPTIONS if name not in FAMILIES["own"]]
    outputs = {name: run(images, name, engine="imagecorruptions") for name in published}
    assert np.random.random_sample() == np.random.RandomState(5).random_sample()  # noqa: NPY002
    for name, output in outputs.items():
        assert np.array_equal(output[1:], run(images[1:], name, ids=["test/1"], engine="imagecorruptions"))
    np.random.seed(seed_words("golden", "fog", 3, "test/0"))  # noqa: NPY002
    assert np.array_equal(outputs["fog"][0], ic.corrupt(images[0], 3, "fog"))
    # The same stream, constants and formula.
    images = pictures(1, 224, 224)
    assert np.array_equal(run(images, "shot_noise", engine="imagecorruptions"), run(images, "shot_noise"))


def test_engine_imagecorruptions_has_only_what_was_published(monkeypatch):
    monkeypatch.setitem(FAMILIES, "own", ("fog",))
    with pytest.raises(ValueError, match="the engine imagecorruptions does not have fog"):
        run(pictures(1, 32, 32), "fog", engine="imagecorruptions")


def test_engine_imagecorruptions_says_when_it_is_not_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "imagecorruptions", None)
    with pytest.raises(ImportError, match="pip install imagecorruptions-imaug"):
        run(pictures(1, 32, 32), "fog", engine="imagecorruptions")


def test_missing_pictures_of_frost_are_named(monkeypatch):
    monkeypatch.setattr(frost_pictures.importlib.util, "find_spec", lambda name: None)
    frost_pictures._decoded.cache_clear()
    with pytest.raises(FileNotFoundError, match="pip install imagecorruptions-imaug"):
        frost_pictures._decoded()


def test_no_images_are_no_mistake():
    assert run(np.empty((0, 32, 32, 3), np.uint8), "fog").shape == (0, 32, 32, 3)


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(digests(), indent=1) + "\n")
