"""A study answers what rules ask of it, without Snakemake."""

import subprocess
import sys
from dataclasses import FrozenInstanceError
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.celeba_files import MD5
from scripts.lib.study.downloads import DOWNLOADS
from scripts.lib.study.study import load_study

ROOT = Path(__file__).parents[3]
SCHEMA = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())
DEFAULT = (ROOT / "config.yaml").read_text()
MODELS = "<results>/models"


def study(**changes):
    """The default study with some sections, or keys of them, replaced."""
    config = yaml.safe_load(DEFAULT)
    for section, value in changes.items():
        config[section] = config[section] | value if isinstance(value, dict) and section in config else value
    return load_study(config, SCHEMA)


def brought_predictions(folder, **changes):
    """A study of three levels of which there are predictions only."""
    for level in ("dense", "control", "small"):
        (folder / level).mkdir()
        (folder / level / "1.csv").write_text("example,label,top1\n")
    levels = [
        {"name": level, "method": "none", "predictions": f"{folder}/{level}/*"}
        for level in ("dense", "control", "small")
    ]
    data = {"source": "predictions", "predictions": {"name": "mine"}}
    return study(levels=levels, data=data, corruptions={"names": []}, **changes)


def test_levels_and_where_their_models_come_from():
    populations = study().populations
    trained = ["dense", "control", "magnitude-0.50", "magnitude-0.90", "block-0.80"]
    assert list(populations.levels) == [*trained, "int8-static"] == populations.modelled
    assert populations.trained == trained and populations.quantized == ["int8-static"]
    assert populations.compressed == [*trained[1:], "int8-static"] and populations.brought == []
    assert set(populations.designs.values()) == {"independent", "paired"}
    assert populations.designs["int8-static"] == "paired"


@pytest.mark.parametrize(
    ("models", "cohort", "expected"),
    [(10, 10, ["000-009"]), (10, 4, ["000-003", "004-007", "008-009"]), (3, 1, ["000-000", "001-001", "002-002"])],
)
def test_cohorts_are_slices_of_a_population(models, cohort, expected):
    populations = study(population={"models": models, "cohort": cohort}).populations
    assert populations.cohorts("dense") == populations.cohorts("int8-static") == expected
    assert len(populations.all_networks) == 6 * len(expected)


def test_files_of_a_level():
    populations = study().populations
    assert populations.checkpoints("int8-static") == f"{MODELS}/dense/{{cohort}}.safetensors"
    assert populations.networks("int8-static") == "<results>/quantized/int8-static/{cohort}.safetensors"
    assert populations.networks("block-0.80") == f"{MODELS}/block-0.80/{{cohort}}.safetensors"
    assert populations.packed("block-0.80") == "<results>/packed/block-0.80/{cohort}.safetensors"
    assert populations.packed("dense") == [] and populations.first_networks[0] == f"{MODELS}/dense/000-009.safetensors"


def test_settings_concern_some_levels_only():
    asked = study()
    populations = asked.populations
    assert populations.pruning("dense") == {} and "allocation" not in populations.pruning("magnitude-0.90")
    assert {"begin", "allocation", "permutation"} <= set(populations.pruning("block-0.80"))
    assert populations.entry_for_training("int8-static") == {"name": "int8-static", "method": "none"}
    assert populations.quantization("dense") == {} == asked.calibration_data("dense")
    assert asked.calibration_data("int8-static")["images"] == "<results>/data/train.npy"
    assert populations.kernel_of("dense") == {} and set(populations.kernel_of("block-0.80")) == {
        "block_sparse.cpp",
        "configs.json",
    }
    assert populations.arithmetic("int8-static") == "portable" and populations.gpus == 0
    assert study(training={"device": "cuda"}).populations.gpus == 1
    assert asked.training_threads == 1 and study(training={"processes": 2}).training_threads == 2
    assert populations.training["processes"] == 1  # it decides what is trained


def test_suites_and_what_they_show():
    images = study(corruptions={"names": ["fog", "speckle_noise", "snow"], "severities": [2, 5]}).images
    assert images.suites == ["clean", "weather", "extra"] == images.suites_of_test_images
    assert images.corruptions_of("weather") == ["fog", "snow"] and images.corruptions_of("clean") == []
    assert images.variants_of_suites == {
        "clean": [("clean", 0)],
        "weather": [("fog", 2), ("fog", 5), ("snow", 2), ("snow", 5)],
        "extra": [("speckle_noise", 2), ("speckle_noise", 5)],
    }
    assert images.images("clean") == "<results>/data/test.npy" and images.chosen("clean") == []
    assert images.images("weather") == ["<results>/corrupted/fog.npy", "<results>/corrupted/snow.npy"]
    assert images.variants("extra") == ["<results>/corrupted/speckle_noise.json"]
    assert images.chosen("extra") == "<results>/corrupted/examples.csv"
    assert images.clean_and_corruptions == ["clean", "fog", "speckle_noise", "snow"]


def test_folders_of_corruptions_are_made_in_shards():
    images = study(corruptions={"names": ["fog"], "layout": "imagenet-c", "shards": 2}).images
    assert images.corrupted("files", ["fog"]) == [
        f"<results>/corrupted/shards/fog/{shard}.sha256" for shard in ("0000-of-0002", "0001-of-0002")
    ]
    assert images.images("weather") == ["<results>/corrupted/shards/fog.json"] and images.variants("weather") == []
    assert images.corruption_tables("clean") is None and set(images.corruption_tables("fog")) >= {32, 224}


def test_the_ledger_has_a_file_for_each_level_cohort_and_suite():
    asked = study(population={"cohort": 5}, corruptions={"names": ["fog"]})
    files = asked.ledger(*asked.images.suites)
    assert len(files) == len(set(files)) == 6 * 2 * 2
    assert files[0] == "<results>/predictions/dense/000-004/clean.parquet" and asked.checked == []


def test_what_comes_out_depends_on_what_there_is(tmp_path):
    asked = study()
    assert {"planted", "cost", "cost_and_forgetting"} <= set(asked.tables) and asked.pictures == ["exemplars"]
    assert not {"natural", "real"} & set(asked.tables) and asked.left_out == []
    asked = brought_predictions(tmp_path)
    assert not {"planted", "cost", "natural", "real"} & set(asked.tables) and asked.pictures == []
    assert not {"cost", "training"} & set(asked.figures) and len(asked.left_out) == 2
    assert {"calibration", "reliability"} <= set(asked.tables) and "reliability" in asked.figures
    assert asked.keeps_probabilities("clean") and not asked.keeps_probabilities("weather")
    assert not study(audit={"probabilities": "top5"}).keeps_probabilities("clean")
    assert asked.checked == ["<results>/predictions/populations.json"] and asked.images.splits == []
    assert asked.populations.brought == ["control", "small"] and asked.populations.modelled == []
    assert asked.populations.cohorts("dense") == ["000-009"]
    assert asked.images.data["dense"] == asked.populations.predictions_of("dense") == [f"{tmp_path}/dense/1.csv"]


def test_how_models_are_kept_while_they_train_is_no_part_of_what_they_are():
    first, second = (study(training={"checkpoint_minutes": minutes}).populations.training for minutes in (5, 50))
    assert first == second and first["schedule"] == "linear" and first["augmentation"] == "none"


def test_each_epoch_of_what_is_trained_here_is_drawn():
    asked = study(population={"cohort": 5})
    assert "training" in asked.figures and len(asked.epochs) == 5 * 2
    assert asked.epochs[0] == "<results>/epochs/dense/000-004.csv" and not [f for f in asked.epochs if "int8" in f]


def test_natural_sets_are_a_suite_of_their_own(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    images = study(natural=[{"name": "a", "folder": str(folder)}, {"name": "b", "folder": str(folder)}]).images
    assert images.suites[-1] == "natural" and "natural" not in images.suites_of_test_images
    assert images.images("natural") == [
        "<results>/data/natural/a.npy",
        "<results>/data/natural/b.npy",
        "<results>/data/test.npy",
    ]
    assert images.chosen("natural") == images.natural_files("parquet") and images.natural_arrays("a") == []
    assert images.natural_set("a")["folder"] == str(folder) and images.preparation("a")["preparation"] == "as_is"


def test_weights_of_a_cohort_are_those_of_its_seeds_in_the_order_of_their_numbers(tmp_path):
    for seed in range(12):
        (tmp_path / f"m{seed}.pt").write_bytes(b"")
    brought = {"network": "torchvision:resnet18", "weights": f"{tmp_path}/*.pt"}
    levels = [{"name": name, "method": "none"} for name in ("control", "other")]
    levels = [{"name": "dense", "method": "none", "checkpoints": brought}, *levels]
    populations = study(levels=levels, population={"models": 12, "cohort": 4}).populations
    assert populations.weights_of("dense", "008-011") == [f"{tmp_path}/m{seed}.pt" for seed in range(8, 12)]
    assert populations.beside_weights("dense", "000-003") == [] and populations.trained == ["control", "other"]
    assert populations.brought_network("dense") == {"network": "torchvision:resnet18"}
    assert populations.factory("dense") is None and populations.arithmetic("dense") == "fastest"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"training": {"epochs": "nine"}}, "config key `training.epochs` is 'nine': it must be a whole number."),
        ({"joins": [{"name": "a", "file": "no.csv", "id": "x"}]}, "`file` is 'no.csv', and there is no such file"),
        ({"corruptions": {"subset": "listed", "ids": "no.txt"}}, "`corruptions.ids` is 'no.txt', and there is no such"),
        ({"natural": [{"name": "fog", "folder": "."}]}, "another set or a corruption has this name"),
        (
            {"data": {"source": "image_folder", "image_folder": {"name": "x", "test": "/nowhere"}}},
            "config key `data.image_folder.test` is '/nowhere', and there is nothing of that name",
        ),
    ],
)
def test_what_is_wrong_is_said_at_the_door(changes, sentence):
    with pytest.raises(InputError) as error:
        study(**changes)
    assert sentence in str(error.value)


def test_files_of_cifar_are_there_before_any_job(tmp_path):
    def images(path, **more):
        return study(data={"source": "cifar", "cifar": {"name": "cifar10", "path": str(path)} | more}).images

    files = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta"]
    for name in files:
        (tmp_path / name).touch()
    found = images(tmp_path)
    assert found.splits == ["train", "test"] and found.data_files == [str(tmp_path / name) for name in files]
    assert (found.data["labels"], found.data["verify"]) == ("fine", "published")
    assert images(tmp_path / "test_batch").data_files == [str(tmp_path / "test_batch")]  # the job says it is no archive
    (tmp_path / "data_batch_3").unlink()
    (tmp_path / "a{b}.tar.gz").touch()
    for path, more, sentence in (
        (tmp_path / "no", {}, "and there is nothing of that name: correct the path, or write `path: download`."),
        (
            tmp_path,
            {},
            "a folder without data_batch_3: name the folder cifar-10-batches-py with all its files, or the archive cifar-10-python.tar.gz.",
        ),
        (tmp_path, {"name": "cifar100"}, "a folder without train: name the folder cifar-100-python with all its files"),
        (tmp_path / "a{b}.tar.gz", {}, "snakemake reads braces as wildcards, so rename what has them."),
    ):
        with pytest.raises(InputError) as error:
            images(path, **more)
        assert str(error.value).startswith(f"config key `data.cifar.path` is {str(path)!r}")
        assert sentence in str(error.value)
    with pytest.raises(
        InputError, match=r"`data\.cifar\.labels` is coarse, and cifar10 has only one kind of labels: remove"
    ):
        images(tmp_path, labels="coarse")
    with pytest.raises(InputError, match=r"`data\.cifar\.name` is 'cifar', which is unknown"):
        images(tmp_path, name="cifar")


def test_idx_files_are_there_before_any_job(tmp_path):
    (tmp_path / "x").touch()
    options = {"name": "mnist", "test_images": str(tmp_path / "x"), "test_labels": str(tmp_path / "y")}
    with pytest.raises(InputError, match=r"`data\.idx\.test_labels` is '.*/y', and there is nothing of that name"):
        study(data={"source": "idx", "idx": options})
    (tmp_path / "y").touch()
    found = study(data={"source": "idx", "idx": options}).images
    assert found.splits == ["test"] and found.data_files == [str(tmp_path / "x"), str(tmp_path / "y")]
    with pytest.raises(InputError, match=r"`data\.idx\.train_labels` is missing beside `train_images`"):
        study(data={"source": "idx", "idx": options | {"train_images": str(tmp_path / "x")}})


def test_published_files_are_downloaded_where_a_study_asks_for_it():
    cifar = study(
        data={"source": "cifar", "cifar": {"name": "cifar100", "path": "download", "labels": "coarse"}}
    ).images
    assert cifar.data_files == ["downloads/cifar100/cifar-100-python.tar.gz"] == [cifar.data["path"]]
    idx = dict.fromkeys(("train_images", "train_labels", "test_images", "test_labels"), "download")
    found = study(data={"source": "idx", "idx": {"name": "fashion-mnist"} | idx}).images
    assert found.data_files == [
        f"downloads/fashion-mnist/{file}"
        for file in (
            *("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
            *("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
        )
    ]
    with pytest.raises(
        InputError, match=r"`data.idx.train_images` is download, and `name` is x: what can be downloaded"
    ):
        study(data={"source": "idx", "idx": {"name": "x"} | idx})
    with pytest.raises(InputError, match=r"`data.cifar.labels` is coarse, and cifar10 has only one kind"):
        study(data={"source": "cifar", "cifar": {"name": "cifar10", "path": "download", "labels": "coarse"}})


def test_addresses_and_checksums_are_those_of_torchvision():
    """Read from its source, since importing it takes seconds."""
    folder = Path(find_spec("torchvision").origin).parent / "datasets"
    text = "".join((folder / f"{name}.py").read_text() for name in ("cifar", "mnist", "celeba"))
    for published in DOWNLOADS.values():
        assert published.url.rpartition("/")[0] in text and published.url.rpartition("/")[2] in text
        assert f'"{published.md5}"' in text
    assert all(f'"{checksum}", "{name}"' in text for name, checksum in MD5.items())


def test_training_pictures_of_imagenet_are_in_shards(tmp_path):
    for folder in ("train", "val"):
        (tmp_path / folder).mkdir()
    options = {"name": "x", "test": str(tmp_path / "val"), "preparation": "resize_then_crop", "size": 224}

    def images(**more):
        return study(data={"source": "imagenet", "imagenet": options | more}).images

    train = {"train": str(tmp_path / "train")}
    found = images(**train, shards={"number": 2})
    assert found.training_images() == [f"<results>/data/train/000{n}-of-0002.jpegs" for n in range(2)]
    assert found.in_arrays == ["test"] and found.splits == ["train", "test"]
    assert found.data["shards"] == {"number": 2, "short_side": 256, "quality": 90}
    assert len(images(**train).training_shards) == 64 and images().training_shards == []
    array = images(**train, train_as="array")
    assert array.training_images() == "<results>/data/train.npy" and array.in_arrays == ["train", "test"]
    with pytest.raises(
        InputError, match=r"`data\.imagenet\.shards\.short_side` is 200 and `size` 224: .* at least 224 pix"
    ):
        images(**train, shards={"short_side": 200})
    with pytest.raises(
        InputError, match=r"`data\.imagenet\.preparation` is pad, .*: choose another, or `train_as: array`"
    ):
        images(**train, preparation="pad")
    with pytest.raises(InputError, match=r"`data\.imagenet\.shards\.number` is 0: it must be at least 1"):
        images(**train, shards={"number": 0})


def test_some_things_are_wrong_only_where_they_are_asked_for(tmp_path):
    with pytest.raises(InputError, match=r"`corruptions\.names` is empty: name the corruptions to make"):
        study(corruptions={"names": []}).images.check_corrupted()
    folder = tmp_path / "pictures"
    folder.mkdir()
    data = {"source": "image_folder", "image_folder": {"name": "x", "test": str(folder)}}
    with pytest.raises(InputError, match="names no training images, so nothing can be trained"):
        study(data=data).images.training_images()


def test_a_study_stays_as_it_is_and_the_configuration_too():
    config = yaml.safe_load(DEFAULT)
    before = yaml.safe_dump(config)
    asked = load_study(config, SCHEMA)
    assert yaml.safe_dump(config) == before
    with pytest.raises(FrozenInstanceError):
        asked.images = None
    with pytest.raises(FrozenInstanceError):
        asked.populations.weights = {}


def test_nothing_of_snakemake_is_needed():
    program = "import sys, scripts.lib.study.study; sys.exit('snakemake' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_files_that_bring_their_own_computation_need_no_network(tmp_path, monkeypatch):
    """Their format is filled in, what belongs to them is followed, and no module of the user's is looked for."""
    for level in ("dense", "control"):
        for number in (0, 1):
            (tmp_path / f"{level}-{number}.xml").write_text(f"<net>{level} {number}</net>")
            (tmp_path / f"{level}-{number}.bin").write_bytes(b"1")
    brought = [
        {"name": level, "method": "none", "checkpoints": {"weights": f"{tmp_path}/{level}-*.xml"}}
        for level in ("dense", "control")
    ]
    monkeypatch.setattr("scripts.lib.study.formats.find_spec", lambda package: package)  # as if it were installed
    populations = study(levels=brought, population={"models": 2, "cohort": 1}).populations
    assert populations.entry("dense")["checkpoints"]["network"] == "openvino"
    assert populations.weights_of("dense", "001-001") == [f"{tmp_path}/dense-1.xml"]
    assert populations.beside_weights("dense", "001-001") == [f"{tmp_path}/dense-1.bin"]
    assert populations.factory("dense") is None and populations.brought_network("dense") == {"network": "openvino"}
    assert "network" not in brought[0]["checkpoints"]  # what the user wrote stays as it is
