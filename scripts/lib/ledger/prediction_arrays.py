"""Arrays of logits or probabilities in `.npy` files: a row an example in the order of the study's examples, a file or a layer a model."""

import numpy as np

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.sources import expanded


def open_array(path: str, examples: int, classes: int) -> np.ndarray:
    """A file's numbers as [K, N, C], mapped and not read; [N, C] is one model.

    Raises InputError for a damaged file, for what is no array of numbers, and for other numbers of examples or classes than the study's.
    """
    try:
        array = np.load(expanded(path), mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        if "allow_pickle" in str(error) or "Python objects" in str(error):
            raise InputError(
                f"{path} holds Python objects instead of numbers: save it anew with numpy.save(path, numpy.stack(rows).astype(numpy.float32))."
            ) from None
        raise InputError(f"{path} is damaged or no .npy file ({error}): replace it.") from None
    if not isinstance(array, np.ndarray):
        raise InputError(f"{path} holds several arrays: save the one that is meant with numpy.save, as .npy.")
    if array.dtype.kind not in "iuf" or array.ndim not in (2, 3):
        raise InputError(
            f"{path} holds {array.dtype}{list(array.shape)}: it must hold numbers [N, C], one row an example and one column a class, or [K, N, C] of K models."
        )
    array = array if array.ndim == 3 else array[None]
    if array.shape[1:] != (examples, classes):
        turned = "; it looks transposed" if array.shape[1:] == (classes, examples) else ""
        raise InputError(
            f"{path} has {array.shape[1]} rows and {array.shape[2]} columns, and the study {examples} examples and {classes} classes: give one row an example "
            f"and one column a class{turned}."
        )
    return array
