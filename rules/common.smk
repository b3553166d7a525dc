# Shared by the files beside this one: the checked study, its populations, and what makes a rule run again.
import re
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

sys.path.insert(0, workflow.basedir)

from scripts.lib.study.config import check_config, left_out, with_defaults
from scripts.lib.corruptions import CORRUPTIONS as CORRUPTION_MODULES
from scripts.lib.corruptions import FAMILIES, official_tables
from scripts.lib.study.prediction_files import check_examples_known, kind_of, prediction_files
from scripts.lib.study.sources import (
    check_apart,
    check_files,
    check_level_files,
    check_trackable,
    expanded,
    splits_of,
    tracked_files,
)
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.extras import EXTRAS, check_extras
from scripts.lib.study.factories import ENDINGS as WEIGHT_ENDINGS
from scripts.lib.study.factories import check_checkpoints, module_file
from scripts.lib.jobs.files import sha256
from scripts.lib.jobs.fingerprint import fingerprint
from scripts.lib.study.subgroups import check_subgroups
from scripts.lib.study.joins import check_joins
from scripts.lib.study.joins import joined_files
from scripts.lib.study.levels import (
    brought_models_of,
    checkpoints_of,
    declaration,
    design_of,
    is_brought,
    is_quantized,
    trained_as,
)
from scripts.lib.study.natural import check_natural
from scripts.lib.study.natural import natural_arrays
from scripts.lib.study.population import cohort_name, cohorts, seeds_of
from scripts.lib.jobs.project import REPORT_TEMPLATE, ROOT
from scripts.lib.jobs.run_lock import take_run_lock
from scripts.lib.study.sharded_weights import parts_of_weights
from scripts.lib.jobs.terminal import say_errors_once


class StudyError(WorkflowError):
    """Something is wrong with a study: shown as its sentence, without the line of ours that found it."""


FAILURES = say_errors_once(logger)

SCHEMA = yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text())
try:
    check_config(config, SCHEMA)
    config.update(with_defaults(config, SCHEMA))
    SOURCE = config["data"]["source"]
    DATA = config["data"][SOURCE]
    check_files(SOURCE, DATA)
    check_natural(config["natural"], list(CORRUPTION_MODULES))
    check_subgroups(config["audit"]["subgroups"])
    check_joins(config["joins"])
    check_extras(config["extras"], bool(splits_of(SOURCE, DATA)))
    IDS = [str(expanded(config["corruptions"]["ids"]))] if config["corruptions"]["subset"] == "listed" else []
    for path in IDS:
        if not Path(path).is_file():
            raise InputError(f"config key `corruptions.ids` is {path!r}, and there is no such file: correct the path.")
        check_trackable(f"config key `corruptions.ids` is {path!r}", [path])
    LEVELS = {level["name"]: level for level in config["levels"]}
    PREDICTIONS = {
        name: prediction_files(name, level["predictions"]) for name, level in LEVELS.items() if "predictions" in level
    }
    CHECKPOINTS = {name: level["checkpoints"] for name, level in LEVELS.items() if "checkpoints" in level}
    WEIGHTS = {}
    for name, checkpoints in CHECKPOINTS.items():
        here = f"`levels`, `{name}`, `checkpoints`"
        WEIGHTS[name] = check_level_files(f"{here}, `weights`", checkpoints["weights"], WEIGHT_ENDINGS)
        check_checkpoints(f"config key {here}", checkpoints, len(WEIGHTS[name]), brought_models_of(config, name))
    check_apart(PREDICTIONS | WEIGHTS)
    PARTS = {path: parts_of_weights(path)[1:] for paths in WEIGHTS.values() for path in paths}
    if SOURCE == "predictions":
        check_examples_known(DATA, PREDICTIONS["dense"])
        DATA = DATA | {"dense": PREDICTIONS["dense"]}
except InputError as error:
    raise StudyError(str(error)) from None


# Paired levels are made of the dense checkpoints; the models of independent ones were trained from seeds of their own.
DESIGNS = {name: design_of(level) for name, level in LEVELS.items()}
# What the audit waits for where models were brought.
CHECKED = ["<results>/predictions/populations.json"] if any(map(is_brought, LEVELS.values())) else []
COMPRESSED = [level for level in LEVELS if level != "dense"]
TRAINED = [name for name, level in LEVELS.items() if checkpoints_of(level) == name and not is_brought(level)]
QUANTIZED = [name for name, level in LEVELS.items() if is_quantized(level)]
MODELLED = [name for name in LEVELS if name not in PREDICTIONS]
CORRUPTIONS = config["corruptions"]["names"]
SPLITS = splits_of(SOURCE, DATA)
# "clean" are the same images at severity 0.
CLEAN_AND_CORRUPTIONS = ["clean", *CORRUPTIONS] if CORRUPTIONS and SPLITS else []
LAYOUT = config["corruptions"]["layout"]
SHARDS = [f"{shard:04d}-of-{config['corruptions']['shards']:04d}" for shard in range(config["corruptions"]["shards"])]
NATURAL = {natural["name"]: natural for natural in config["natural"]}
SUITES = [
    "clean",
    *(family for family in FAMILIES if set(FAMILIES[family]) & set(CORRUPTIONS)),
    *(["natural"] if NATURAL else []),
]
# ReaL's labels, where the study joins them.
REAL = [str(expanded(entry["file"])) for entry in config["joins"] if entry.get("format") == "real"][:1]
TABLES = [
    *("pies", "pie_summary", "pie_curve", "hardness", "predictors", "scores", "score_summary"),
    *(["planted"] if SPLITS else []),
    *("class_summary", "class_impact"),
    *([] if PREDICTIONS else ["cost_and_forgetting", "cost"]),
    *("robustness", "robustness_summary", "corrupted_pies"),
    *("subgroups", "over_indexing"),
    *(["natural"] if NATURAL else []),
    *(["real"] if REAL else []),
]
# What is known of each test image: joined once, and what the extras find.
ANNOTATIONS = ["annotations", *(name for name in EXTRAS if config["extras"][name])]
FIGURES = [
    *(["pie_rates"] if SPLITS else []),
    *("pie_curve", "class_impact"),
    *([] if PREDICTIONS else ["cost"]),
    "robustness",
]
PICTURES = ["exemplars"] if SPLITS else []
LEFT_OUT = left_out(bool(SPLITS), list(PREDICTIONS))
KERNEL = {name: sha256(ROOT / "kernels" / name)[:12] for name in ("cpu/block_sparse.cpp", "gpu/configs.json")}
GPU = int(config["training"]["device"] == "cuda")


wildcard_constraints:
    level="|".join(map(re.escape, LEVELS)),
    cohort=r"\d+-\d+",
    suite="|".join(SUITES),
    corruption="|".join(CLEAN_AND_CORRUPTIONS) or "none",
    shard=r"\d{4}-of-\d{4}",
    natural="|".join(map(re.escape, NATURAL)) or "none",


def choice(names):
    """The wildcard constraint that lets these names through and no other."""
    return "|".join(map(re.escape, names)) or "(?!)"


def cohorts_of(level):
    """The cohorts of a level; predictions from elsewhere are one."""
    models = config["population"]["models"]
    return [cohort_name(range(models))] if level in PREDICTIONS else cohorts(models, config["population"]["cohort"])


def code(script):
    """The fingerprint of a script, which as a param makes jobs run again when the code changes."""
    return fingerprint(ROOT, f"scripts/{script}.py")


def code_of_corruption(script):
    """The fingerprint of a script that corrupts, with the one module of corruptions that it imports by name, as a function of the wildcards."""

    def fingerprint_of(wildcards):
        found_in = CORRUPTION_MODULES.get(wildcards.corruption)
        by_name = [f"scripts/lib/corruptions/{found_in}.py"] if found_in else []
        return fingerprint(ROOT, f"scripts/{script}.py", *by_name)

    return fingerprint_of


def level_of(wildcards):
    """The level's entry in the study."""
    return LEVELS[wildcards.level]


def trained_as_of(wildcards):
    """The level's entry as far as training goes."""
    return trained_as(LEVELS[wildcards.level])


def arithmetic_of(wildcards):
    """How to compute with a level's models: those that were trained elsewhere, and may be large, as fast as this machine can."""
    level = level_of(wildcards)
    brought = is_brought(level) or is_brought(LEVELS[checkpoints_of(level)])
    return "fastest" if brought else config["training"]["arithmetic"]


def pruning_of(wildcards):
    """The pruning settings, for the levels that they concern."""
    method = trained_as_of(wildcards)["method"]
    of_blocks = () if method == "block" else ("allocation", "permutation")
    return {key: value for key, value in config["pruning"].items() if method != "none" and key not in of_blocks}


def checkpoints(wildcards):
    """The trained models of a cohort that a level uses: its own or another level's."""
    return f"<results>/models/{checkpoints_of(LEVELS[wildcards.level])}/{{cohort}}.safetensors"


def networks_of(level):
    """The models that a level predicts with, as trained or quantized; the cohort is left open."""
    return f"<results>/{'quantized' if level in QUANTIZED else 'models'}/{level}/{{cohort}}.safetensors"


def calibration_of(wildcards):
    """The calibration settings, for the levels that are calibrated."""
    return config["quantization"]["calibration"] if LEVELS[wildcards.level]["method"] == "int8_static" else {}


def calibration_data(wildcards):
    """The training split and what describes it, for the levels that are calibrated on it."""
    if not calibration_of(wildcards):
        return {}
    return {
        "images": training_images(wildcards),
        "examples": "<results>/data/examples.parquet",
        "data": "<results>/data/manifest.json",
    }


def tables_of(wildcards):
    """The corruption's official constants for all sizes; the other engine has its own, and clean images need none."""
    if config["corruptions"]["engine"] != "lacuna" or wildcards.corruption == "clean":
        return None
    return official_tables(wildcards.corruption)


def packed_of(wildcards):
    """The packed weights of a cohort whose level has blocks."""
    return "<results>/packed/{level}/{cohort}.safetensors" if LEVELS[wildcards.level]["method"] == "block" else []


def kernel_of(wildcards):
    """What is not Python and decides what the kernels compute, for the levels that they predict."""
    return KERNEL if LEVELS[wildcards.level]["method"] == "block" else {}


def training_images(wildcards):
    """The training split; an error where the study names none."""
    if "train" not in SPLITS:
        raise StudyError(
            f"config key `data.{SOURCE}` names no training images, so nothing can be trained: name them, or ask for "
            "`snakemake corruptions` alone."
        )
    return "<results>/data/train.npy"


def corruptions_of(suite):
    """The study's corruptions that belong to a suite, in the study's order."""
    return [corruption for corruption in CORRUPTIONS if corruption in FAMILIES.get(suite, ())]


def corrupted(kind, corruptions):
    """What is made of some corruptions, shard after shard: their `files` (arrays, or lists of JPEGs) or their `manifests`."""
    if LAYOUT == "imagenet-c":
        ending = "sha256" if kind == "files" else "json"
        return expand(
            "<results>/corrupted/shards/{corruption}/{shard}.{ending}",
            corruption=corruptions,
            shard=SHARDS,
            ending=ending,
        )
    ending = "npy" if kind == "files" else "json"
    return expand("<results>/corrupted/{corruption}.{ending}", corruption=corruptions, ending=ending)


def benchmark_of_corruptions(wildcards):
    """What `snakemake corruptions` makes; an error where the study names no corruption."""
    if not CORRUPTIONS:
        raise StudyError("config key `corruptions.names` is empty: name the corruptions to make.")
    if not SPLITS:
        raise StudyError("config key `data.source` is predictions: name images to corrupt.")
    return rules.describe_corruptions.output


def weights_of(wildcards):
    """The user's files of weights of a cohort."""
    return [WEIGHTS[wildcards.level][seed] for seed in seeds_of(wildcards.cohort)]


def beside_weights(wildcards):
    """What is read with a cohort's files of weights: the parts that an index names, and the names of the network's classes."""
    parts = [str(part) for path in weights_of(wildcards) for part in PARTS[path]]
    classes = CHECKPOINTS[wildcards.level].get("classes")
    return parts + ([str(expanded(classes))] if isinstance(classes, str) else [])


def brought_networks_of(wildcards):
    """How a level's brought networks are built; their weights are inputs."""
    return {key: value for key, value in CHECKPOINTS[wildcards.level].items() if key != "weights"}


def factory_of(wildcards):
    """The file of the user's own module that builds a level's networks; what it imports is not followed."""
    path = module_file(CHECKPOINTS[wildcards.level]["network"])
    return sha256(path) if path else None


def predictions_of(wildcards):
    """The files of a level's predictions that came from elsewhere."""
    return PREDICTIONS[wildcards.level]


def kind_of_arrays(wildcards):
    """Whether the level's arrays hold logits or probabilities."""
    return kind_of(LEVELS[wildcards.level]["predictions"])


def brought_models(wildcards):
    """How many models the level's files hold; the first K are audited."""
    return brought_models_of(config, wildcards.level)


def stated_sparsity(wildcards):
    """The sparsity that the study states for a level whose weights are not here."""
    return LEVELS[wildcards.level].get("sparsity")


def variants_of_suites():
    """What each suite of the study has: (corruption, severity), in the study's order."""
    severities = config["corruptions"]["severities"]
    corrupted = {
        suite: [(corruption, severity) for corruption in corruptions_of(suite) for severity in severities]
        for suite in SUITES
    }
    return corrupted | {"clean": [("clean", 0)]}


def images_of(wildcards):
    """The image files of a suite, or the lists of them."""
    if wildcards.suite == "clean":
        return "<results>/data/test.npy"
    if wildcards.suite == "natural":
        return [*natural_files("npy"), "<results>/data/test.npy"]
    return corrupted("files", corruptions_of(wildcards.suite))


def variants_of(wildcards):
    """The manifests of a suite's corrupted or natural images."""
    if wildcards.suite == "natural":
        return natural_files("json")
    return corrupted("manifests", corruptions_of(wildcards.suite))


def natural_of(wildcards):
    """A natural set's entry in the study."""
    return NATURAL[wildcards.natural]


def preparation_of(wildcards):
    """How a natural set's pictures become images: as the set says, or else as the study's own pictures do."""
    given, study = NATURAL[wildcards.natural], {} if "images" in NATURAL[wildcards.natural] else DATA
    own = given if "preparation" in given else study
    return {
        "preparation": own.get("preparation", "as_is"),
        "size": own.get("size"),
        "orientation": study.get("orientation", "as_stored"),
        "broken": study.get("broken", "stop"),
    }


def arrays_of(wildcards):
    """The arrays or the list that a natural set is read from."""
    return natural_arrays(NATURAL[wildcards.natural])


def natural_files(ending):
    """The files of one kind that `prepare_natural` makes, set after set."""
    return expand("<results>/data/natural/{natural}.{ending}", natural=NATURAL, ending=ending)


def chosen_of(wildcards):
    """The table of the examples that a suite shows, where these are not all test images."""
    if wildcards.suite == "natural":
        return natural_files("parquet")
    return [] if wildcards.suite == "clean" else "<results>/corrupted/examples.csv"


def annotations(wildcards):
    """The files that say what is known of each test image."""
    return expand("<results>/data/{annotations}.parquet", annotations=ANNOTATIONS)


def ledger(*suites):
    """The predictions of all levels and cohorts for some suites."""
    return [
        f"<results>/predictions/{level}/{cohort}/{suite}.parquet"
        for level in LEVELS
        for cohort in cohorts_of(level)
        for suite in suites
    ]


# Only a real run starts with this, neither a dry run nor a job that a cluster runs.
onstart:
    try:
        take_run_lock(Path(".snakemake"))
    except InputError as error:
        raise StudyError(str(error)) from None


# The sentences in which jobs stopped come last, after what the jobs that were still running had to say.
onerror:
    print(*FAILURES.sentences(), sep="\n", file=sys.stderr)
