"""What a level says of its files of predictions: a path, a pattern or a list of them, or, of arrays, these as `files` and their `kind`."""

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.sources import ARRAY, EXAMPLES, PREDICTION_ENDINGS, check_level_files


def kind_of(predictions: str | list[str] | dict) -> str | None:
    """Whether a level's arrays hold logits or probabilities; None for files of rows, whose columns say it."""
    return predictions["kind"] if isinstance(predictions, dict) else None


def prediction_files(level: str, predictions: str | list[str] | dict) -> list[str]:
    """The files of a level, in the order of their numbers; InputError for what is not there, or for arrays that nobody says how to read."""
    key = f"`levels`, `{level}`, `predictions`"
    kind, named = kind_of(predictions), predictions["files"] if isinstance(predictions, dict) else predictions
    found = check_level_files(key, named, PREDICTION_ENDINGS)
    arrays = [path for path in found if path.lower().endswith(ARRAY)]
    if arrays and kind is None:
        raise InputError(
            f"config key {key}: nobody can tell whether {arrays[0]} holds logits or probabilities: write "
            f"`{{files: {named if isinstance(named, str) else '[…]'}, kind: logits}}`, or `kind: probabilities`."
        )
    if kind is not None and len(arrays) < len(found):
        rows = next(path for path in found if path not in arrays)
        raise InputError(
            f"config key {key}: `kind` is of arrays, and {rows} has columns with names: call one `{kind}`, and name the files without `kind`."
        )
    return found


def check_examples_known(options: dict, dense: list[str]) -> None:
    """Raise InputError if nothing says of which examples the rows of the dense arrays are; options: of the source `predictions`."""
    array = next((path for path in dense if path.lower().endswith(ARRAY)), None)
    if array is not None and options[EXAMPLES] is None:
        raise InputError(
            f"config key `data.predictions.examples` is missing: {array} says neither ids nor labels, so name a table with the columns `example` and "
            "`label`, or an array of labels such as labels.npy, in the order of its rows."
        )
