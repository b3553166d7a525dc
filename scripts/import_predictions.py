"""Check the predictions of one level that somebody else made, and write them into the ledger."""

from pathlib import Path

from scripts.lib.class_check import check_class_order, warn
from scripts.lib.columns import check_columns
from scripts.lib.dataset import load_examples, load_manifest
from scripts.lib.files import sha256
from scripts.lib.job import Progress, logged
from scripts.lib.ledger import save_ledger
from scripts.lib.received import REQUIRED, Received

RENUMBER = "number the predicted classes in the files as the labels are numbered"


def main(input, output, params, wildcards) -> None:
    """Read the level's files, write one ledger a suite."""
    data = load_manifest(input.data)
    examples = load_examples(input.examples, "test", data["sha256"]["examples"])
    scratch = Path(output.ledger[0]).parent
    scratch.mkdir(parents=True, exist_ok=True)
    variants = [tuple(variant) for suite in params.suites.values() for variant in suite]
    received = Received(
        wildcards.level, examples, len(data["classes"]), variants, params.models, tuple(params.known), scratch
    )
    for path in input.files:  # all headers before the first row
        check_columns(path, REQUIRED)
    progress = Progress(len(input.files), "file")
    for path in input.files:
        received.read(path)
        progress.step(path)
    received.check_complete()
    clean = received.records[received.variants["clean", 0]]
    for seed, slot in sorted(received.seeds.items()):
        model = f"level {wildcards.level}, model {seed}"
        votes = clean[slot]["top"][:, 0]
        warning = check_class_order(model, wildcards.level, votes, examples.label, data["classes"], RENUMBER)
        if warning is not None:
            warn(warning)
    print(f"{wildcards.level}: {len(received.seeds)} models, {len(examples)} examples, {len(variants)} variants")
    if received.undefined:
        print(f"without {', '.join(received.undefined)}: what needs them is undefined in the tables")
    description = {
        "level": wildcards.level,
        "training": {"sparsity": {"stated": {"all": params.sparsity}}} if params.sparsity is not None else {},
        "files_sha256": {path: sha256(path) for path in input.files},
        "examples_sha256": data["sha256"]["examples"],
        "classes": data["classes"],
        "undefined": received.undefined,
        "models_sha256_by_seed": received.digests(),
    }
    for (suite, of_suite), path in zip(params.suites.items(), output.ledger, strict=True):
        blocks = received.blocks([tuple(variant) for variant in of_suite])
        save_ledger(path, blocks, description | {"suite": suite})


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params, snakemake.wildcards)  # noqa: F821
