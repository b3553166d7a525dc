# Shared by the files beside this one: the checked study, what jobs are told of it, and what makes them run again.
import inspect
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

sys.path.insert(0, workflow.basedir)

from scripts.lib.corruptions import CORRUPTIONS
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256
from scripts.lib.jobs.fingerprint import fingerprint
from scripts.lib.jobs.project import GALLERY, RATER_KIT_TEMPLATE, REPORT, ROOT
from scripts.lib.jobs.run_lock import take_run_lock
from scripts.lib.jobs.slurm import check_slurm
from scripts.lib.jobs.terminal import say_errors_once
from scripts.lib.jobs.yaml_files import read_yaml
from scripts.lib.study.compared import compared_files
from scripts.lib.pages.sections import CHAPTER_OF, METHOD
from scripts.lib.study import resources
from scripts.lib.study.cohorts import seeds_of
from scripts.lib.study.downloads import DOWNLOADS
from scripts.lib.study.levels import declaration
from scripts.lib.study.recipes import recipe_file
from scripts.lib.study.shorthand import with_pair
from scripts.lib.study.study import load_study


class StudyError(WorkflowError):
    """Something is wrong with a study: shown as its sentence, without the line of ours that found it."""


FAILURES = say_errors_once(logger)
if config.get("recipe"):
    try:
        RECIPE = recipe_file(config["recipe"])
    except InputError as error:
        raise StudyError(str(error)) from None

    configfile: RECIPE


try:
    DEFAULT = read_yaml(ROOT / "config.yaml")
    STUDY = load_study(with_pair(config, DEFAULT), read_yaml(ROOT / "schemas" / "config.schema.yaml"))
except InputError as error:
    raise StudyError(str(error)) from None
config.clear()  # of a pair, which stands for what is there now
config.update(STUDY.config)
IMAGES, POPULATIONS = STUDY.images, STUDY.populations


def one_of(names):
    """The wildcard constraint that lets these names through and no other."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    level=one_of(POPULATIONS.levels),
    cohort=r"\d+-\d+",
    suite=one_of(IMAGES.suites),
    corruption=one_of(IMAGES.clean_and_corruptions),
    shard=r"\d{4}-of-\d{4}",
    natural=one_of(IMAGES.natural),


def of(method):
    """A method of the study as a function of the wildcards that its arguments are named after."""
    names = list(inspect.signature(method).parameters)

    def asked(wildcards):
        try:
            return method(*(getattr(wildcards, name) for name in names))
        except InputError as error:
            raise StudyError(str(error)) from None

    return asked


def shown(path):
    """An output that snakemake's own report shows too, under its chapter and with a caption."""
    name, kind = Path(path).stem, {".csv": "table", ".html": "page"}.get(Path(path).suffix, "figure")
    return report(
        path,
        caption=f"../report/{kind}.rst",
        category=CHAPTER_OF.get(name, METHOD),
        labels={"what": name.replace("_", " "), "kind": kind},
    )


def code(script):
    """The fingerprint of a script, which as a param makes jobs run again when the code changes."""
    return fingerprint(ROOT, f"scripts/{script}.py")


def code_of_corruption(script):
    """The same with the one module of corruptions that the script imports by name, as a function of the wildcards."""

    def fingerprint_of(wildcards):
        found_in = CORRUPTIONS.get(wildcards.corruption)
        return fingerprint(
            ROOT, f"scripts/{script}.py", *([f"scripts/lib/corruptions/{found_in}.py"] if found_in else [])
        )

    return fingerprint_of


def all_cores(wildcards):
    """The threads of a job that shall have this machine to itself. On a cluster its cores are not known, and such a job takes one."""
    return 1 if workflow.non_local_exec else workflow.cores or 1


def memory(base):
    """mem_mb of a job that needs so much besides its images, more at every attempt."""

    def megabytes(wildcards, input, attempt):
        read = resources.arrays(input.images) if "images" in input.keys() else []
        return resources.memory(base, resources.image_bytes(read), attempt)

    return megabytes


def minutes(base):
    """runtime of a job, more at every attempt."""

    def of_attempt(wildcards, attempt):
        return resources.minutes(base, attempt)

    return of_attempt


def minutes_to_train(wildcards, input, attempt):
    """runtime of a job that trains a cohort."""
    models, epochs = len(seeds_of(wildcards.cohort)), config["training"]["epochs"]
    return resources.training_minutes(60, models, epochs, resources.image_bytes(input.images), attempt)


def minutes_to_predict(wildcards, input, attempt):
    """runtime of a job that predicts a suite with a cohort."""
    models = len(seeds_of(wildcards.cohort))
    return resources.prediction_minutes(60, models, resources.image_bytes(input.images), attempt)


def benchmark_of_corruptions(wildcards):
    """What `snakemake corruptions` makes."""
    of(IMAGES.check_corrupted)(wildcards)
    return rules.describe_corruptions.output


# Where a comparison of several studies goes.
COMPARISON = f"results/compare/{'+'.join(config['studies']) or 'none'}.{{}}"


def digests_of_studies(wildcards):
    """The SHA-256 of what `snakemake compare` reads, by file."""
    try:
        return {path: sha256(path) for path in compared_files(config["studies"])}
    except InputError as error:
        raise StudyError(str(error)) from None


def gallery_of_study(wildcards):
    """What `snakemake gallery` makes."""
    of(IMAGES.check_shown)(wildcards)
    return rules.make_gallery.output


def gate_of_study(wildcards):
    """What `snakemake gate` makes."""
    of(STUDY.check_promised)(wildcards)
    return rules.pass_gate.output


def rater_kit_of_study(wildcards):
    """What `snakemake rater_kit` makes."""
    of(STUDY.check_rater_kit)(wildcards)
    return rules.make_rater_kit.output


# Only a real run starts with this, neither a dry run nor a job that a cluster runs.
onstart:
    try:
        take_run_lock(Path(".snakemake"))
        if workflow.executor_plugin.name == "slurm":
            settings = workflow.executor_settings
            check_slurm(settings.status_command, settings.init_seconds_before_status_checks)
    except InputError as error:
        raise StudyError(str(error)) from None


# The sentences in which jobs stopped come last, after what the jobs that were still running had to say.
onerror:
    print(*FAILURES.sentences(), sep="\n", file=sys.stderr)
