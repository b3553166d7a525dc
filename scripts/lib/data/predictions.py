"""Data of which only predictions are known: the examples are those of a table, or else those that the dense models predict."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scripts.lib.data.class_values import names_in, numbers_of
from scripts.lib.data.columns import CLASS, TEXT, WHOLE, Batch, check_columns, first_false, read_batches
from scripts.lib.data.row_files import read_typed
from scripts.lib.data.split import Split, check_ids, checked_labels, class_names, read_class_names
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.natural_order import natural_order
from scripts.lib.study.sources import ARRAY, CLASSES, DENSE, EXAMPLES, expanded, matching

# Columns of the example table that are not the user's to fill.
RESERVED = ("split", "shown", "kind", "pixels")
FREQUENCY = "class_frequency"  # training images of the example's class, which the user may know


def read_predictions(options: dict) -> tuple[dict[str, Split], list[str]]:
    """The test split, without pictures, and the class names: those of `classes`, or else the labels, sorted where these are names."""
    path, names_file = options[EXAMPLES], options[CLASSES]
    known = read_class_names(names_file) if names_file is not None else None
    if path is None:
        paths = natural_order(path for pattern in options[DENSE] for path in matching(pattern))
        known = known or _names_of(paths)
        split = _from_predictions(paths, known)
    elif path.lower().endswith(ARRAY):
        split = _from_labels(path)
    else:
        known = known or _names_of([path])
        split = _from_table(path, known)
    names = class_names(names_file, known, {"test": split})
    return {"test": split}, names


def _names_of(paths: list[str]) -> list[str] | None:
    """The classes' names in alphabetical order, as folders of classes are numbered; None where a label is a number."""
    names: dict[str, None] = {}
    for path in paths:
        check_columns(path, ("example", "label"))
        for batch in read_batches(path, {"label": CLASS}):
            if not isinstance(batch.columns["label"], np.ndarray):
                names |= dict.fromkeys(names_in(batch.columns["label"]))
            else:
                return None  # a name after them is told when the rows are read
    return None if not names or any(map(str.isdecimal, names)) else sorted(names)


def _labels(batch: Batch, names: list[str] | None) -> np.ndarray:
    """The labels of some rows, int64[n]."""
    return numbers_of(batch, "label", {name: number for number, name in enumerate(names or ())})


def _from_labels(path: str) -> Split:
    """An array of labels; an example's id is its place in it."""
    try:
        label = np.load(expanded(path), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(
            f"{path} is damaged, or no .npy file of numbers ({error}): save the labels with numpy.save as whole numbers."
        ) from None
    whole = isinstance(label, np.ndarray) and label.ndim == 1 and label.dtype.kind in "iuf"
    if not whole or (label.dtype.kind == "f" and not (np.isfinite(label) & (label == np.round(label))).all()):
        what = f"{label.dtype}{list(label.shape)}" if isinstance(label, np.ndarray) else "several arrays"
        raise InputError(f"{path} holds {what}: labels must be whole numbers [N].")
    return Split([str(index) for index in range(len(label))], checked_labels(label, path), iter(()))


def _from_table(path: str, class_names: list[str] | None) -> Split:
    names = check_columns(path, ("example", "label"))
    reserved = next((name for name in names if name in RESERVED), None)
    if reserved is not None:
        raise InputError(f"{path} has a column {reserved}, which is a name of Lacuna's own: rename it.")
    kinds = {"example": TEXT, "label": CLASS} | ({FREQUENCY: WHOLE} if FREQUENCY in names else {})
    parts = list(read_batches(path, kinds))
    if not parts:
        raise InputError(f"{path} has no rows: it must have one for each example.")
    example = [name for part in parts for name in part.columns["example"].to_pylist()]
    check_ids(example, path)
    label = checked_labels(np.concatenate([_labels(part, class_names) for part in parts]), path)
    others = [name for name in names if name not in kinds]
    table = read_typed(path, others, [], [""]) if others else None
    more = {name: table[name].to_numpy() for name in others} if table else {}
    if FREQUENCY in kinds:
        more[FREQUENCY] = np.concatenate([part.columns[FREQUENCY] for part in parts])
        for number in np.unique(label):
            found = np.unique(more[FREQUENCY][label == number])
            if len(found) > 1 or found[0] < 0:
                raise InputError(
                    f"{path}, column {FREQUENCY}: {', '.join(map(str, found[:2]))} for the label {number}: it is the number of training images "
                    "of a class, the same for all its examples."
                )
    return Split(example, label, iter(()), more=more)


def _from_predictions(paths: list[str], class_names: list[str] | None) -> Split:
    """The examples of the clean images, in the order in which the files name them first."""
    known, label = pa.array([], pa.string()), np.zeros(0, dtype=np.int64)
    for path in paths:
        names = check_columns(path, ("example", "label"))
        kinds = {"example": TEXT, "label": CLASS} | ({"corruption": TEXT} if "corruption" in names else {})
        for batch in read_batches(path, kinds):
            labels = _labels(batch, class_names)
            rows = np.arange(len(labels))
            if "corruption" in kinds:
                rows = np.flatnonzero(pc.equal(batch.columns["corruption"], "clean").to_numpy(zero_copy_only=False))
            encoded = batch.columns["example"].take(pa.array(rows)).dictionary_encode()
            if not len(encoded):
                continue
            code, given = encoded.indices.to_numpy(), labels[rows]
            first = np.unique(code, return_index=True)[1]  # of each id in the batch, in the order of the ids' codes
            new = np.flatnonzero(pc.index_in(encoded.dictionary, known).is_null().to_numpy(zero_copy_only=False))
            known = pa.concat_arrays([known, encoded.dictionary.take(pa.array(new))])
            label = np.concatenate([label, given[first[new]]])
            expected = label[pc.index_in(encoded.dictionary, known).to_numpy()[code]]
            wrong = first_false(given == expected)
            if wrong is not None:
                raise InputError(
                    f"{batch.where('label', rows[wrong])}: the example {encoded[wrong].as_py()!r} has the label {given[wrong]} and in another row "
                    f"{expected[wrong]}: give every example one label."
                )
    where = "the dense predictions"
    if not len(known):
        raise InputError(
            f"{where} have no row of a clean image: leave the column corruption out, or write `clean` there."
        )
    example = known.to_pylist()
    check_ids(example, where)
    return Split(example, checked_labels(label, where), iter(()))
