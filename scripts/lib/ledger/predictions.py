"""The ledger: one row for each model, variant and example, written once by `predict` and read by everything after it.

Columns: example, label, seed, corruption (`clean` for none), severity (0 for clean), top1 … top5 (class indices), p1 … p5 (their
softmax probabilities), p_label (the label's), p_squared (the sum of the squares of all classes' probabilities). With fewer than five
classes the ranks that do not exist are -1 and NaN; so are columns that predictions from elsewhere came without, which the metadata
name. Where a study keeps them, the clean suite has probabilities (of all classes in their order), which votes are read without.
The parquet metadata say what was predicted by what: key `lacuna`, JSON.
"""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import replacing
from scripts.lib.ledger.reading import Block, ExampleColumns, blocks_of
from scripts.lib.ledger.schema import (
    PROBABILITIES,
    RANKS,
    SCHEMA,
    TOP,
    VERSION,
    classes_kept,
    describe,
    with_probabilities,
)

GROUP = 2**20  # rows that are written at a time
NUMBERS = 2**25  # of kept probabilities that are written at a time: 128 MB


@dataclass(frozen=True)
class Votes:
    """What the K models of a level predict for N examples of one variant."""

    example: np.ndarray  # str[N]
    label: np.ndarray  # int64[N]
    seed: np.ndarray  # int64[K]
    votes: np.ndarray  # int16[K, N]: predicted classes
    correct_top5: np.ndarray  # bool[K, N]: whether the label is among the five first

    def restricted_to(self, example: np.ndarray) -> "Votes":
        """The same models on these examples only, in their order; InputError if one is missing."""
        order = np.argsort(self.example)
        found = order[np.searchsorted(self.example, example, sorter=order) % len(order)]
        if not np.array_equal(self.example[found], example):
            raise InputError(
                "the corrupted examples are not all among the clean ones: predict all suites from the same data."
            )
        return Votes(example, self.label[found], self.seed, self.votes[:, found], self.correct_top5[:, found])

    def of_model(self, place: int) -> "Votes":
        """One of the models alone, by its place among the seeds."""
        only = slice(place, place + 1)
        return Votes(self.example, self.label, self.seed[only], self.votes[only], self.correct_top5[only])

    @property
    def correct(self) -> np.ndarray:
        """Whether the prediction is the label, bool[K, N]."""
        return self.votes == self.label


def block(
    example: np.ndarray,
    label: np.ndarray,
    seed: int,
    corruption: str,
    severity: int,
    probabilities: np.ndarray,
    keep: bool = False,
) -> pa.Table:
    """The ledger's rows for one model and variant from softmax probabilities float32[N, C]; keep: all of them, and not the first five only."""
    n, classes = probabilities.shape
    ranks = min(RANKS, classes)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :ranks]
    top = np.full((n, RANKS), -1, dtype=np.int16)
    top[:, :ranks] = order
    values = np.full((n, RANKS), np.nan, dtype=np.float32)
    values[:, :ranks] = np.take_along_axis(probabilities, order, axis=1)
    return rows(
        example,
        label,
        seed,
        corruption,
        severity,
        top,
        values,
        probabilities[np.arange(n), label],
        squared(probabilities),
        probabilities if keep else None,
    )


def squared(probabilities: np.ndarray) -> np.ndarray:
    """The sum of the squares of all probabilities [N, C] of an example, float32[N]."""
    return np.einsum("nc,nc->n", probabilities, probabilities, dtype=np.float64).astype(np.float32)


def rows(
    example: np.ndarray,
    label: np.ndarray,
    seed: int,
    corruption: str,
    severity: int,
    top: np.ndarray,
    probability: np.ndarray,
    p_label: np.ndarray,
    p_squared: np.ndarray | None = None,
    probabilities: np.ndarray | None = None,
) -> pa.Table:
    """The ledger's rows for one model and variant: top int16[N, 5], probability float32[N, 5], p_label and p_squared float32[N].

    p_squared: None where it is not known. probabilities: float32[N, C] where all of them shall be kept.
    """
    n = len(example)
    columns = [
        pa.array(example, pa.string()).dictionary_encode(),
        pa.array(label, pa.int16()),
        pa.array(np.full(n, seed), pa.int16()),
        pa.array([corruption] * n, pa.string()).dictionary_encode(),
        pa.array(np.full(n, severity), pa.int8()),
        *(pa.array(top[:, rank]) for rank in range(RANKS)),
        *(pa.array(probability[:, rank]) for rank in range(RANKS)),
        pa.array(p_label, pa.float32()),
        pa.array(np.full(n, np.nan) if p_squared is None else p_squared, pa.float32()),
    ]
    if probabilities is None:
        return pa.Table.from_arrays(columns, schema=SCHEMA)
    schema = with_probabilities(probabilities.shape[1])
    flat = pa.array(np.ascontiguousarray(probabilities, dtype=np.float32).reshape(-1))
    kept = pa.FixedSizeListArray.from_arrays(flat, type=schema.field(PROBABILITIES).type)
    return pa.Table.from_arrays([*columns, kept], schema=schema)


def save_ledger(path: str | Path, blocks: Iterable[pa.Table], description: dict) -> None:
    """Write the blocks of one level, cohort and suite, whole or not at all.

    About GROUP rows are in memory at a time, fewer where all probabilities are kept: NUMBERS of them, or one block.
    """
    blocks = iter(blocks)
    first = next(blocks)
    about = description | {"version": VERSION}
    described = first.schema.with_metadata({"lacuna": json.dumps(about, sort_keys=True)})
    most = min(GROUP, NUMBERS // max(1, classes_kept(first.schema)))
    # Of columns with few values dictionaries make less; of probabilities, which nearly all differ, a third more.
    few_valued = [
        field.name for field in first.schema if not (field.name == PROBABILITIES or pa.types.is_floating(field.type))
    ]
    with (
        replacing(path) as beside,
        pq.ParquetWriter(beside, described, compression="zstd", use_dictionary=few_valued) as file,
    ):

        def write(group: list[pa.Table]) -> None:
            file.write_table(pa.concat_tables(group).unify_dictionaries(), row_group_size=most)

        group: list[pa.Table] = []
        for part in chain([first], blocks):
            if group and sum(map(len, group)) + len(part) > most:
                write(group)
                group = []
            group.append(part)
        write(group)


def load_votes(paths: list[str | Path], level: str) -> dict[tuple[str, int], Votes]:
    """The votes of a level by (corruption, severity), from the files of its cohorts and suites.

    Raises InputError unless every variant has the same seeds in it, each of them the same examples in the same order with the
    same labels, and no damaged file or missing number among them.
    """
    blocks: dict[tuple[str, int], dict[int, Block]] = {}
    examples = ExampleColumns()
    for path in paths:
        for variant, seed, block in blocks_of(Path(path), level, examples):
            seeds = blocks.setdefault(variant, {})
            if seed in seeds:
                raise InputError(
                    f"{path}: level {level} has seed {seed} twice for {variant[0]} {variant[1]}: every model may count once."
                )
            seeds[seed] = block
    votes = {}
    everybody = sorted({seed for seeds in blocks.values() for seed in seeds})
    for variant, seeds in blocks.items():
        here = f"level {level}, {variant[0]} {variant[1]}"
        if sorted(seeds) != everybody:
            raise InputError(
                f"level {level} has {len(seeds)} of {len(everybody)} models for {variant[0]} {variant[1]}: predict the others."
            )
        in_order = [seeds[seed] for seed in everybody]
        first = in_order[0]
        for seed, block in zip(everybody, in_order, strict=True):
            for column in ("example", "label"):
                if not _equal(getattr(block, column), getattr(first, column)):
                    raise InputError(
                        f"{here}: seeds {everybody[0]} and {seed} differ in the column {column}: predict both anew from the same data."
                    )
        if examples.repeats(first.example):
            raise InputError(f"{here}: an example appears twice: ids must be unique.")
        votes[variant] = Votes(
            first.example,
            first.label.astype(np.int64),
            np.array(everybody),
            np.stack([block.votes for block in in_order]),
            np.stack([block.correct_top5 for block in in_order]),
        )
    return votes


def load_population(paths: list[str | Path], level: str) -> dict[tuple[str, int], Votes]:
    """As `load_votes`, choosing the level's files among those of several levels by what their metadata say.

    Raises InputError unless all cohorts were trained by the same recipe and the same torch.
    """
    return load_votes(_files_of({path: describe(path) for path in paths}, level), level)


def by_suite(paths: list[str | Path], levels: list[str]) -> dict[str, dict[str, list[str | Path]]]:
    """The files of each suite by level, so that one suite can be read at a time.

    Raises InputError as `load_population` does, and unless every suite has every level.
    """
    described = {path: describe(path) for path in paths}
    suites: dict[str, dict[str, list[str | Path]]] = {}
    for level in levels:
        for path in _files_of(described, level):
            suites.setdefault(described[path].get("suite", "all"), {}).setdefault(level, []).append(path)
    for suite, files in suites.items():
        for level in levels:
            if level not in files:
                raise InputError(f"the suite {suite} has no predictions of the level {level}: predict it.")
    return suites


def _files_of(described: dict[str | Path, dict], level: str) -> list[str | Path]:
    """The files of a level among those described; InputError if there are none, or if they are of models of several recipes."""
    recipes = {
        path: recipe_of(about.get("training", {})) for path, about in described.items() if about["level"] == level
    }
    if not recipes:
        raise InputError(f"none of the {len(described)} prediction files holds the level {level}: predict it first.")
    first, expected = next(iter(recipes.items()))
    for path, recipe in recipes.items():
        for key in expected | recipe:
            if expected.get(key) != recipe.get(key):
                raise InputError(
                    f"{first} and {path} differ in `{key}`: a population's models may differ in their seed only, so train one of "
                    "them anew."
                )
    return list(recipes)


def recipe_of(training: dict) -> dict:
    """What all models of a population have in common, from the description that `train` writes.

    Not the arithmetic: computers that share the work may have different processors, and rounding is no more than another seed is.
    """
    own = ("seeds", "sparsity", "weights", "arithmetic")
    return {key: value for key, value in training.items() if key not in own}


def sparsity_of(paths: list[str | Path], level: str) -> float:
    """The mean sparsity that the pruned layers of a level's models reached; NaN where the metadata do not say."""
    reached = [
        layers["all"]
        for described in map(describe, paths)
        if described["level"] == level
        for layers in described.get("training", {}).get("sparsity", {}).values()
    ]
    return float(np.mean(reached)) if reached else float("nan")


def check_distinct(paths: list[str | Path], paired: Collection[str] = ()) -> None:
    """Raise InputError if one of the models that were brought stands in two places: a control that is the dense level says nothing.

    paths: clean prediction files of all levels; paired: the levels that are made of the dense models, whose predictions may not have changed. What
    tells a model is the digest of its weights, or of all its clean predictions.
    """
    owner: dict[str, tuple[str, int]] = {}
    for path in paths:
        described = describe(path)
        training = described.get("training", {})
        weights = {} if "quantization" in training else training.get("weights", {})  # quantized ones are others by then
        digests = described.get("models_sha256_by_seed", {}) | {seed: file["sha256"] for seed, file in weights.items()}
        for seed, digest in digests.items():
            model = (described["level"], int(seed))
            level, other = owner.setdefault(digest, model)
            made_of_dense = {level, model[0]} <= {"dense", *paired} and level != model[0] and other == model[1]
            if (level, other) != model and not made_of_dense:
                raise InputError(
                    f"{path}: model {seed} of level {model[0]} is the same as model {other} of level {level}: every model may count once, so bring "
                    f"another{or_of_dense(level, model[0], paired)}."
                )


def or_of_dense(first: str, second: str, paired: Collection[str]) -> str:
    """What else to do where a model of one level is a model of the other: nothing but for compressed dense models."""
    other = second if first == "dense" else first
    if "dense" not in (first, second) or first == second or other == "control" or other in paired:
        return ""
    return f"; if {other} is made of the dense models, write `of: dense` in its entry"


def undefined_columns(paths: list[str | Path]) -> set[str]:
    """The columns that predictions of at least one file came without."""
    return {name for path in paths for name in describe(path).get("undefined", [])}


def has_top5(paths: list[str | Path]) -> bool:
    """Whether top-5 accuracy means something: more than five classes, and all ranks in all files."""
    return len(describe(paths[0])["classes"]) > RANKS and not undefined_columns(paths) & set(TOP)


def same_examples(reference: Votes, other: Votes, what: str) -> None:
    """Raise InputError unless both have the same examples in the same order."""
    if not (np.array_equal(reference.example, other.example) and np.array_equal(reference.label, other.label)):
        raise InputError(
            f"{what}: the examples differ from those of the dense level: predict both levels from the same data."
        )


def same_seeds(reference: Votes, other: Votes, what: str) -> None:
    """Raise InputError unless both have the same seeds, as a level that is made of the dense checkpoints has."""
    if not np.array_equal(reference.seed, other.seed):
        alone = sorted(set(reference.seed.tolist()) ^ set(other.seed.tolist()))
        raise InputError(
            f"{what}: the level is made of the dense models, but seed {alone[0]} is in one of the two levels only: predict both "
            "levels with the same seeds."
        )


def _equal(first: np.ndarray, second: np.ndarray) -> bool:
    return first is second or np.array_equal(first, second)
