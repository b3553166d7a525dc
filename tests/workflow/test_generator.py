"""`snakemake corruptions` on data of one's own and nothing else: a generator of common-corruption benchmarks."""

import hashlib
import os
import signal
import subprocess
import time

import numpy as np
import pandas as pd
import pytest
from copies import copy_project
from PIL import Image

STUDY = """
study: pets
data:
  source: image_folder
  image_folder: {{name: pets, test: '{folder}', preparation: squeeze, size: 40}}
corruptions:
  names: [{names}]
  severities: [1, 3]
  layout: {layout}
  subset: all
  shards: {shards}
"""


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """An image folder as people have them: colours, grey, a palette, many sizes, odd names."""
    folder = tmp_path_factory.mktemp("my pictures")
    random = np.random.default_rng(0)
    for index in range(12):
        path = folder / ("chat", "köter")[index % 2] / f"Bild {index} ü.png"
        path.parent.mkdir(exist_ok=True)
        picture = Image.fromarray(random.integers(0, 255, (60 + index, 90 - index, 3), dtype=np.uint8))
        picture.convert(("RGB", "L", "P")[index % 3]).save(path)
    return folder


def project_of(folder, pictures, layout, names="fog, glass_blur", shards=2):
    project = copy_project(folder, "pets.yaml")
    study = STUDY.format(folder=pictures, layout=layout, names=names, shards=shards)
    (folder / "pets.yaml").write_text(study, encoding="utf-8")
    return project


def made(project):
    """Digest of every file of the benchmark; links are not followed."""
    root = project.folder / "results" / "pets" / "corrupted"
    files = [path for path in root.rglob("*") if path.is_file() and not path.name.startswith(".")]
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def undisturbed(pictures, tmp_path_factory):
    """The benchmark by layout, made on one core: the folder of the project, and the digests of the files."""
    found = {}
    for layout, shards in (("cifar-10-c", 1), ("imagenet-c", 4)):
        project = project_of(tmp_path_factory.mktemp("undisturbed") / layout, pictures, layout, shards=shards)
        done = project.warm_snakemake("corruptions", "--cores=1")
        assert done.returncode == 0, done.stdout + done.stderr
        assert not (project.folder / "results" / "pets" / "data" / "train.npy").exists()
        found[layout] = project.folder, made(project)
    return found


@pytest.mark.parametrize("layout, shards", [("cifar-10-c", 1), ("imagenet-c", 4)])
def test_equal_bytes_for_one_two_or_four_cores(tmp_path, pictures, undisturbed, layout, shards):
    folder, expected = undisturbed[layout]
    for cores in (2, 4):
        project = project_of(tmp_path / str(cores), pictures, layout, shards=shards)
        done = project.warm_snakemake("corruptions", f"--cores={cores}")
        assert done.returncode == 0, done.stdout + done.stderr
        assert made(project) == expected
    if layout == "imagenet-c":
        root = folder / "results/pets/corrupted"
        assert (root / "weather/fog/3/köter/Bild 1 ü.JPEG").samefile(root / "fog/3/köter/Bild 1 ü.JPEG")
        assert "clean/0/chat/Bild 0 ü.JPEG" in expected
        assert sum(name.startswith("fog/") for name in expected) == 24
    else:
        stacked = np.load(folder / "results/pets/corrupted/fog.npy")
        assert stacked.shape == (24, 40, 40, 3)


def test_a_generator_that_is_killed_goes_on_where_it_was(tmp_path, pictures, undisturbed):
    project = project_of(tmp_path / "killed", pictures, "imagenet-c", shards=4)  # with the clean images 12 jobs
    shards = project.folder / "results" / "pets" / "corrupted" / "shards"
    process = subprocess.Popen(
        project.command("corruptions"),
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    while process.poll() is None and len(list(shards.rglob("*.json"))) < 4:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in shards.rglob("*.json")}
    assert 4 <= len(kept) < 12
    assert project.warm_snakemake("corruptions").returncode == 0
    finished_again = [path for path, made_at in kept.items() if path.stat().st_mtime_ns != made_at]
    assert len(finished_again) <= 4  # those that were being made, at most
    assert made(project) == undisturbed["imagenet-c"][1]


def test_training_without_training_images_is_refused_with_the_remedy(tmp_path, pictures):
    project = project_of(tmp_path / "x", pictures, "cifar-10-c")
    done = project.warm_snakemake("tables")
    assert done.returncode != 0 and not (project.folder / "results").exists()
    assert "`data.image_folder` names no training images, so nothing can be trained" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "before, after, sentence",
    [
        ("test: '", "test: '/nowhere", "`data.image_folder.test` is '/nowhere"),
        ("size: 40", "size: 20", "`data.image_folder.size` is 20: it must be at least 32."),
        (", size: 40", "", "`data.image_folder.preparation` is squeeze: add `size`, in pixels."),
        ("name: pets, ", "", "`data.image_folder.name` is missing: add it"),
        ("preparation: squeeze", "preparation: squeezed", "which is unknown: did you mean `squeeze`?"),
        ("source: image_folder", "source: arrays", "`data.arrays` is missing: add the section"),
        ("subset: all", "subset: listed", "`corruptions.ids` is missing"),
        (
            "subset: all",
            "subset: listed\n  ids: nowhere.txt",
            "`corruptions.ids` is 'nowhere.txt', and there is no such file",
        ),
        ("layout: imagenet-c", "layout: imagenet", "which is unknown: did you mean `imagenet-c`?"),
    ],
)
def test_a_wrong_study_stops_at_the_door(tmp_path, pictures, before, after, sentence):
    project = project_of(tmp_path / "x", pictures, "imagenet-c")
    study = project.folder / "pets.yaml"
    text = study.read_text(encoding="utf-8")
    assert before in text
    study.write_text(text.replace(before, after), encoding="utf-8")
    done = project.warm_snakemake("corruptions")
    assert done.returncode != 0 and sentence in done.stdout + done.stderr, done.stdout + done.stderr
    assert not (project.folder / "results").exists()


def test_a_damaged_picture_is_named_and_costs_nothing_else(tmp_path, pictures):
    copy = tmp_path / "copy"
    for path in pictures.rglob("*.png"):
        (copy / path.parent.name).mkdir(parents=True, exist_ok=True)
        (copy / path.parent.name / path.name).write_bytes(path.read_bytes()[: 900 if " 7 " in path.name else None])
    project = project_of(tmp_path / "x", copy, "imagenet-c")
    done = project.snakemake("corruptions")
    assert done.returncode != 0
    assert "köter/Bild 7 ü.png is damaged or cannot be read (" in done.stderr and "prepare_data.log" in done.stderr
    assert not list((project.folder / "results").rglob("*.npy"))
    (copy / "köter" / "Bild 7 ü.png").write_bytes((pictures / "köter" / "Bild 7 ü.png").read_bytes())
    assert project.warm_snakemake("corruptions").returncode == 0


OWN = """
study: own
data:
  source: arrays
  arrays: {{name: stripes, test_images: {folder}/x.npy, test_labels: {folder}/y.npy, train_images: {folder}/x.npy, train_labels: {folder}/y.npy}}
population: {{models: 2, cohort: 2}}
network: {{channels: [4, 8]}}
training: {{epochs: 2, batch_size: 8}}
pruning: {{every: 2}}
levels:
  - {{name: dense, method: none}}
  - {{name: control, method: none}}
  - {{name: magnitude-0.50, method: magnitude, sparsity: 0.5}}
corruptions: {{names: [fog, contrast], severities: [1, 5], layout: imagenet-c, subset: first, per_class: 4, shards: 2}}
joins:
  - {{name: people, file: {folder}/people.csv, id: image, missing: ignore}}
extras: {{label_quality: true}}
natural:
  - {{name: drawn, folder: {folder}/drawn}}
  - {{name: again, images: {folder}/x.npy, labels: {folder}/y.npy}}
audit: {{permutations: 200, subgroups: [kind, dark, {{column: label_self_confidence, bins: 2}}], positive_class: "2"}}
"""


def report(results):
    return (results / "report.html").read_text(encoding="utf-8")


def test_own_data_go_through_every_rule(tmp_path):
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    stripes = np.zeros((60, 32, 40, 3), np.uint8)
    for image, label in zip(stripes, labels, strict=True):
        image[label * 10 : label * 10 + 10] = random.integers(100, 255, (10, 40, 3))
    np.save(tmp_path / "x.npy", stripes)
    np.save(tmp_path / "y.npy", labels)
    for position in range(12):  # the classes 0 and 2 of 3, darker
        if labels[position] != 1:
            picture = tmp_path / "drawn" / str(labels[position]) / f"{position}.png"
            picture.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(stripes[position] // 2).save(picture)
    dark = pd.DataFrame({"image": range(59), "dark": np.arange(59) % 2, "age": np.arange(59) / 10})
    dark.to_csv(tmp_path / "people.csv", index=False)
    project = copy_project(tmp_path / "lacuna", "own.yaml")
    (project.folder / "own.yaml").write_text(OWN.format(folder=tmp_path))
    done = project.warm_snakemake()
    assert done.returncode == 0, done.stdout + done.stderr
    results = project.folder / "results" / "own"
    robustness = pd.read_csv(results / "tables" / "robustness.csv")
    assert set(robustness.corruption) == {"clean", "fog", "contrast"} and (robustness.examples == 12).all()
    planted = pd.read_csv(results / "tables" / "planted.csv")
    assert set(planted.group) == {"typical", "head"}  # nothing is planted, and every class is equally frequent
    assert "Nothing was planted in these images" in report(results)
    groups = pd.read_csv(results / "tables" / "subgroups.csv")
    n = groups[(groups.level == "control") & (groups.metric == "top-1")].set_index("group").examples
    assert n[["all images", "typical", "dark", "not dark"]].tolist() == [60, 60, 29, 30] and len(n) == 6
    stands_out = pd.read_csv(results / "tables" / "over_indexing.csv")
    assert {"dark", "age", "label_self_confidence", "label_normalized_margin"} <= set(stands_out.column)
    assert set(stands_out[stands_out.column == "age"].unknown) == {1}
    natural = pd.read_csv(results / "tables" / "natural.csv")
    scored = natural[natural.level == "dense"].set_index(["natural", "scored_on"])
    # `again` shows the test images themselves, of all classes.
    again = scored.loc["again", "all classes"]
    assert (again.examples, again.classes, again.clean_examples) == (60, 3, 60) and again.top1 == again.clean_top1
    assert set(scored.index) == {("again", "all classes"), ("drawn", "all classes"), ("drawn", "the set's classes")}
    own = scored.loc["drawn", "the set's classes"]
    assert (own.examples, own.classes, own.clean_examples) == (8, 2, 40)
    assert (own.clean_top1 >= scored.loc["drawn", "all classes"].clean_top1) and "Natural test sets" in report(results)
    masked = pd.read_parquet(results / "predictions" / "dense" / "000-001" / "natural.parquet")
    masked = masked[masked.corruption.isin(["drawn:masked", "drawn:clean"])]
    assert set(masked.top1) <= {0, 2} and (masked.top3 == 1).all() and (masked.p3 == 0).all()
    assert project.would_run() == {}
    (results / "corrupted" / "fog" / "5" / "1" / "4.JPEG").write_bytes(b"x")
    done = project.snakemake("--forcerun=predict", "results/own/predictions/dense/000-001/weather.parquet")
    assert done.returncode != 0 and "fog/5/1/4.JPEG is not the file that was made" in done.stderr
