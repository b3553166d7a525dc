"""Data of which only predictions are known: the examples are those of a table, or else those that the dense models predict."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scripts.lib.columns import TEXT, WHOLE, check_columns, first_false, read_batches, read_others
from scripts.lib.data.sources import DENSE, EXAMPLES, matching
from scripts.lib.data.split import Split, check_ids, checked_labels, class_names
from scripts.lib.errors import InputError

# Columns of the example table that are not the user's to fill.
RESERVED = ("split", "shown", "kind", "pixels")
FREQUENCY = "class_frequency"  # training images of the example's class, which the user may know


def read_predictions(options: dict) -> tuple[dict[str, Split], list[str]]:
    """The test split, without pictures, and the class names: those of `classes`, or else the labels."""
    path = options[EXAMPLES]
    split = _from_table(path) if path is not None else _from_predictions(options[DENSE])
    splits = {"test": split}
    names = class_names(options["classes"], None, splits)
    absent = np.flatnonzero(np.bincount(split.label, minlength=len(names)) == 0)
    if len(absent):
        raise InputError(
            f"{path or 'the dense predictions'}: no example has the label {absent[0]} (class {names[absent[0]]}): every class needs one, so "
            "add some, or number the classes without it."
        )
    return splits, names


def _from_table(path: str) -> Split:
    names = check_columns(path, ("example", "label"))
    reserved = next((name for name in names if name in RESERVED), None)
    if reserved is not None:
        raise InputError(f"{path} has a column {reserved}, which is a name of Lacuna's own: rename it.")
    kinds = {"example": TEXT, "label": WHOLE} | ({FREQUENCY: WHOLE} if FREQUENCY in names else {})
    parts = list(read_batches(path, kinds))
    example = [name for part in parts for name in part.columns["example"].to_pylist()]
    check_ids(example, path)
    label = checked_labels(np.concatenate([part.columns["label"] for part in parts]), path)
    more = read_others(path, [name for name in names if name not in kinds])
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


def _from_predictions(patterns: list[str]) -> Split:
    """The examples of the clean images, in the order in which the files name them first."""
    known, label = pa.array([], pa.string()), np.zeros(0, dtype=np.int64)
    for path in sorted(path for pattern in patterns for path in matching(pattern)):
        names = check_columns(path, ("example", "label"))
        kinds = {"example": TEXT, "label": WHOLE} | ({"corruption": TEXT} if "corruption" in names else {})
        for batch in read_batches(path, kinds):
            rows = np.arange(len(batch.columns["label"]))
            if "corruption" in kinds:
                rows = np.flatnonzero(pc.equal(batch.columns["corruption"], "clean").to_numpy(zero_copy_only=False))
            encoded = batch.columns["example"].take(pa.array(rows)).dictionary_encode()
            if not len(encoded):
                continue
            code, given = encoded.indices.to_numpy(), batch.columns["label"][rows]
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
