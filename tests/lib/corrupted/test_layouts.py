"""The published layouts, read by readers that are written here as the users' tools read them."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from scripts.lib.corrupted.layouts import as_jpeg, class_folders, jpeg_files, listed_files, load_variants
from scripts.lib.corrupted.subset import Chosen
from scripts.lib.data.dataset import save_manifest
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256, write_text

IMAGES = np.random.default_rng(0).integers(0, 255, (6, 40, 32, 3), dtype=np.uint8)
CHOSEN = Chosen(["a/1.png", "a/2.png", "b/1.png"], [0, 0, 1], ["a/1.JPEG", "a/2.JPEG", "b/1.JPEG"])


def test_a_jpeg_is_saved_as_the_official_program_saves_it(tmp_path):
    picture = np.kron(IMAGES[0, :8, :8], np.ones((8, 8, 1), np.uint8))
    Image.fromarray(np.uint8(picture)).save(tmp_path / "x.JPEG", quality=85, optimize=True)
    content = as_jpeg(picture)
    assert content == (tmp_path / "x.JPEG").read_bytes()
    with Image.open(tmp_path / "x.JPEG") as saved:
        assert saved.quantization[0][0] == 5  # 16 in the standard's table, scaled by 30 %
        assert saved.layer[0][1:3] == (2, 2) and saved.layer[1][1:3] == (1, 1)  # 4:2:0


@pytest.mark.parametrize(
    "classes, folders",
    [
        (["cat", "dog"], ["cat", "dog"]),
        (["n01440764", "n01443537"], ["n01440764", "n01443537"]),
        (["dog", "cat"], ["0", "1"]),  # readers sort the names and would exchange the labels
        (["a/b", "c"], ["0", "1"]),
        (["..", "c"], ["0", "1"]),
        (["a", "a", "b"], ["0", "1", "2"]),
        (["", "c"], ["0", "1"]),
        ([str(number) for number in range(11)], [f"{number:02d}" for number in range(11)]),
    ],
)
def test_folders_whose_sorted_names_number_the_classes(classes, folders):
    assert class_folders(classes) == folders
    assert sorted(folders) == folders


def test_names_of_files():
    ids = ["n01/ILSVRC2012_val_00000293.JPEG", "deep/er/b.v2.png", "7", "x.1", "x.2", "../../etc/passwd"]
    files = jpeg_files(ids, [0, 1, 1, 0, 0, 1], ["n01", "n02"])
    assert files == [
        "n01/ILSVRC2012_val_00000293.JPEG",
        "n02/b.v2.JPEG",
        "n02/7.JPEG",
        "n01/x.1.JPEG",
        "n01/x.2.JPEG",
        "n02/passwd.JPEG",
    ]
    with pytest.raises(InputError, match="has too long a name for a file"):
        jpeg_files(["ü" * 130], [0], ["a"])
    with pytest.raises(InputError, match=r"'a/x.png' and 'a/x.jpg' would both be saved as a/x.JPEG: rename one"):
        jpeg_files(["a/x.png", "a/x.jpg"], [0, 0], ["a"])


@pytest.fixture
def arrays(tmp_path):
    np.save(tmp_path / "fog.npy", IMAGES)
    manifest = {"corruption": "fog", "severities": [1, 3], "layout": "cifar-10-c", "examples_sha256": "x"}
    save_manifest(tmp_path / "fog.json", manifest | {"file_sha256": sha256(tmp_path / "fog.npy")})
    return [str(tmp_path / "fog.npy")], [str(tmp_path / "fog.json")]


def test_arrays_are_read_severity_by_severity(arrays):
    first, second = load_variants(*arrays, CHOSEN, "x")
    assert (first.corruption, first.severity, second.severity) == ("fog", 1, 3)
    assert np.array_equal(np.concatenate(list(second.batches(2))), IMAGES[3:])
    assert [len(batch) for batch in second.batches(2)] == [2, 1]


def test_arrays_of_other_examples_or_with_other_bytes_are_refused(arrays):
    with pytest.raises(InputError, match="made from other examples, or in another order"):
        load_variants(*arrays, CHOSEN, "y")
    with pytest.raises(InputError, match=r"fog.npy holds 6 images instead of 2 x 2"):
        load_variants(*arrays, Chosen(["a"] * 2, [0] * 2, [""] * 2), "x")
    path = Path(arrays[0][0])
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match=r"fog.npy is not the file that its manifest describes"):
        load_variants(*arrays, CHOSEN, "x")


@pytest.fixture
def folders(tmp_path):
    files, manifests = [], []
    for shard, (low, high) in enumerate([(0, 2), (2, 3)]):
        lines = []
        for severity in (1, 3):
            for index in range(low, high):
                file = f"fog/{severity}/{CHOSEN.file[index]}"
                (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
                content = as_jpeg(IMAGES[index + 3 * (severity == 3)])
                (tmp_path / file).write_bytes(content)
                lines.append(f"{hashlib.sha256(content).hexdigest()}  {file}\n")
        listed = tmp_path / "shards" / "fog" / f"{shard:04d}-of-0002.sha256"
        write_text(listed, "".join(lines))
        manifest = {"corruption": "fog", "severities": [1, 3], "layout": "imagenet-c", "examples_sha256": "x"}
        save_manifest(listed.with_suffix(".json"), manifest | {"file_sha256": sha256(listed)})
        files.append(str(listed))
        manifests.append(str(listed.with_suffix(".json")))
    return files, manifests


def test_folders_are_read_shard_after_shard(folders, tmp_path):
    first, second = load_variants(*folders, CHOSEN, "x")
    assert (first.corruption, first.severity, second.severity) == ("fog", 1, 3)
    read = np.concatenate(list(second.batches(2)))
    for image, file in zip(read, CHOSEN.file, strict=True):
        with Image.open(tmp_path / "fog" / "3" / file) as picture:
            assert np.array_equal(image, np.asarray(picture.convert("RGB")))
    severity, digest, file = next(listed_files(folders[0][1]))
    assert (severity, file) == (1, "fog/1/b/1.JPEG") and digest == sha256(tmp_path / file)


def test_a_missing_or_changed_jpeg_is_named(folders, tmp_path):
    variant = load_variants(*folders, CHOSEN, "x")[0]
    path = tmp_path / "fog" / "1" / "a" / "2.JPEG"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(InputError, match=r"fog/1/a/2.JPEG is not the file that was made"):
        list(variant.batches(2))
    path.unlink()
    with pytest.raises(InputError, match=r"fog/1/a/2.JPEG cannot be read \(No such file or directory\)"):
        list(variant.batches(2))
    with pytest.raises(InputError, match="the shards of fog 1 do not make up the chosen examples"):
        load_variants(folders[0][:1], folders[1][:1], CHOSEN, "x")
