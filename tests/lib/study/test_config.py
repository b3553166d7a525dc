"""Every wrong study stops with one sentence that names the key and the remedy."""

import copy
import re
from pathlib import Path

import pytest
import yaml

from scripts.data.prepare_data import READERS as SOURCES
from scripts.lib.annotations.joins.join import MATCH, READERS
from scripts.lib.compression.calibration import CLIPPING
from scripts.lib.compression.integer_weights import WEIGHT_RANGES
from scripts.lib.compression.quantization import LAYERS
from scripts.lib.compression.smaller import EQUAL
from scripts.lib.corruptions import FAMILIES
from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.architectures import NETWORKS
from scripts.lib.study.config import check_config
from scripts.lib.study.extras import EXTRAS
from scripts.lib.study.levels import METHODS, QUANTIZING, brought_models_of, declaration, design_of, is_brought
from scripts.lib.study.pruned_levels import CHOICES, PRUNING
from scripts.lib.study.sources import FILES as FILES_OF_SOURCES
from scripts.lib.study.trained_networks import NAMES

ROOT = Path(__file__).parents[3]
SCHEMA = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text())


def changed(path, value):
    """The default study with one key set; `path` is dotted, numbers are positions in lists."""
    study = copy.deepcopy(DEFAULT)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    here = study
    for part in parents:
        here = here[part]
    here[last] = value
    return study


def test_the_default_study_is_right():
    check_config(DEFAULT, SCHEMA)


@pytest.mark.parametrize(
    "path, value, sentence",
    [
        ("epoch", 3, "config key `epoch` is unknown: it may be one of"),
        ("training/epoch", 3, "config key `training.epoch` is unknown: did you mean `epochs`?"),
        ("training/epochs", "twelve", "config key `training.epochs` is 'twelve': it must be a whole number."),
        ("population/models", 10.0, "config key `population.models` is 10.0: it must be a whole number."),
        (
            "training/milestones",
            [0.5],
            "`training.schedule` is linear: write `schedule: step`, or remove the milestones.",
        ),
        (
            "training/schedule",
            "step",
            "config key `training.milestones` is []: `schedule: step` needs rising fractions",
        ),
        ("training/precision", "float16", "is float16, in which CPUs do not train: write bfloat16 or float32"),
        ("training/accumulation", 33, "is 33 and `training.batch_size` 64: each part of a batch needs two images."),
        (
            "training/processes",
            33,
            "is 33, `training.accumulation` 1 and `training.batch_size` 64: each part of a batch",
        ),
        (
            "training/augmentation",
            "crop",
            "config key `training.augmentation` is 'crop', which is unknown: it may be one of none, flip",
        ),
        ("training/checkpoint_minutes", 0, "config key `training.checkpoint_minutes` is 0: it must be greater than 0."),
        ("corruptions/severities", [1.0], "config key `corruptions.severities[0]` is 1.0: it must be a whole number."),
        ("corruptions/names", "fog", "config key `corruptions.names` is 'fog': it must be a list."),
        ("training/weight_decay", "5e-4", "it must be a number (YAML reads 1e-3 as a text: write 1.0e-3)."),
        (
            "training/learning_rate",
            float("nan"),
            "config key `training.learning_rate` is nan, which is not a number: give a finite one.",
        ),
        ("levels/3/sparsity", 1.0, "config key `levels[3].sparsity` is 1.0: it must be less than 1."),
        ("levels/3/sparsity", -0.1, "config key `levels[3].sparsity` is -0.1: it must be at least 0."),
        (
            "corruptions/names",
            ["gausian_noise"],
            "config key `corruptions.names[0]` is 'gausian_noise', which is unknown: did you mean `gaussian_noise`?",
        ),
        (
            "corruptions/names",
            ["fog", "fog"],
            "config key `corruptions.names` names something twice: ['fog', 'fog']; remove the repetition.",
        ),
        ("corruptions/severities", [6], "config key `corruptions.severities[0]` is 6: it must be at most 5."),
        ("population/models", 0, "config key `population.models` is 0: it must be at least 1."),
        (
            "levels/0/name",
            "other",
            "config key `levels` has no `dense`: add {name: dense, method: none}, because every other level is compared with it.",
        ),
        ("levels/1/name", "other", "config key `levels` has no `control`"),
        ("levels/2/name", "dense", "config key `levels` names `dense` twice"),
        (
            "levels/2",
            {"name": "m", "method": "magnitude"},
            "config key `levels`, `m`: method `magnitude` needs `sparsity`: add it.",
        ),
        ("levels/4/block", [4], "config key `levels[4].block` has 1 entries: it must have at least 2."),
        (
            "levels/3/block",
            [4, 4],
            "config key `levels`, `magnitude-0.90`: method `magnitude` takes no `block`: remove it.",
        ),
        (
            "levels/3/of",
            "dense",
            "config key `levels`, `magnitude-0.90`: method `magnitude` takes no `of`: remove it.",
        ),
        (
            "levels/5/of",
            "control",
            "config key `levels`, `int8-static`: `of` is `control`: it must be a level that is trained and is not the control, "
            "one of dense, magnitude-0.50, magnitude-0.90, block-0.80.",
        ),
        ("levels/5/of", "int8-static", "`of` is `int8-static`: it must be a level that is trained"),
        ("levels/5/of", "sparse", "`of` is `sparse`: it must be a level that is trained"),
        (
            "levels/5/sparsity",
            0.5,
            "config key `levels`, `int8-static`: method `int8_static` takes no `sparsity`: remove it.",
        ),
        (
            "quantization/calibration/images",
            0,
            "config key `quantization.calibration.images` is 0: it must be at least 1.",
        ),
        (
            "quantization/calibration/percentile",
            99.9,
            "config key `quantization`: `calibration.percentile` is 99.9 and the range min_max: remove it, or write `range: percentile`.",
        ),
        (
            "levels/5/calibration",
            {"percentile": 99.9},
            "config key `levels`, `int8-static`: `calibration.percentile` is 99.9 and the range min_max: remove it,",
        ),
        (
            "levels/5/calibration",
            {"range": "percentile", "percentile": 50},
            "config key `levels[5].calibration.percentile` is 50: it must be greater than 50.",
        ),
        (
            "levels/5/group",
            64,
            "config key `levels`, `int8-static`: method `int8_static` takes no `group`: remove it.",
        ),
        (
            "levels/5",
            {"name": "q", "method": "int4_weights", "calibration": {"images": 5}},
            "config key `levels`, `q`: method `int4_weights` takes no `calibration`: remove it.",
        ),
        (
            "levels/5",
            {"name": "q", "method": "float16", "weight_range": "mse"},
            "config key `levels`, `q`: method `float16` takes no `weight_range`: remove it.",
        ),
        (
            "levels/3/exempt",
            "none",
            "config key `levels`, `magnitude-0.90`: method `magnitude` takes no `exempt`: remove it.",
        ),
        (
            "quantization/exempt",
            "fc",
            "config key `quantization`: `exempt` is `fc`: write none, first_and_last, or a list of names of layers, [fc].",
        ),
        ("levels/5/exempt", "last", "config key `levels`, `int8-static`: `exempt` is `last`: write none,"),
        ("levels/5/exempt", [], "config key `levels[5].exempt` has 0 entries: it must have at least 1."),
        ("levels/5/exempt", 3, "config key `levels[5].exempt` is 3: it must be a text or a list."),
        ("quantization/group", 0, "config key `quantization.group` is 0: it must be at least 1."),
        ("quantization/group", "all", "config key `quantization.group` is 'all': it must be a whole number or null."),
        (
            "quantization/weight_range",
            "mean",
            "config key `quantization.weight_range` is 'mean', which is unknown: it may be one of max, mse.",
        ),
        (
            "levels/1/method",
            "magnitude",
            "config key `levels`, `control`: method `magnitude` needs `sparsity`: add it.",
        ),
        (
            "pruning/begin",
            0.9,
            "config key `pruning.begin` is 0.9 and `pruning.end` 0.75: pruning must begin before it ends.",
        ),
        (
            "corruptions",
            {**DEFAULT["corruptions"], "engine": "imagecorruptions", "stream": "fast"},
            "so write `exact`.",
        ),
        (
            "corruptions",
            {**DEFAULT["corruptions"], "reference": "alexnet"},
            "config key `corruptions.layout` is cifar-10-c, but `corruptions.reference` is alexnet",
        ),
        (
            "corruptions",
            {**DEFAULT["corruptions"], "reference": "alexnet", "severities": [1, 5]},
            "config key `corruptions.severities` is [1, 5], but `corruptions.reference` is alexnet",
        ),
        (
            "corruptions",
            {**DEFAULT["corruptions"], "reference": "alexnet", "layout": "imagenet-c"},
            "for planted_digits write `dense`.",
        ),
        ("study", "a/b", "config key `study` is 'a/b': use letters, digits"),
        ("data/planted_digits/test_sources", 301, "there are 500 digits of each class, so ask for fewer."),
        ("audit/smallest_group", 1, "config key `audit.smallest_group` is 1: it must be at least 2."),
        ("joins", [{"name": "x"}], "config key `joins[0].file` is missing: add it"),
        (
            "joins",
            [{"name": "x", "file": "y", "format": "csv"}],
            "config key `joins[0].format` is 'csv', which is unknown",
        ),
        (
            "extras",
            {"label": True},
            "config key `extras.label` is unknown: it may be one of label_quality, image_quality.",
        ),
        ("audit/significance", True, "config key `audit.significance` is True: it must be a number."),
    ],
)
def test_wrong_studies(path, value, sentence):
    with pytest.raises(InputError) as error:
        check_config(changed(path, value), SCHEMA)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


CHECKPOINTS = {"network": "torchvision:resnet18", "weights": "a/*.pt"}
FILES = {"name": "dense", "method": "none", "predictions": "a/*.csv"}


@pytest.mark.parametrize(
    "level, sentence",
    [
        (
            FILES | {"method": "magnitude"},
            "its models are brought, so nothing is compressed here: write `method: none`.",
        ),
        (FILES | {"checkpoints": CHECKPOINTS}, "it has `checkpoints` and `predictions`: remove one of them."),
        (
            FILES | {"predictions": 3},
            "config key `levels[0].predictions` is 3: it must be a text or a list or a section.",
        ),
        (
            FILES | {"predictions": {"files": "a/*.npy"}},
            "config key `levels[0].predictions.kind` is missing: add it",
        ),
        (
            FILES | {"predictions": {"files": "a/*.npy", "kind": "logit"}},
            "config key `levels[0].predictions.kind` is 'logit', which is unknown: did you mean `logits`?",
        ),
        (
            FILES | {"models": 3},
            "`dense`: it has 3 models and `population.models` is 10, and counts at different K do not compare: set `population.models: 3`",
        ),
        (FILES | {"predictions": []}, "config key `levels[0].predictions` has 0 entries: it must have at least 1."),
        ({"name": "dense", "method": "none", "models": 5}, "method `none` takes no `models`: remove it."),
        (
            {"name": "dense", "method": "none", "checkpoints": CHECKPOINTS, "sparsity": 0.5},
            "method `none` takes no `sparsity`: remove it.",
        ),
        (
            {"name": "dense", "method": "none", "checkpoints": CHECKPOINTS | {"std": [0.5, 0.5, 0]}},
            "`levels[0].checkpoints.std[2]` is 0: it must be greater than 0.",
        ),
        (
            {"name": "dense", "method": "none", "checkpoints": CHECKPOINTS | {"channels": 4}},
            "`levels[0].checkpoints.channels` is 4, which is unknown: it may be one of 1, 3.",
        ),
        (
            {"name": "dense", "method": "none", "checkpoints": CHECKPOINTS | {"weight_key": "ema"}},
            "`levels[0].checkpoints.weight_key` is unknown: did you mean `weights_key`?",
        ),
        (
            {"name": "dense", "method": "none", "checkpoints": CHECKPOINTS | {"prefix": ""}},
            "`levels[0].checkpoints.prefix` is empty: fill it in, or leave the key out.",
        ),
    ],
)
def test_wrong_levels_that_are_brought(level, sentence):
    with pytest.raises(InputError) as error:
        check_config(changed("levels/0", level), SCHEMA)
    assert sentence in str(error.value)


def test_levels_that_are_brought():
    for level in (
        FILES | {"models": 15, "sparsity": 0.5},
        FILES | {"predictions": ["a.csv", "b.csv"]},
        FILES | {"predictions": {"files": "a/*.npy", "kind": "logits"}},
    ):
        check_config(changed("levels", [level, *DEFAULT["levels"][1:3]]), SCHEMA)
    study = changed("levels", [FILES | {"models": 15}, *DEFAULT["levels"][1:3]])
    assert [is_brought(level) for level in study["levels"][:2]] == [True, False]
    assert (brought_models_of(study, "dense"), brought_models_of(study, "control")) == (15, 10)
    assert declaration(study).startswith("Study demo. Models: the first 10 of 15 of dense; seeds 0 to 9 of control")


def test_brought_models_may_be_the_dense_ones_compressed():
    after = FILES | {"name": "after", "of": "dense"}
    quantized = {"name": "int8", "method": "int8_dynamic", "of": "dense"}
    study = changed("levels", [*DEFAULT["levels"][1:2], FILES | {"models": 15}, after])
    check_config(study, SCHEMA)
    assert design_of(after) == "paired" and design_of(FILES | {"name": "after"}) == "independent"
    with pytest.raises(
        InputError, match=r"`after`: `of` is `control`: of models that are brought it says that they are the dense"
    ):
        check_config(study | {"levels": [*study["levels"][:2], after | {"of": "control"}]}, SCHEMA)
    with pytest.raises(InputError, match="`int8`: `of` is `dense`: it must be a level that is trained"):
        check_config(
            study | {"levels": [*study["levels"], quantized]}, SCHEMA
        )  # of predictions nothing can be quantized
    dense = {"name": "dense", "method": "none", "models": 15, "checkpoints": CHECKPOINTS}
    for more in (
        {},
        {"mean": [0.5], "std": [0.5], "channels": 1, "prefix": "model.", "weights_key": "state_dict_ema"},
        {"classes": "names.txt"},
        {"classes": ["cat", "dog"]},
    ):
        study["levels"] = [dense | {"checkpoints": CHECKPOINTS | more}, DEFAULT["levels"][1], quantized]
        check_config(study, SCHEMA)


def test_a_study_of_predictions_needs_them_for_all_levels_and_a_control():
    study = changed("levels", [FILES, FILES | {"name": "control"}])
    study["data"] = {"source": "predictions", "predictions": {"name": "mine"}}
    check_config(study, SCHEMA)
    with pytest.raises(InputError, match="`dense`: natural test sets need networks to predict them"):
        check_config(study | {"natural": [{"name": "a", "folder": "b"}]}, SCHEMA)
    study["levels"].append({"name": "other", "method": "none"})
    with pytest.raises(InputError, match="`other`: a study without images can predict nothing: name its `predictions`"):
        check_config(study, SCHEMA)
    study["levels"] = [FILES, FILES | {"name": "other"}]
    with pytest.raises(
        InputError, match=r"no `control`: .* or call half of the dense models `control` and audit with half"
    ):
        check_config(study, SCHEMA)


def test_a_missing_key():
    study = copy.deepcopy(DEFAULT)
    del study["training"]["epochs"]
    with pytest.raises(InputError, match=r"config key `training\.epochs` is missing: add it"):
        check_config(study, SCHEMA)


def test_the_schema_knows_what_the_code_knows():
    properties = SCHEMA["properties"]
    offered = properties["corruptions"]["properties"]["names"]["items"]["enum"]
    assert set(offered) == {corruption for family in FAMILIES.values() for corruption in family}
    assert set(NAMES) == set(NETWORKS)
    of_levels = properties["levels"]["items"]["properties"]
    assert set(of_levels["method"]["enum"]) == set(METHODS) == {"none", "smaller", *PRUNING, *LAYERS}
    assert {choice: of_levels[choice]["enum"] for choice in CHOICES} == {
        name: list(all_) for name, all_ in CHOICES.items()
    }
    assert set(properties["pruning"]["properties"]["allocation"]["enum"]) < set(CHOICES["distribution"])
    assert set(of_levels["equal"]["enum"]) == set(EQUAL)
    assert set(properties["joins"]["items"]["properties"]["format"]["enum"]) == set(READERS) == set(MATCH)
    assert set(properties["extras"]["properties"]) == set(EXTRAS)
    assert set(LAYERS) == set(QUANTIZING) < set(METHODS)
    quantization, level = properties["quantization"]["properties"], properties["levels"]["items"]["properties"]
    assert quantization["calibration"]["properties"]["range"]["enum"] == ["min_max", *CLIPPING]
    assert quantization["weight_range"]["enum"] == list(WEIGHT_RANGES)
    assert all(level[key] == rule for key, rule in quantization.items() if key != "calibration")
    assert level["calibration"]["properties"] == quantization["calibration"]["properties"]
    sources = properties["data"]["properties"]["source"]["enum"]
    assert set(sources) == set(FILES_OF_SOURCES) == set(SOURCES) == set(properties["data"]["properties"]) - {"source"}


@pytest.mark.parametrize(
    ("level", "sentence"),
    [
        ({"method": "prune"}, "the structure `unstructured` needs `sparsity`: add it."),
        ({"method": "prune", "structure": "block", "sparsity": 0.5}, "the structure `block` needs `block`: add it."),
        ({"method": "prune", "structure": "block", "block": [4, 4]}, "the structure `block` needs `sparsity`: add it."),
        ({"method": "prune", "structure": "n_of_m", "m": 4}, "the structure `n_of_m` needs `n`: add it."),
        (
            {"method": "prune", "sparsity": 0.5, "n": 2},
            "`n` belongs to the structure `n_of_m`, and this is `unstructured`: remove it.",
        ),
        (
            {"method": "prune", "structure": "n_of_m", "n": 4, "m": 4},
            "`n` is 4 and `m` 4: of each `m` weights fewer must be kept, as n: 2, m: 4.",
        ),
        (
            {"method": "prune", "structure": "n_of_m", "n": 2, "m": 4, "sparsity": 0.7},
            "`sparsity` is 0.7, and 2 of 4 makes 0.5: remove it.",
        ),
        (
            {"method": "prune", "structure": "n_of_m", "n": 2, "m": 4, "distribution": "global"},
            "the distribution is `global`, and `n_of_m` keeps 2 of each 4 weights in every layer: write `uniform`, or remove it.",
        ),
        (
            {"method": "prune", "sparsity": 0.5, "distribution": "time_saved"},
            "the distribution `time_saved` is for blocks, because nothing else saves time: write `structure: block`, or another distribution.",
        ),
        (
            {"method": "magnitude", "score": "random", "sparsity": 0.5},
            "method `magnitude` takes no `score`: write `method: prune`, which does.",
        ),
        ({"method": "smaller"}, "how small the network is, either `width` says"),
        ({"method": "smaller", "width": 0.5, "as": "magnitude-0.50"}, "how small the network is, either `width` says"),
        ({"method": "smaller", "as": "magnitude-0.50"}, "weights or multiply_adds: write one of them."),
        (
            {"method": "smaller", "as": "dense", "equal": "weights"},
            "`as` is `dense`: it must be a level that is pruned, one of magnitude-0.50, magnitude-0.90, block-0.80.",
        ),
    ],
)
def test_what_a_level_that_is_pruned_or_smaller_may_not_say(level, sentence):
    study = copy.deepcopy(DEFAULT)
    study["levels"].append({"name": "new"} | level)
    with pytest.raises(InputError, match="^" + re.escape("config key `levels`, `new`: ") + ".*" + re.escape(sentence)):
        check_config(study, SCHEMA)


def test_choices_that_hang_on_the_study():
    study = copy.deepcopy(DEFAULT)
    blocks = {"method": "prune", "structure": "block", "block": [4, 4], "sparsity": 0.5}
    study["levels"] += [
        {"name": "global", "method": "prune", "distribution": "global", "sparsity": 0.5},
        {"name": "2of4", "method": "prune", "structure": "n_of_m", "n": 2, "m": 4, "sparsity": 0.5},
        {"name": "blocks", **blocks, "score": "random"},
        {"name": "small", "method": "smaller", "as": "2of4", "equal": "multiply_adds"},
        {"name": "int8-small", "method": "int8_static", "of": "small"},
    ]
    check_config(study, SCHEMA)
    study["network"] = {"name": "torchvision:resnet18"}
    with pytest.raises(
        InputError, match=r"`small`: torchvision:resnet18 has channels of its own, .*: name a smaller network"
    ):
        check_config(study, SCHEMA)
    study["network"] = {"name": "plain"}
    study["levels"][-2]["as"] = "global"
    with pytest.raises(
        InputError, match=r"`small`: how many multiply-adds `global` keeps is not known .* write `equal: weights`"
    ):
        check_config(study, SCHEMA)
    study["levels"][-2]["equal"] = "weights"
    study["pruning"]["permutation"] = "output_channels"
    with pytest.raises(
        InputError, match=r"`blocks`: `pruning\.permutation` brings channels of similar scores together"
    ):
        check_config(study, SCHEMA)


def test_what_all_tables_rest_on_is_declared():
    levels = [
        {"name": "dense", "method": "none"},
        {"name": "control", "method": "none", "checkpoints": {}, "models": 3},
        {"name": "int8", "method": "int8_static", "of": "dense"},
        {"name": "theirs", "method": "none", "predictions": "x"},
    ]
    found = declaration(
        {"study": "s", "population": {"models": 2}, "levels": levels, "audit": {"tie_rule": "smallest"}}
    )
    assert found == (
        "Study s. Models: seeds 0 to 1 of dense, int8; the first 2 of 3 of control; 2 seeds of its files of theirs; a seed is another one in "
        "each level, but for paired levels. Design against dense: independent: control, theirs; paired: int8. Tie rule of modal labels: smallest."
    )


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        (
            "engine",
            "imagecorruptions",
            r"`corruptions\.engine` is imagecorruptions, which does not have fog: write lacuna",
        ),
        (
            "reference",
            "alexnet",
            r"`corruptions\.reference` is alexnet, whose errors under fog nobody published: write",
        ),
    ],
)
def test_a_corruption_that_nobody_published_has_one_engine_and_no_errors_of_alexnet(monkeypatch, key, value, sentence):
    monkeypatch.setitem(FAMILIES, "own", ("fog",))
    check_config(DEFAULT, SCHEMA)
    with pytest.raises(InputError, match=sentence):
        check_config(changed(f"corruptions/{key}", value), SCHEMA)
