# Shared by the files beside this one: the checked study, its populations, and what makes a rule run again.
import re
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

sys.path.insert(0, workflow.basedir)

from scripts.lib.config import check_config
from scripts.lib.corruptions import CORRUPTIONS as CORRUPTION_MODULES
from scripts.lib.corruptions import FAMILIES, constants_for
from scripts.lib.data.sources import IMAGE_SIZE
from scripts.lib.errors import InputError
from scripts.lib.files import sha256
from scripts.lib.fingerprint import fingerprint
from scripts.lib.population import cohorts
from scripts.lib.project import REPORT_TEMPLATE, ROOT
from scripts.lib.run_lock import take_run_lock

try:
    check_config(config, yaml.safe_load((ROOT / "schemas" / "config.schema.yaml").read_text()))
except InputError as error:
    raise WorkflowError(str(error)) from None


LEVELS = {level["name"]: level for level in config["levels"]}
COMPRESSED = [level for level in LEVELS if level != "dense"]
COHORTS = cohorts(config["population"]["models"], config["population"]["cohort"])
CORRUPTIONS = config["corruptions"]["names"]
SUITES = ["clean", *(family for family in FAMILIES if set(FAMILIES[family]) & set(CORRUPTIONS))]
TABLES = ["pies", "pie_summary", "planted", "class_impact", "robustness"]
FIGURES = ["pie_rates", "class_impact"]
GPU = int(config["training"]["device"] == "cuda")


wildcard_constraints:
    level="|".join(map(re.escape, LEVELS)),
    cohort=r"\d+-\d+",
    suite="|".join(SUITES),
    corruption="|".join(CORRUPTIONS) or "none",
    table="|".join(TABLES),


def code(script):
    """The fingerprint of a script, which as a param makes jobs run again when the code changes."""
    return fingerprint(ROOT, f"scripts/{script}.py")


def code_of_corruption(wildcards):
    """The fingerprint of `corrupt` with the one module of corruptions that it imports by name."""
    found_in = CORRUPTION_MODULES[wildcards.corruption]
    return fingerprint(ROOT, "scripts/corrupt.py", f"scripts/lib/corruptions/{found_in}.py")


def level_of(wildcards):
    """The level's entry in the study."""
    return LEVELS[wildcards.level]


def pruning_of(wildcards):
    """The pruning settings, for the levels that they concern."""
    return {} if LEVELS[wildcards.level]["method"] == "none" else config["pruning"]


def constants_of(wildcards):
    """The corruption's constants for the study's image size; the other engine has its own."""
    if config["corruptions"]["engine"] != "lacuna":
        return None
    return constants_for(wildcards.corruption, IMAGE_SIZE[config["data"]["source"]])


def corruptions_of(suite):
    """The study's corruptions that belong to a suite, in the study's order."""
    return [corruption for corruption in CORRUPTIONS if corruption in FAMILIES.get(suite, ())]


def images_of(wildcards):
    """The image files of a suite."""
    if wildcards.suite == "clean":
        return "<results>/data/test.npy"
    return expand("<results>/corrupted/{corruption}.npy", corruption=corruptions_of(wildcards.suite))


def variants_of(wildcards):
    """The manifests of a suite's corrupted images."""
    return expand("<results>/corrupted/{corruption}.json", corruption=corruptions_of(wildcards.suite))


def ledger(*suites):
    """The predictions of all levels and cohorts for some suites."""
    return expand("<results>/predictions/{level}/{cohort}/{suite}.parquet", level=LEVELS, cohort=COHORTS, suite=suites)


# Only a real run starts with this, neither a dry run nor a job that a cluster runs.
onstart:
    try:
        take_run_lock(Path(".snakemake"))
    except InputError as error:
        raise WorkflowError(str(error)) from None
