"""From images and networks to slices and their picture: a planted slice is found in a pair, beside a control file and beside a population."""

from types import SimpleNamespace as Names

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from scripts.audit import find_pies
from scripts.lib.data.dataset import pixels_digest, save_examples, save_manifest
from scripts.lib.data.feature_file import load_features
from scripts.lib.jobs.files import sha256
from scripts.lib.ledger.predictions import block, save_ledger
from scripts.lib.networks.architectures import build_network
from scripts.lib.networks.cohorts import save_cohort
from scripts.lib.pages.slices import page
from scripts.lib.tables.slices import discovery_half
from scripts.lib.tables.table import load_table
from scripts.slices import describe_images, draw_slices, extract_features, find_slices

pytestmark = pytest.mark.filterwarnings("error::RuntimeWarning")
N, CLASSES = 400, ["cat", "dog", "owl"]
LABEL = np.arange(N) % 3
IDS = np.array([f"test/{number:03d}" for number in range(N)])
DARK = np.arange(N) % 5 == 0  # the planted slice: these images are dark, and change after compression


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A fifth of the images dark, with what is in them and what an untrained network sees in them."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    light = np.where(DARK, 20, random.integers(100, 200, N))
    images = np.clip(random.normal(light[:, None, None, None], 10, (N, 8, 8, 3)), 0, 255).astype(np.uint8)
    found = Names(
        **{name: folder / name for name in ("images", "examples", "data", "statistics", "features", "models")}
    )
    np.save(found.images.with_suffix(".npy"), images)
    found.images = found.images.with_suffix(".npy")
    columns = {
        "example": IDS,
        "split": np.full(N, "test"),
        "label": LABEL,
        "shown": LABEL,
        "kind": np.full(N, "typical"),
    }
    columns |= {"class_frequency": np.full(N, 9), "pixels": np.array([pixels_digest(image) for image in images])}
    save_examples(found.examples, columns)
    digests = {"test": sha256(found.images), "examples": sha256(found.examples)}
    save_manifest(found.data, {"classes": CLASSES, "sha256": digests, "image_size": [8, 8]})
    torch.manual_seed(0)
    network = {"name": "plain", "channels": [4, 8]}
    models = {3: build_network("plain", [4, 8], 3), 2: build_network("plain", [4, 8], 3)}
    save_cohort(found.models, models, {"network": network, "classes": CLASSES, "seeds": [3, 2]})
    describe_images.main(found, Names(statistics=found.statistics))
    extract_features.main(found, Names(features=found.features), Names(device="cpu", arithmetic="fastest"))
    return found


def predicted(level, seed):
    """Labels as a model predicts them: each uncompressed model errs on 4 % of its own, and the pruned ones on a half of the dark images."""
    random = np.random.default_rng([("dense", "control", "pruned", "same").index(level), seed])
    wrong = random.random(N) < 0.04
    if level == "pruned":
        wrong |= DARK & (np.arange(N) % 2 == 0)
    return np.where(wrong, (LABEL + 1) % 3, LABEL)


def audited(data, folder, models, levels, designs=None):
    """slices.csv and the members of a study, and the picture."""
    ledger = []
    for level in ("dense", *levels):
        rows = []
        for seed in range(models):
            votes = predicted("dense" if level == "same" else level, seed)
            probability = np.full((N, 3), 0.05, np.float32)
            probability[np.arange(N), votes] = 0.9
            rows.append(block(IDS, LABEL, seed, "clean", 0, probability))
        ledger.append(folder / f"{level}.parquet")
        save_ledger(ledger[-1], rows, {"level": level, "classes": CLASSES, "suite": "clean"})
    given = Names(ledger=ledger, pies=[], **{name: getattr(data, name) for name in ("features", "statistics", "data")})
    params = Names(levels=list(levels), tie_rule="largest", permutations=100, significance=0.05, deals=100)
    params.slices, params.designs = {"clusters": 4, "most": 5, "smallest": 10}, designs
    if designs:
        given.pies = folder / "pies.csv"
        find_pies.main(given, Names(table=given.pies), params)
    output = Names(table=folder / "slices.csv", members=folder / "members.parquet", figure=folder / "slices.png")
    find_slices.main(given, output, params)
    draw_slices.main(Names(**vars(data) | vars(output)), output)
    return load_table(output.table), pd.read_parquet(output.members), Image.open(output.figure)


VERDICTS = {
    "a pair": "changes more than the others, and than as unsure images",
    "a pair beside a control file": "changes more than the others",
    "populations": "changes more than the others",
}
STUDIES = {
    "a pair": (1, ("pruned", "same"), None),
    "a pair beside a control file": (1, ("control", "pruned", "same"), None),
    "populations": (4, ("control", "pruned"), {"control": "independent", "pruned": "independent"}),
}


@pytest.mark.parametrize("name", STUDIES)
def test_a_planted_slice_is_found_on_images_that_did_not_choose_it(data, tmp_path, name):
    table, members, picture = audited(data, tmp_path, *STUDIES[name])
    first = table.iloc[0]
    inside = members[(members.level == "pruned") & (members.slice == first.slice)]
    assert np.isin(inside.example, IDS[DARK]).mean() > 0.9
    testing = inside[inside.testing]
    assert not np.isin(testing.example, IDS[discovery_half(IDS)]).any()
    assert (first.level, first.verdict, first.n_test) == ("pruned", VERDICTS[name], len(testing))
    assert first.q <= 0.05 and first.beyond_low > 0.2
    assert first.rate == pytest.approx(testing.changed.mean(), rel=1e-5) and first.rate > 0.35
    assert first.level_top1 < first.dense_top1 - 0.3
    assert "dark" in first.description or "brightness" in first.slice
    assert np.isnan(first.control_rate) == (name == "a pair")
    shown = page(table)
    assert ("excess" in shown.cells) == (name != "a pair") and not shown.cells.isin(["nan"]).any(axis=None)
    assert picture.height > 64 and (np.asarray(picture)[:, :, 0] == 0xD1).any()  # frames around what changes


@pytest.mark.parametrize("name", list(STUDIES)[:2])
def test_a_level_that_changes_nothing_has_a_row_that_says_so(data, tmp_path, name):
    table, members, _ = audited(data, tmp_path, *STUDIES[name])
    same = table[table.level == "same"]
    assert same.slice.tolist() == ["none"] and same.verdict.tolist() == ["not tested"]
    assert same.reason.tolist() == ["no image of the discovery half changes"] and "same" not in set(members.level)


def test_a_page_without_slices_says_rightly_whether_there_is_a_control(data, tmp_path):
    for levels, said in ((("same",), True), (("control", "same"), False)):
        table, _, _ = audited(data, tmp_path, 1, levels)
        note = str(page(table[table.slice == "none"]).note)
        assert ("There is no control" in note) == said and "about these files" in note


def test_two_models_a_level_are_too_few_to_say(data, tmp_path):
    table, _, _ = audited(data, tmp_path, 2, *STUDIES["populations"][1:])
    found = table[table.slice != "none"]
    assert len(found) and (found.reason == "too few models to say").all() and (found.verdict == "not tested").all()
    assert found.rate_low.notna().all() and not page(table).cells.isin(["nan"]).any(axis=None)


def test_features_are_of_the_first_model(data):
    found = load_features(data.features, IDS)
    assert found.values.shape == (N, 8) and "of the dense model 2 reads" in found.what


def test_which_half_an_image_is_in_hangs_on_its_id_alone():
    half = IDS[discovery_half(IDS)]
    assert 150 < len(half) < 250
    turned = IDS[::-1]
    assert turned[discovery_half(turned)].tolist() == half.tolist()  # in the same order, so that clusters are the same
    fewer = IDS[::3]
    assert set(fewer[discovery_half(fewer)]) == set(half) & set(fewer)


def test_nothing_to_draw_is_said(tmp_path):
    table = pd.DataFrame({"slice": ["none"], "p": [np.nan]})
    picture = draw_slices.sheet(np.zeros((0, 8, 8, 3)), {}, table, pd.DataFrame())
    assert (np.asarray(picture) < 100).any()
