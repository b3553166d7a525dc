"""The ledger: one row for each model, variant and example, written once by `predict` and read by everything after it.

Columns: example, label, seed, corruption (`clean` for none), severity (0 for clean), top1 … top5 (class indices), p1 … p5 (their
softmax probabilities), p_label (the label's). With fewer than five classes the ranks that do not exist are -1 and NaN; so are
columns that predictions from elsewhere came without, which the metadata name.
The parquet metadata say what was predicted by what: key `lacuna`, JSON.
"""

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import replacing

RANKS = 5
TOP = [f"top{rank}" for rank in range(1, RANKS + 1)]
PROBABILITY = [f"p{rank}" for rank in range(1, RANKS + 1)]
GROUP = 2**20  # rows that are written at a time
# What votes are read from; the other probabilities, most of a file, stay on disk.
COLUMNS = ["example", "label", "seed", "corruption", "severity", *TOP, "p1"]
SCHEMA = pa.schema(
    [
        ("example", pa.dictionary(pa.int32(), pa.string())),
        ("label", pa.int16()),
        ("seed", pa.int16()),
        ("corruption", pa.dictionary(pa.int32(), pa.string())),
        ("severity", pa.int8()),
        *((name, pa.int16()) for name in TOP),
        *((name, pa.float32()) for name in PROBABILITY),
        ("p_label", pa.float32()),
    ]
)


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
    example: np.ndarray, label: np.ndarray, seed: int, corruption: str, severity: int, probabilities: np.ndarray
) -> pa.Table:
    """The ledger's rows for one model and variant from softmax probabilities float32[N, C]."""
    n, classes = probabilities.shape
    ranks = min(RANKS, classes)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :ranks]
    top = np.full((n, RANKS), -1, dtype=np.int16)
    top[:, :ranks] = order
    values = np.full((n, RANKS), np.nan, dtype=np.float32)
    values[:, :ranks] = np.take_along_axis(probabilities, order, axis=1)
    return rows(example, label, seed, corruption, severity, top, values, probabilities[np.arange(n), label])


def rows(
    example: np.ndarray,
    label: np.ndarray,
    seed: int,
    corruption: str,
    severity: int,
    top: np.ndarray,
    probability: np.ndarray,
    p_label: np.ndarray,
) -> pa.Table:
    """The ledger's rows for one model and variant: top int16[N, 5], probability float32[N, 5], p_label float32[N]."""
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
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def save_ledger(path: str | Path, blocks: Iterable[pa.Table], description: dict) -> None:
    """Write the blocks of one level, cohort and suite, whole or not at all; about GROUP rows are in memory at a time."""
    described = SCHEMA.with_metadata({"lacuna": json.dumps(description, sort_keys=True)})
    with replacing(path) as beside, pq.ParquetWriter(beside, described, compression="zstd") as file:
        group: list[pa.Table] = []
        for part in blocks:
            if group and sum(map(len, group)) + len(part) > GROUP:
                file.write_table(pa.concat_tables(group).unify_dictionaries())
                group = []
            group.append(part)
        file.write_table(pa.concat_tables(group).unify_dictionaries())


def load_votes(paths: list[str | Path], level: str) -> dict[tuple[str, int], Votes]:
    """The votes of a level by (corruption, severity), from the files of its cohorts and suites.

    Raises InputError unless every variant has the same seeds in it, each of them the same examples in the same order with the
    same labels, and no damaged file or missing number among them.
    """
    blocks: dict[tuple[str, int], dict[int, _Block]] = {}
    examples = _ExampleColumns()
    for path in paths:
        for variant, seed, block in _blocks(Path(path), level, examples):
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


def describe(path: str | Path) -> dict:
    """What a file's metadata say; InputError if it is damaged or no ledger."""
    try:
        return json.loads(pq.read_schema(path).metadata[b"lacuna"])
    except (pa.ArrowException, OSError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read ({error}): delete it, and snakemake makes it again.") from None


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


@dataclass(frozen=True)
class _Block:
    """What one model predicts for N examples of one variant, in as few bytes as it takes."""

    example: np.ndarray  # str[N]: of equal columns one array
    label: np.ndarray  # int16[N]
    votes: np.ndarray  # int16[N]
    correct_top5: np.ndarray  # bool[N]


class _ExampleColumns:
    """The columns of examples that were met, each kept once: nearly all blocks show the same examples in the same order.

    Whether two are equal is asked of their dictionaries and indices, which takes a hundredth of the time that comparing texts takes.
    """

    def __init__(self) -> None:
        self._met: list[tuple[pa.Array, np.ndarray, np.ndarray, bool]] = []

    def column(self, dictionary: pa.Array, indices: np.ndarray) -> np.ndarray:
        """dictionary[indices], str[N]; the same array for the same examples in the same order."""
        for known, places, column, _ in self._met:
            if np.array_equal(places, indices) and known.equals(dictionary):
                return column
        column = dictionary.to_numpy(zero_copy_only=False)[indices]
        self._met.append((dictionary, indices.copy(), column, len(set(column)) < len(column)))
        return column

    def repeats(self, column: np.ndarray) -> bool:
        """Whether an example is twice in a column that came from here."""
        return next(repeats for _, _, known, repeats in self._met if known is column)


def _equal(first: np.ndarray, second: np.ndarray) -> bool:
    return first is second or np.array_equal(first, second)


def _blocks(path: Path, level: str, examples: _ExampleColumns) -> Iterator[tuple[tuple[str, int], int, _Block]]:
    """(corruption, severity), seed and predictions of every model and variant in a file."""
    described = describe(path)
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            if not schema.equals(SCHEMA, check_metadata=False):
                raise InputError(
                    f"{path} does not have the ledger's columns {', '.join(SCHEMA.names)}: predict it anew."
                )
            table = file.read(columns=COLUMNS)
            missing = any(table[name].null_count for name in COLUMNS) or _has_nulls(
                file, set(SCHEMA.names) - set(COLUMNS)
            )
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read ({error}): delete it, and snakemake makes it again.") from None
    if described["level"] != level:
        raise InputError(f"{path} holds the level {described['level']} where {level} is expected: predict it anew.")
    undefined = "p1" not in described.get("undefined", []) and np.isnan(table["p1"].to_numpy()).any()
    if missing or undefined:
        raise InputError(f"{path} has a missing or undefined prediction: predict it anew.")
    seed = table["seed"].to_numpy()
    severity = table["severity"].to_numpy()
    corruption = table["corruption"].combine_chunks()
    names = corruption.dictionary.to_pylist()
    code = corruption.indices.to_numpy()
    edges = np.flatnonzero((seed[1:] != seed[:-1]) | (severity[1:] != severity[:-1]) | (code[1:] != code[:-1])) + 1
    example = table["example"].combine_chunks()
    indices = example.indices.to_numpy()
    label = table["label"].to_numpy()
    top = [table[name].to_numpy() for name in TOP]
    correct_top5 = np.logical_or.reduce([rank == label for rank in top])
    for start, end in zip([0, *edges], [*edges, table.num_rows], strict=True):
        block = _Block(
            examples.column(example.dictionary, indices[start:end]),
            label[start:end],
            top[0][start:end],
            correct_top5[start:end],
        )
        yield (names[code[start]], int(severity[start])), int(seed[start]), block


def _has_nulls(file: pq.ParquetFile, columns: set[str]) -> bool:
    """Whether a value is missing in columns that are not read otherwise; the file's own statistics say so where it has them."""
    groups = [file.metadata.row_group(index) for index in range(file.metadata.num_row_groups)]
    for group in groups:
        for chunk in map(group.column, range(group.num_columns)):
            if chunk.path_in_schema in columns:
                counted = chunk.statistics is not None and chunk.statistics.has_null_count
                nulls = (
                    chunk.statistics.null_count
                    if counted
                    else file.read(columns=[chunk.path_in_schema]).column(0).null_count
                )
                if nulls:
                    return True
    return False
