"""populations.json: who is who among models that were brought, after the checks that need all levels: the same images, pairs, no model twice."""

import json

import numpy as np

from scripts.lib.audit.copies import alike, find_copies, same_networks
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import write_text
from scripts.lib.jobs.job import logged
from scripts.lib.ledger.predictions import (
    Votes,
    check_distinct,
    describe,
    load_population,
    or_of_dense,
    same_examples,
    same_seeds,
)

PAIRED = "paired"


def paired_of(designs: dict[str, str]) -> list[str]:
    """The levels that are made of the dense models."""
    return [level for level, design in designs.items() if design == PAIRED]


def check_pairs(populations: dict[str, Votes], designs: dict[str, str]) -> None:
    """Raise InputError unless every level has the dense level's images, and a level that is made of the dense models their seeds.

    populations: level -> votes; designs: level -> `paired` or `independent`.
    """
    for level, votes in populations.items():
        same_examples(populations["dense"], votes, level)
        if designs[level] == PAIRED:
            same_seeds(populations["dense"], votes, level)


def check_votes(populations: dict[str, Votes], designs: dict[str, str]) -> None:
    """Raise InputError if two models vote so alike that they are one, or if a level is made of the dense models and does not say so."""
    dense = populations["dense"]
    names = list(populations)
    votes = np.concatenate([each.votes for each in populations.values()])
    population = np.concatenate([np.full(len(each.seed), index) for index, each in enumerate(populations.values())])
    seed = np.concatenate([each.seed for each in populations.values()])
    own = {name: 0 if name == "dense" or designs[name] == PAIRED else index for index, name in enumerate(names)}
    network = np.array([own[names[index]] for index in population]) * 2**16 + seed
    found = find_copies(votes, dense.label, population, network)
    if found is not None:
        first, second = (f"model {seed[i]} of level {names[population[i]]}" for i in found[:2])
        models = "" if found.pairs == 1 else f", and {found.pairs} of its models have such a double there"
        one, other = (names[population[i]] for i in found[:2])
        raise InputError(
            f"{second} says the same as {first} on all {len(dense.label)} images, with errors that no model trained from another seed would share{models}: "
            f"every model may count once, so bring another{or_of_dense(one, other, paired_of(designs))}."
        )
    for group in alike(votes):
        if len(set(network[group])) > 1:
            models = ", ".join(f"{seed[i]} of {names[population[i]]}" for i in group)
            print(
                f"these models say the same on all {len(dense.label)} images, which have too little to differ in to tell whether they are one: {models}"
            )
    for level, votes_of_level in populations.items():
        if level in ("dense", "control") or designs[level] == PAIRED:
            continue
        if same_networks(dense.votes, votes_of_level.votes):
            raise InputError(
                f"level {level}: each of its models agrees with one dense model far more than with all others, as the same network before and after "
                "compression does: give both the same seed and write `of: dense` in the level's entry, so that pairs are compared."
            )


def who_is_who(populations: dict[str, Votes], designs: dict[str, str], files: dict[str, dict[int, str]]) -> list[str]:
    """A line for each model: its file, and for a model that was made of a dense one that one's."""
    lines = []
    for level, votes in populations.items():
        for seed in votes.seed.tolist():
            own = files[level].get(seed, "made here")
            pair = f" ↔ {files['dense'].get(seed, 'made here')} (dense)" if designs[level] == PAIRED else ""
            lines.append(f"{level}, seed {seed}: {own}{pair}")
    return lines


def files_of(paths: list[str]) -> dict[str, dict[int, str]]:
    """The file that each model came from, by level and seed; of models that were made here there is none."""
    files: dict[str, dict[int, str]] = {}
    for path in paths:
        described = describe(path)
        weights = described.get("training", {}).get("weights", {})
        found = described.get("file_by_seed", {}) | {seed: each["path"] for seed, each in weights.items()}
        files.setdefault(described["level"], {}).update({int(seed): name for seed, name in found.items()})
    return files


def main(input, output, params) -> None:
    """Read the clean suite of all levels, write populations.json."""
    populations = {level: load_population(input.ledger, level)["clean", 0] for level in params.designs}
    files = files_of(input.ledger)
    print("\n".join(who_is_who(populations, params.designs, files)))
    check_pairs(populations, params.designs)
    check_distinct(input.ledger, paired_of(params.designs))
    check_votes({level: populations[level] for level in ("dense", *params.brought)}, params.designs)
    described = {
        level: {
            "design": params.designs[level] if level != "dense" else "dense",
            "models": {seed: files[level].get(seed) for seed in votes.seed.tolist()},
        }
        for level, votes in populations.items()
    }
    write_text(output.populations, json.dumps(described, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
