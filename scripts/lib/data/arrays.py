"""Images and labels in `.npy` files; an example's id is its index."""

from collections.abc import Callable, Iterator

import numpy as np

from scripts.lib.data.array_images import Images, images_in
from scripts.lib.data.labels import Given, from_array, one_numbering
from scripts.lib.data.split import Picture, Split, checked_labels, class_names, read_class_names
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.what_is_it import what_file_is
from scripts.lib.study.sources import expanded, splits_of

# What a file is -> what to do with it, where it is not what `numpy.save` writes.
REMEDIES = {
    "a NumPy object array": "save numbers or texts instead of Python objects, such as array.astype(int) or array.astype(str)",
    "an .npz archive of NumPy arrays": "save the array that is meant on its own, numpy.save('x.npy', archive[name])",
    "a pickle": "pickles can run anything, so none is opened here: CIFAR's files as published are read with `source: cifar`; load others where you "
    "trust them and numpy.save their arrays",
    "an idx file": "idx files, as MNIST's, are read with `source: idx`; anywhere else numpy.save their arrays",
    "a parquet file": "name it with `source: parquet`",
    "a gzip file": "unpack it",
}


Load = Callable[[str], np.ndarray]  # gives the array in a file


def load_array(path: str) -> np.ndarray:
    """An array, mapped; InputError for what `numpy.save` did not write, by its name."""
    file = expanded(path)
    try:
        array = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        found = what_file_is(file)
        if found in (None, "a NumPy array"):
            raise InputError(f"{path} is damaged or no .npy file ({error}): replace it.") from None
        raise InputError(f"{path} is {found} and no .npy file: {REMEDIES.get(found, 'replace it')}.") from None
    if not isinstance(array, np.ndarray):
        names = ", ".join(array.files)
        array.close()
        found = "an .npz archive of NumPy arrays"
        raise InputError(f"{path} is {found} ({names}) and no .npy file: {REMEDIES[found]}.")
    return array


def read_arrays(options: dict) -> tuple[dict[str, Split], list[str]]:
    """The splits that the study names, and the class names."""
    return read_files("arrays", options, load_array)


def read_files(source: str, options: dict, load: Load) -> tuple[dict[str, Split], list[str]]:
    """The splits that the study names, of a source that has a file of images and one of labels for each, and the class names."""
    names = splits_of(source, options)
    given = {
        split: load_labels(options[f"{split}_labels"], load) for split in sorted(names)
    }  # of both, test declares the order
    listed = None if options["classes"] is None else read_class_names(options["classes"])
    numbers, known = one_numbering(list(given.values()), listed)
    labels = dict(zip(given, numbers, strict=True))
    splits = {split: read_split(options[f"{split}_images"], given[split].where, labels[split], load) for split in names}
    return splits, class_names(options["classes"], known, splits)


def read_split(path: str, label_path: str, label: np.ndarray, load: Load = load_array) -> Split:
    """The images in a file with labels [N], which `label_path` gave; InputError if there is not one an image."""
    checked_labels(label, label_path)
    images = images_in(load(path), path)
    if len(images) != len(label):
        raise InputError(
            f"{path} has {len(images)} images and {label_path} {len(label)} labels: give one label an image."
        )
    ids = [str(index) for index in range(len(label))]
    return Split(ids, label, _pictures(path, images), converted=images.converted)


def load_labels(path: str, load: Load = load_array) -> Given:
    """The labels in a file."""
    return from_array(load(path), path)


def _pictures(path: str, images: Images) -> Iterator[Picture]:
    for index, image in enumerate(images):
        yield f"image {index} of {path}", image
