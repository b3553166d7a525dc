"""From prepared images to a benchmark that others' readers take for the published one, in both layouts."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace as Names

import numpy as np
import pytest
from PIL import Image

from scripts.corrupt import choose_examples, corrupt, corrupt_to_folders, describe_corruptions
from scripts.lib.corruptions import OWN_SOURCE, official_tables
from scripts.lib.corruptions import corrupt as corrupt_images
from scripts.lib.data.dataset import pixels_digest, save_examples, save_manifest
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256

N, SEVERITIES, CORRUPTIONS = 6, [1, 3], ["clean", "fog", "gaussian_noise"]
IMAGES = np.random.default_rng(0).integers(0, 255, (N, 50, 50, 3), dtype=np.uint8)
LABEL = np.arange(N) % 2
IDS = [f"{'cat' if label == 0 else 'dog'}/{index}.png" for index, label in enumerate(LABEL)]


def save_data(folder, images=IMAGES):
    np.save(folder / "test.npy", images)
    kind = np.array(["typical"] * N)
    pixels = [pixels_digest(image) for image in images]
    columns = {"example": IDS, "split": ["test"] * N, "label": LABEL, "shown": LABEL, "kind": kind}
    save_examples(folder / "examples.parquet", columns | {"class_frequency": np.full(N, np.nan), "pixels": pixels})
    digests = {name: sha256(folder / file) for name, file in (("test", "test.npy"), ("examples", "examples.parquet"))}
    about = {
        "name": "pets",
        "source": "image_folder",
        "options": {},
        "converted": {},
        "broken": {"test": 0},
        "pillow": "13",
        "sha256": digests,
    }
    save_manifest(folder / "manifest.json", about | {"classes": ["cat", "dog"], "image_size": list(images.shape[1:3])})


class Benchmark:
    """A folder of corrupted images, made by the scripts' own `main`s."""

    def __init__(self, folder, layout, **params):
        self.folder, self.layout, self.root = folder, layout, folder / "corrupted"
        self.params = {"severities": SEVERITIES, "engine": "lacuna", "stream": "exact", "shards": 2, "subset": "all"}
        self.params |= {"per_class": 1, "layout": layout} | params
        data = {
            "images": folder / "test.npy",
            "examples": folder / "examples.parquet",
            "data": folder / "manifest.json",
        }
        self.input = {name: str(path) for name, path in data.items()} | {"chosen": str(self.root / "examples.csv")}
        if not (folder / "test.npy").exists():
            save_data(folder)

    def choose(self, ids=()):
        given = Names(**self.input, ids=list(ids))
        choose_examples.main(given, Names(chosen=self.input["chosen"]), Names(**self.params))

    def corrupt(self, corruption, shard=0):
        tables = None if corruption == "clean" or self.params["engine"] != "lacuna" else official_tables(corruption)
        params = Names(**self.params, tables=tables)
        if self.layout == "cifar-10-c":
            made = Names(images=str(self.root / f"{corruption}.npy"), manifest=str(self.root / f"{corruption}.json"))
            corrupt.main(Names(**self.input), made, params, corruption)
            return [(made.images, made.manifest)]
        base = self.root / "shards" / corruption / f"{shard:04d}-of-{self.params['shards']:04d}"
        made = Names(files=f"{base}.sha256", manifest=f"{base}.json")
        corrupt_to_folders.main(Names(**self.input), made, params, corruption, shard)
        return [(made.files, made.manifest)]

    def describe(self, made):
        files, manifests = zip(*made, strict=True)
        given = Names(**self.input, files=list(files), manifests=list(manifests))
        labels = [str(self.root / "labels.npy")] if self.layout == "cifar-10-c" else []
        output = Names(manifest=str(self.root / "manifest.json"), labels=labels)
        describe_corruptions.main(given, output, Names(**self.params))
        return json.loads((self.root / "manifest.json").read_text())

    def make(self):
        self.choose()
        shards = range(self.params["shards"]) if self.layout == "imagenet-c" else [0]
        return self.describe([made for name in CORRUPTIONS for shard in shards for made in self.corrupt(name, shard)])

    def pictures(self):
        """Every file below the root that is no link, with its digest."""
        files = (Path(parent, file) for parent, _, found in os.walk(self.root) for file in found)
        return {str(path.relative_to(self.root)): sha256(path) for path in files}


def expected(corruption, severity):
    return corrupt_images(IMAGES, corruption, severity, dataset="pets", example_ids=IDS)


def test_arrays_are_read_as_cifar_10_c_is(tmp_path):
    made = Benchmark(tmp_path, "cifar-10-c").make()
    labels = np.load(tmp_path / "corrupted" / "labels.npy")
    assert labels.dtype == np.uint8 and labels.tolist() == LABEL.tolist() * 2
    for corruption in ("fog", "gaussian_noise"):
        stacked = np.load(tmp_path / "corrupted" / f"{corruption}.npy")
        assert stacked.dtype == np.uint8 and stacked.shape == (2 * N, 50, 50, 3)
        for position, severity in enumerate(SEVERITIES):
            assert np.array_equal(stacked[position * N : (position + 1) * N], expected(corruption, severity))
        assert made["corruptions"][corruption]["sha256"] == sha256(tmp_path / "corrupted" / f"{corruption}.npy")
    assert np.array_equal(np.load(tmp_path / "corrupted" / "clean.npy"), IMAGES)
    assert made["variant"].startswith("in memory") and made["examples"] == N and made["dataset"] == "pets"


def test_folders_are_read_as_imagenet_c_is(tmp_path):
    made = Benchmark(tmp_path, "imagenet-c").make()
    root = tmp_path / "corrupted"
    for family, corruption in (("weather", "fog"), ("noise", "gaussian_noise")):
        for severity in SEVERITIES:
            clean = expected(corruption, severity)
            for where in (root / corruption, root / family / corruption):  # both ways that tools look
                folders = sorted(path.name for path in (where / str(severity)).iterdir())
                assert folders == ["cat", "dog"]  # so that their numbers are the labels
                files = sorted(path for path in (where / str(severity)).rglob("*.JPEG"))
                assert [file.stem for file in files] == ["0", "2", "4", "1", "3", "5"]
                for file in files:
                    with Image.open(file) as picture:
                        assert (picture.format, picture.size, picture.mode) == ("JPEG", (50, 50), "RGB")
                    Image.fromarray(clean[int(file.stem)]).save(tmp_path / "x.jpg", quality=85, optimize=True)
                    assert file.read_bytes() == (tmp_path / "x.jpg").read_bytes()
            entry = made["corruptions"][corruption]["severities"][str(severity)]
            assert entry["files"] == N
    assert len(list((root / "clean" / "0").rglob("*.JPEG"))) == N
    assert made["variant"].startswith("saved JPEG: quality 85") and made["class_folders"] == ["cat", "dog"]


def test_the_lists_are_those_of_sha256sum(tmp_path):
    made = Benchmark(tmp_path, "imagenet-c").make()
    root = tmp_path / "corrupted"
    lists = sorted((root / "shards" / "fog").glob("*.sha256"))
    assert len(lists) == 2
    done = subprocess.run(["sha256sum", "--check", "--strict", *lists], cwd=root, capture_output=True, check=False)
    assert done.returncode == 0 and done.stdout.count(b": OK") == 2 * N
    lines = [line for path in lists for line in path.read_text().splitlines(keepends=True) if "fog/3/" in line]
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    assert made["corruptions"]["fog"]["severities"]["3"]["sha256"] == digest


@pytest.mark.parametrize(
    "size, words",
    [
        (32, "32 pixels (make_cifar_c.py): official"),
        (50, "64 pixels (make_imagenet_64_c.py): the nearest to 50 pixels, for which there is no official table"),
    ],
)
def test_the_manifest_says_whose_constants(tmp_path, size, words):
    save_data(tmp_path, IMAGES[:, :size, :size])
    made = Benchmark(tmp_path, "cifar-10-c").make()
    entry = made["corruptions"]["fog"]["severities"]["3"]
    assert entry["table"] == words
    assert entry["constants"] == official_tables("fog")[{32: 32, 50: 64}[size]]["severities"][2]
    assert made["corruptions"]["clean"]["severities"] == {"0": {}}
    assert made["versions"]["numpy"] == [np.__version__]


def test_the_other_engine_is_named(tmp_path):
    made = Benchmark(tmp_path, "cifar-10-c", engine="imagecorruptions").make()
    assert made["engine"] == "imagecorruptions"
    assert made["corruptions"]["fog"]["severities"]["3"]["table"].startswith("those of the package imagecorruptions")
    theirs = corrupt_images(IMAGES, "fog", 1, dataset="pets", example_ids=IDS, engine="imagecorruptions")
    assert np.array_equal(np.load(tmp_path / "corrupted" / "fog.npy")[:N], theirs)


@pytest.mark.parametrize("shards", [1, 2, 5, 9])
def test_any_number_of_shards_makes_the_same_pictures(tmp_path, shards):
    for name, count in (("a", 3), ("b", shards)):
        (tmp_path / name).mkdir()
        Benchmark(tmp_path / name, "imagenet-c", shards=count).make()
    one, other = (
        {
            path: digest
            for path, digest in Benchmark(tmp_path / name, "imagenet-c").pictures().items()
            if path.endswith(".JPEG")
        }
        for name in ("a", "b")
    )
    assert one == other and len(one) == N * (1 + 2 * 2)


def test_a_subset_is_corrupted_as_in_the_whole(tmp_path):
    benchmark = Benchmark(tmp_path, "cifar-10-c", subset="listed")
    (tmp_path / "ids.txt").write_text("dog/5.png\n\ncat/0.png\n")
    benchmark.choose([str(tmp_path / "ids.txt")])
    benchmark.describe(benchmark.corrupt("fog"))
    assert np.array_equal(np.load(tmp_path / "corrupted" / "fog.npy")[:2], expected("fog", 1)[[0, 5]])
    assert np.load(tmp_path / "corrupted" / "labels.npy").tolist() == [0, 1, 0, 1]
    assert (tmp_path / "corrupted" / "examples.csv").read_text().splitlines()[1] == "cat/0.png,0,cat,"


def test_what_an_earlier_study_left_is_removed(tmp_path, capsys):
    Benchmark(tmp_path, "imagenet-c").make()
    kept = tmp_path / "corrupted" / "snow" / "1" / "cat" / "0.JPEG"  # of a corruption that the study does not name
    kept.parent.mkdir(parents=True)
    kept.touch()
    benchmark = Benchmark(tmp_path, "imagenet-c", severities=[1], subset="first")
    benchmark.make()
    root = tmp_path / "corrupted"
    assert sorted(str(path.relative_to(root)) for path in (root / "fog").rglob("*.JPEG")) == [
        "fog/1/cat/0.JPEG",
        "fog/1/dog/1.JPEG",
    ]
    assert not (root / "fog" / "3").exists() and kept.exists()
    assert "fog: removed 10 files of an earlier study" in capsys.readouterr().out


def test_a_class_without_an_image_keeps_its_folder_and_the_others_their_numbers(tmp_path):
    benchmark = Benchmark(tmp_path, "imagenet-c", subset="listed", shards=1)
    (tmp_path / "ids.txt").write_text("dog/5.png\n")
    benchmark.choose([str(tmp_path / "ids.txt")])
    benchmark.describe(benchmark.corrupt("fog"))
    for severity in ("1", "3"):
        folders = sorted(path.name for path in (tmp_path / "corrupted" / "fog" / severity).iterdir())
        assert folders == ["cat", "dog"]
        assert [path.name for path in (tmp_path / "corrupted" / "fog" / severity).rglob("*.JPEG")] == ["5.JPEG"]


def test_another_division_into_shards_leaves_no_list_that_is_wrong(tmp_path):
    """Four shards, then two with another stream, then four again: nothing of the first run may count as made."""
    four = Benchmark(tmp_path, "imagenet-c", shards=4)
    four.make()
    two = Benchmark(tmp_path, "imagenet-c", shards=2, stream="fast")
    two.choose()
    folder = tmp_path / "corrupted" / "shards" / "gaussian_noise"
    being_written = folder / ".0001-of-0002.sha256.machine.1"  # by the job of the other shard, at the same time
    being_written.touch()
    two.corrupt("gaussian_noise", 0)
    assert being_written.exists()
    lists = sorted(path.name for path in folder.iterdir() if path != being_written)
    assert lists == ["0000-of-0002.json", "0000-of-0002.sha256"]
    assert not (tmp_path / "corrupted" / "manifest.json").exists()  # withdrawn before the first file changes
    assert len(list((tmp_path / "corrupted" / "shards" / "fog").iterdir())) == 8


def test_what_is_no_part_of_the_benchmark_is_named(tmp_path, capsys):
    Benchmark(tmp_path, "cifar-10-c").make()
    assert "earlier study" not in capsys.readouterr().out
    Benchmark(tmp_path, "imagenet-c").make()
    said = capsys.readouterr().out
    assert (
        "corrupted/fog.npy is of an earlier study and no part of this benchmark" in said and "labels.npy is of" in said
    )


def test_a_picture_that_vanished_is_missed(tmp_path):
    benchmark = Benchmark(tmp_path, "imagenet-c", shards=1)
    benchmark.choose()
    made = benchmark.corrupt("fog")
    (tmp_path / "corrupted" / "fog" / "3" / "dog" / "1.JPEG").unlink()
    with pytest.raises(InputError, match=r"fog/3/dog/1.JPEG is missing: delete .*corrupted/shards/fog, and snakemake"):
        benchmark.describe(made)
    assert not (tmp_path / "corrupted" / "manifest.json").exists()


def test_files_of_other_examples_are_not_described(tmp_path):
    benchmark = Benchmark(tmp_path, "cifar-10-c")
    benchmark.choose()
    made = benchmark.corrupt("fog")
    Path(made[0][0]).write_bytes(Path(made[0][0]).read_bytes()[:-1])
    with pytest.raises(InputError, match=r"fog.npy is not the file that its manifest describes"):
        benchmark.describe(made)
    Benchmark(tmp_path, "cifar-10-c", subset="first").choose()
    with pytest.raises(InputError, match=r"fog.json was made from other examples"):
        benchmark.describe(made)


def test_images_that_are_too_small_are_refused_before_any_work(tmp_path):
    save_data(tmp_path, IMAGES[:, :28, :28])
    with pytest.raises(
        InputError, match=r"have 28 x 28 pixels and no corruption is published for less than 32: enlarge them"
    ):
        Benchmark(tmp_path, "cifar-10-c").choose()


def test_a_list_that_cannot_be_read_is_named(tmp_path):
    (tmp_path / "ids.txt").write_bytes(b"\xff")
    with pytest.raises(InputError, match=r"ids.txt cannot be read .*: give a text file with one example id a line"):
        Benchmark(tmp_path, "cifar-10-c", subset="listed").choose([str(tmp_path / "ids.txt")])


def test_a_full_disk_is_named_and_nothing_counts_as_done(tmp_path):
    benchmark = Benchmark(tmp_path, "imagenet-c", shards=1)
    benchmark.choose()
    full = tmp_path / "corrupted" / "fog" / "3" / "dog" / "3.JPEG"
    full.parent.mkdir(parents=True)
    full.symlink_to("/dev/full")
    with pytest.raises(InputError, match=r"fog/3/dog/3.JPEG cannot be written \(No space left on device\): make room"):
        benchmark.corrupt("fog")
    assert not (tmp_path / "corrupted" / "shards").exists()
    full.unlink()
    benchmark.describe(benchmark.corrupt("fog"))


INTERRUPTED = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_corrupting import Benchmark
from scripts.lib.corrupted import layouts
import scripts.corrupt.corrupt_to_folders as script
saved = 0
def as_jpeg(image):
    global saved
    saved += 1
    if saved > 7:
        os.kill(os.getpid(), 9)
    return layouts.as_jpeg(image)
script.as_jpeg = as_jpeg
Benchmark(Path(sys.argv[1]), "imagenet-c", shards=1).corrupt("fog")
"""


def test_a_shard_that_was_killed_is_made_again_whole(tmp_path):
    benchmark = Benchmark(tmp_path, "imagenet-c", shards=1)
    benchmark.choose()
    here = Path(__file__).parent
    environment = os.environ | {"PYTHONPATH": str(here.parents[2])}
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, tmp_path, here], env=environment, check=False)
    assert done.returncode == -9
    root = tmp_path / "corrupted"
    assert len(list((root / "fog").rglob("*.JPEG"))) == 7 and not (root / "shards").exists()
    benchmark.describe(benchmark.corrupt("fog"))
    (tmp_path / "b").mkdir()
    other = Benchmark(tmp_path / "b", "imagenet-c", shards=1)
    other.choose()
    other.describe(other.corrupt("fog"))
    assert benchmark.pictures() == other.pictures()


def test_constants_that_nobody_published_are_not_called_official():
    own = {"table": 32, "source": OWN_SOURCE, "severities": [{"share": 0.1}] * 5}
    described = {describe_corruptions.describe_constants(own, 1, size)["table"] for size in (32, 224)}
    assert described == {"32 pixels (Lacuna's own): published nowhere"}
