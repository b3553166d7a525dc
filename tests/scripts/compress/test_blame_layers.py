"""From models to both tables: a layer that is the culprit by construction is found, and exempting it is what is advised.

The networks tell red images from blue ones. In the second convolution every output has a huge weight for a channel that is always dead, so
four bits leave nothing of its other weights and everything becomes red: half of the predictions flip, all of them blue ones. The
weights of the other layers are whole numbers up to 7, which four bits keep.
"""

import json
from types import SimpleNamespace as Names

import numpy as np
import pytest
import torch

from scripts.compare import compare_layers
from scripts.compress import blame_layers, exempt_layers, quantize
from scripts.lib.compression.cost import weight_bytes
from scripts.lib.compression.quantization import quantize_network
from scripts.lib.data.dataset import pixels_digest, save_examples, save_manifest
from scripts.lib.data.sampled import first_half, sample_images
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256
from scripts.lib.ledger.layer_votes import ALL, ALONE, EVERY, EXPERIMENTS, LEFT_OUT, load_layer_votes
from scripts.lib.ledger.predictions import block, save_ledger
from scripts.lib.networks.architectures import build_network
from scripts.lib.networks.cohorts import save_cohort
from scripts.lib.pages.all_pages import PAGES
from scripts.lib.tables.table import load_table
from scripts.publish.draw_layers import flips_of_layers

N = 240
CULPRIT, LAYERS = "3", ["0", "3", "8"]
LEVEL = {"name": "int4", "method": "int4_weights", "of": "dense"}
NETWORK = {"name": "plain", "channels": [4, 4]}


def culprit():
    """A network that is right about every image until its second convolution has four bits."""
    model = build_network(**NETWORK, classes=2)
    first, norm, second, last = (model[place] for place in (0, 1, 3, 8))
    with torch.no_grad():
        for layer in (first, second, last):
            layer.weight.zero_()
        first.weight[0, 0, 1, 1] = first.weight[1, 2, 1, 1] = 7  # one channel sees red and one blue
        norm.bias[3] = -1  # and one is never above 0
        second.weight[0, 0, 1, 1] = second.weight[1, 1, 1, 1] = 1
        second.weight[:, 3, 1, 1] = 1000
        last.weight[0, 0] = last.weight[1, 1] = 7
        last.bias.zero_()
    return model.eval()


class Study:
    """Files of a study of some models, as its jobs make them."""

    def __init__(self, folder, models):
        self.folder, self.models = folder, models
        self.test, self.examples, self.data = (str(folder / name) for name in ("test.npy", "examples", "data.json"))
        label = np.arange(N) % 2
        images = np.zeros((N, 8, 8, 3), dtype=np.uint8)
        images[label == 0, :, :, 0] = images[label == 1, :, :, 2] = 255
        images[..., 1] = np.arange(N)[:, None, None]  # so that no two are equal
        np.save(self.test, images)
        ids = np.array([f"test/{n:03d}" for n in range(N)])
        columns = {"example": ids, "split": np.full(N, "test"), "label": label, "shown": label}
        columns |= {"kind": np.full(N, "typical"), "class_frequency": np.full(N, 9)}
        save_examples(self.examples, columns | {"pixels": np.array([pixels_digest(image) for image in images])})
        digests = {"test": sha256(self.test), "examples": sha256(self.examples)}
        save_manifest(self.data, {"name": "two", "sha256": digests, "image_size": [8, 8], "classes": ["red", "blue"]})
        description = {"level": {"name": "dense", "method": "none"}, "network": NETWORK, "classes": ["red", "blue"]}
        self.dense, self.quantized, self.votes = [], [], []
        for seed in range(models):  # a cohort each
            self.dense.append(str(folder / f"dense-{seed}"))
            self.quantized.append(str(folder / f"quantized-{seed}"))
            self.votes.append(str(folder / f"votes-{seed}"))
            save_cohort(self.dense[-1], {seed: culprit()}, description | {"seeds": [seed]})
            params = Names(level=LEVEL, quantization={"exempt": "none", "group": 64}, arithmetic="fastest")
            quantize.main(Names(models=self.dense[-1]), Names(models=self.quantized[-1]), params)
        said = np.full((N, 2), 0.1, np.float32)
        said[np.arange(N), label] = 0.9
        self.control = [str(folder / "control.parquet")]
        rows = [block(ids, label, seed, "clean", 0, said) for seed in range(max(2, models))]
        save_ledger(self.control[0], rows, {"level": "control", "classes": ["red", "blue"], "suite": "clean"})

    def given(self, **files):
        return Names(images=self.test, examples=self.examples, data=self.data, **files)

    def params(self, **changed):
        fixed = {"level": LEVEL, "device": "cpu", "arithmetic": "fastest", "images": None}
        return Names(**fixed | {"margin": 0.05, "significance": 0.05, "tie_rule": "largest"} | changed)

    def blame(self, **changed):
        for seed, votes in enumerate(self.votes):
            given = self.given(uncompressed=self.dense[seed], compressed=self.quantized[seed])
            blame_layers.main(given, Names(votes=votes), self.params(**changed), f"{seed:03d}-{seed:03d}")
        return load_layer_votes(self.votes)

    def tables(self, control, **changed):
        self.blame()
        tried, table, exemptions = (self.folder / name for name in ("tried.csv", "layers.csv", "exemptions.csv"))
        given = self.given(uncompressed=self.dense, compressed=self.quantized, votes=self.votes)
        exempt_layers.main(given, Names(table=tried), self.params(**changed))
        given = Names(votes=self.votes, control=self.control if control else [], exemptions=[tried])
        compare_layers.main(given, Names(table=table, exemptions=exemptions), self.params(**changed))
        return load_table(table), load_table(exemptions)


@pytest.fixture(scope="module", params=[1, 3])
def study(request, tmp_path_factory):
    return Study(tmp_path_factory.mktemp("layers"), request.param)


def test_the_culprit_is_found_and_exempting_it_is_advised(study):
    layers, exemptions = study.tables(control=study.models > 1)
    assert set(layers.experiment) == set(EXPERIMENTS[1:]) and (layers.how == "quantized").all()
    by = layers.set_index(["experiment", "layer"])
    assert by.flips[ALL, EVERY] == by.flips[ALONE, CULPRIT] == 0.5
    assert by.flips[LEFT_OUT, CULPRIT] == 0 and by.avoided[LEFT_OUT, CULPRIT] == 0.5
    for other in ("0", "8"):
        assert by.flips[ALONE, other] == 0 and by.flips[LEFT_OUT, other] == 0.5 and by.avoided[LEFT_OUT, other] == 0
    row = by.loc[(ALONE, CULPRIT)]
    assert (row.lost, row.gained, row.top1_change, row.worst_class, row.worst_change) == (0.5, 0, -0.5, "blue", -1)
    assert row.worst_p < 0.001 and row.flips_low < 0.5 < row.flips_high
    if study.models > 1:
        assert row.excess_rate == 0.5 and row.excess_rate_low > 0.4 and row.reason == ""
    else:
        assert np.isnan(row.excess_rate) and row.reason == "no PIEs: the study has no control"
    chosen = exemptions[exemptions.chosen].iloc[0]
    assert json.loads(chosen.exempt) == [CULPRIT] and chosen.verdict == "meets the margin" and chosen.flips == 0
    assert exemptions.exempt[0] == "none" and exemptions.verdict[0] == "misses the margin" and len(exemptions) == 2
    advised = quantize_network(culprit(), "int4_weights", {}, exempt=json.loads(chosen.exempt), group=64)
    assert chosen.bytes == weight_bytes(advised) and chosen.bytes_added == row.bytes_saved
    for name, table in {"layers": layers, "exemptions": exemptions}.items():
        page = PAGES[name](table)
        assert not page.cells.isin(["nan"]).any(axis=None) and "nan" not in str(page.note)
    assert 'exempt: ["3"]' in set(PAGES["exemptions"](exemptions).cells.exempt)
    drawn = flips_of_layers(layers).to_dict()["datasets"].values()
    assert {row["layer"] for rows in drawn for row in rows} == {*LAYERS, EVERY}


def test_the_level_is_what_its_own_networks_predict_and_samples_are_part_of_larger_ones(study):
    everything, some = study.blame(), study.blame(images=50)
    assert len(everything.example) == N and len(some.example) == 50
    assert set(some.example) < set(everything.example)
    inside = np.isin(everything.example, some.example)
    assert all(np.array_equal(votes[:, inside], some.votes[name]) for name, votes in everything.votes.items())
    assert everything.seed.tolist() == list(range(study.models))
    assert (everything.before == everything.label).all() and (everything.votes[ALL, EVERY] == 0).all()
    half = first_half(some.example)
    assert half.sum() == 25 and np.array_equal(half[::-1], first_half(some.example[::-1]))  # whatever their order


def test_a_margin_that_no_set_meets_has_no_advice(study):
    _, exemptions = study.tables(control=False, margin=0.001)
    assert not exemptions.chosen.any() and set(exemptions.exempted) == {0, 1, 2}
    assert "No set was found for int4" in str(PAGES["exemptions"](exemptions).note)


def test_of_a_level_that_was_pruned_the_dense_layers_are_pruned(study, tmp_path):
    """Of the second convolution's 144 weights the level has one, and the dense model keeps one of those of 1000: everything becomes red."""
    pruned = culprit()
    with torch.no_grad():
        pruned[3].weight.zero_()
        pruned[3].weight[0, 0, 0, 0] = 1
    level = {"name": "sparse", "method": "magnitude", "sparsity": 0.99}
    description = {"level": level, "network": NETWORK, "classes": ["red", "blue"]}
    description |= {"pruning": {"layers": "convolutions_but_first"}}
    given = study.given(uncompressed=study.dense[0], compressed=str(tmp_path / "sparse"))
    save_cohort(given.compressed, {0: pruned}, description | {"seeds": [0]})
    blame_layers.main(given, Names(votes=tmp_path / "votes"), study.params(level=level), "000-000")
    votes = load_layer_votes([tmp_path / "votes"])
    assert votes.layers == [CULPRIT] and votes.description["how"] == "one-shot"
    assert (votes.before == votes.label).all() and (votes.votes[ALONE, CULPRIT] == 0).all()
    assert np.array_equal(votes.votes[LEFT_OUT, CULPRIT], votes.before)
    assert votes.bytes_saved == {CULPRIT: 4 * 143}
    save_cohort(given.compressed, {1: pruned}, description | {"seeds": [1]})
    with pytest.raises(InputError, match=r"dense-0 and .*sparse have other seeds: delete both"):
        blame_layers.main(given, Names(votes=tmp_path / "votes"), study.params(level=level), "000-000")


def test_what_is_wrong_is_said_in_a_sentence(study, tmp_path):
    with pytest.raises(
        InputError, match=r"`audit.layers.images` is 241 and .*test.npy holds 240 images: ask for fewer"
    ):
        study.blame(images=N + 1)
    study.blame(images=50)
    given = study.given(uncompressed=study.dense, compressed=study.quantized, votes=study.votes)
    with pytest.raises(InputError, match=r"votes-0 is of other images than .*test.npy"):
        exempt_layers.main(given, Names(table=tmp_path / "t.csv"), study.params())
    (tmp_path / "votes").write_bytes(b"no parquet")
    with pytest.raises(InputError, match=r"votes cannot be read .*: delete it"):
        load_layer_votes([tmp_path / "votes"])
    images = np.load(study.test)
    np.save(tmp_path / "other.npy", 255 - images)
    sampled = sample_images(str(tmp_path / "other.npy"), study.examples, study.data, 5, "key")
    with pytest.raises(InputError, match=r"other.npy is not the file that its examples describe"):
        list(sampled.batches(5))
