"""Check the predictions of one level that somebody else made, and write them into the ledger."""

import math
from pathlib import Path

from scripts.lib.data.dataset import load_examples, load_manifest
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256
from scripts.lib.jobs.job import Progress, logged
from scripts.lib.ledger.predictions import save_ledger
from scripts.lib.ledger.received import Received
from scripts.lib.ledger.received_files import Reader, check_prediction_columns
from scripts.lib.networks.class_check import check_class_order, warn
from scripts.lib.study.levels import CONTROL, DENSE
from scripts.lib.study.sources import ARRAY

LEAST = 100  # images that tell whether models are better than chance

RENUMBER = "number the predicted classes in the files as the labels are numbered"


def main(input, output, params, wildcards) -> None:
    """Read the level's files, write one ledger a suite."""
    data = load_manifest(input.data)
    examples = load_examples(input.examples, "test", data["sha256"]["examples"])
    scratch = Path(output.ledger[0]).parent
    scratch.mkdir(parents=True, exist_ok=True)
    variants = [tuple(variant) for suite in params.suites.values() for variant in suite]
    received = Received(wildcards.level, examples, variants, params.brought_models, scratch, params.keep)
    reader = Reader(received, data["classes"], tuple(params.known), params.kind)
    for path in input.files:  # all headers before the first row
        if not path.lower().endswith(ARRAY):
            check_prediction_columns(path)
    progress = Progress(len(input.files), "file")
    for path in input.files:
        reader.read(path)
        progress.step(path)
    received.check_complete()
    models = received.files(params.models)
    clean = received.records[received.variants["clean", 0]]
    for seed in models:
        model = f"level {wildcards.level}, model {seed}"
        votes = clean[received.seeds[seed]]["top"][:, 0]
        warning = check_class_order(model, wildcards.level, votes, examples.label, data["classes"], RENUMBER)
        if warning is not None:
            warn(warning)
    print(f"{wildcards.level}: {len(received.seeds)} models, {len(examples)} examples, {len(variants)} variants")
    if len(received.seeds) > len(models):
        print(
            f"of its {len(received.seeds)} models the {len(models)} of the smallest seeds are audited, as many as of every level"
        )
    for seed, path in models.items():
        print(f"seed {seed} is {path}")
    right, chance = received.accuracy(params.models)
    print(f"top-1 of the clean images: {right:.1%}; {chance:.1%} if the predictions were of shuffled images")
    if wildcards.level in (DENSE, CONTROL) and params.kind is not None:
        check_order(wildcards.level, right, chance, len(examples), input.files[0])
    if received.undefined:
        print(f"without {', '.join(received.undefined)}: what needs them is undefined in the tables")
    description = {
        "level": wildcards.level,
        "training": {"sparsity": {"stated": {"all": params.sparsity}}} if params.sparsity is not None else {},
        "files_sha256": {path: sha256(path) for path in input.files},
        "file_by_seed": models,
        "examples_sha256": data["sha256"]["examples"],
        "classes": data["classes"],
        "undefined": received.undefined,
        "models_sha256_by_seed": received.digests(params.models),
    }
    for (suite, of_suite), path in zip(params.suites.items(), output.ledger, strict=True):
        blocks = received.blocks([tuple(variant) for variant in of_suite], params.models)
        save_ledger(path, blocks, description | {"suite": suite})


def check_order(level: str, right: float, chance: float, images: int, path: str) -> None:
    """Raise InputError if uncompressed models are right no oftener than by chance: rows without ids may be in any order.

    right, chance: shares of `images`, of which it takes a hundred to tell.
    """
    if images >= LEAST and right < chance + 3 * math.sqrt(chance * (1 - chance) / images):
        raise InputError(
            f"level {level}: its models are right on {right:.1%} of {images} images, where {chance:.1%} would be by chance: the rows of {path} must be in the order of "
            "the study's examples, and its columns in that of the classes."
        )


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params, snakemake.wildcards)  # noqa: F821
