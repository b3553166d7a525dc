"""A large model's weights may be spread over several files; an index beside them says which tensor is in which."""

import hashlib
import json
from pathlib import Path

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import sha256
from scripts.lib.jobs.what_is_it import what_file_is
from scripts.lib.study.sources import expanded

INDEX = ".index.json"  # how an index's name ends


def parts_of_weights(path: str | Path) -> list[Path]:
    """The files that a file of weights consists of: itself, and those that an index names beside it, sorted.

    Raises InputError if the index is damaged or names a file that is not there.
    """
    path = expanded(str(path))
    if not path.name.lower().endswith(INDEX):
        return [path]
    try:
        names = sorted({str(name) for name in json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        found = what_file_is(path)
        raise InputError(
            f"{path} is no index of files of weights{f' but {found}' if found else ''}: it must be JSON with a `weight_map`, as "
            "Hugging Face's save_pretrained writes it."
        ) from None
    for name in names:
        if Path(name).name != name:
            raise InputError(f"{path} names {name!r}, which does not lie beside it: put all files into one folder.")
        if not (path.parent / name).is_file():
            raise InputError(f"{path} names {name}, and that is not beside it: get all files of the model.")
    return [path, *(path.parent / name for name in names)]


def weights_sha256(path: str | Path) -> str:
    """SHA-256 of a file of weights; of one that is spread over several, of their digests one after another."""
    parts = [sha256(part) for part in parts_of_weights(path)]
    return parts[0] if len(parts) == 1 else hashlib.sha256("".join(parts).encode()).hexdigest()
