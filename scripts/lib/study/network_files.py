"""The files of a brought level: weights for a network that is built here, or networks that bring their own computation."""

from difflib import get_close_matches
from pathlib import Path

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.factories import ENDINGS
from scripts.lib.study.formats import (
    ALL_ENDINGS,
    CONFIG,
    FORMATS,
    brings_computation,
    check_network_file,
    check_runtime,
    format_of,
)
from scripts.lib.study.levels import checkpoints_of, is_brought, is_quantized
from scripts.lib.study.sources import check_level_files, matching, patterns

OF_BUILT = ("options", "weights_key", "prefix")  # keys that say how a network is built here, or where its weights are


def network_files(here: str, checkpoints: dict) -> tuple[list[str], str]:
    """A level's files in the order of their numbers, and the `network` that they are of, a key of FORMATS where the study leaves it out.

    here: how the key of the section is called. Raises InputError for files that are not there, damaged, of another format than they
    are called, or of one whose runtime is not installed.
    """
    network, key = checkpoints.get("network"), f"{here}, `weights`"
    named = _with_folders(checkpoints["weights"])
    if network in FORMATS:
        files = check_level_files(key, named, (*FORMATS[network].endings, *FORMATS[network].also))
    elif network is None:
        files = check_level_files(key, named, (*ENDINGS, *ALL_ENDINGS))
        network = _told(here, files)
    else:
        files = check_level_files(key, named, (*ENDINGS, *ALL_ENDINGS))
        _check_factory(here, network, files)
        return files, network
    check_runtime(f"config key {here}", network)
    for path in files:
        check_network_file(path, network)
    odd = next((key for key in OF_BUILT if key in checkpoints), None)
    if odd is not None:
        raise InputError(
            f"config key {here}, `{odd}`, is of networks that are built here, and {FORMATS[network].title} brings its own: remove it."
        )
    return files, network


def _with_folders(named: str | list[str]) -> list[str]:
    """Paths and patterns, in which folders as save_pretrained writes them stand as the file in them that says what they are."""
    found = []
    for pattern in patterns(named):
        paths = matching(pattern)
        folders = [path for path in paths if Path(path).is_dir() and (Path(path) / CONFIG).is_file()]
        found += [str(Path(path) / CONFIG) for path in folders]
        if not folders:
            found.append(pattern)
        else:
            found += [path for path in paths if path not in folders and Path(path).is_file()]
    return found


def _told(here: str, files: list[str]) -> str:
    """The one format that the files' names tell."""
    formats = {path: format_of(path) for path in files}
    unknown = next((path for path, key in formats.items() if key is None), None)
    if unknown is not None:
        raise InputError(
            f"config key {here} lacks `network`, and {unknown} does not tell what it is of: write torchvision:NAME, timm:NAME or "
            "MODULE:FUNCTION for what builds the network, or torchscript if the file holds its program."
        )
    if len(set(formats.values())) > 1:
        first = files[0]
        other = next(path for path in files if formats[path] != formats[first])
        raise InputError(
            f"config key {here}: {first} is {FORMATS[formats[first]].title} and {other} {FORMATS[formats[other]].title}: a level's networks "
            "must be of one kind."
        )
    return formats[files[0]]


def _check_factory(here: str, network: str, files: list[str]) -> None:
    """Raise InputError where a factory is named beside files that need none, or a format that is not known."""
    if ":" not in network:
        near = get_close_matches(network, FORMATS, n=1)
        remedy = (
            f"did you mean {near[0]}?"
            if near
            else f"write torchvision:NAME, timm:NAME, MODULE:FUNCTION, or one of {', '.join(FORMATS)}."
        )
        raise InputError(f"config key {here}, `network`, is {network!r}, which is unknown: {remedy}")
    own = next((path for path in files if path.lower().endswith(ALL_ENDINGS)), None)
    if own is not None:
        title = FORMATS[format_of(own)].title
        raise InputError(
            f"config key {here}: `network` is {network}, and {own} is {title}, which brings its own computation: remove `network`."
        )


def check_quantized_here(levels: list[dict]) -> None:
    """Raise InputError for a level that quantizes networks which are programs of others; levels: with `network` filled in."""
    by_name = {level["name"]: level for level in levels}
    for level in levels:
        if is_brought(level) or not is_quantized(level):
            continue
        made_of = by_name[checkpoints_of(level)].get("checkpoints")
        if made_of and brings_computation(made_of):
            raise InputError(
                f"config key `levels`, `{level['name']}`: the networks of `{checkpoints_of(level)}` are files that bring their own computation "
                f"({made_of['network']}), and are not quantized here: quantize them with their own tools, and bring the files as a level with `of: dense`."
            )
