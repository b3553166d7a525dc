"""What a study says of natural test sets, such as ImageNet-A: where their pictures and labels are."""

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.sources import check_trackable, expanded


def natural_arrays(given: dict) -> list[str]:
    """The files that a natural set is read from, without the pictures of a folder."""
    return [str(expanded(given[key])) for key in ("images", "labels") if key in given]


def check_natural(natural: list[dict], corruptions: list[str]) -> None:
    """Raise InputError for natural sets that share a name with another or a corruption, or whose files are not there."""
    names = [given["name"] for given in natural]
    for given in natural:
        here = f"config key `natural`, `{given['name']}`"
        if names.count(given["name"]) > 1 or given["name"] in ("clean", *corruptions):
            raise InputError(f"{here}: another set or a corruption has this name: give it another.")
        arrays = "images" in given
        if ("folder" in given) == arrays or (arrays and "labels" not in given):
            raise InputError(
                f"{here}: name either its `folder` (and a list as `labels`, if folders do not tell the classes), or both `images` and `labels`."
            )
        if (given.get("preparation", "as_is") == "as_is") == ("size" in given):
            raise InputError(
                f"{here}: `size`, in pixels, belongs to a `preparation` other than as_is: name both, or neither."
            )
        for key in (key for key in ("folder", "images", "labels") if key in given):
            path = expanded(given[key])
            if not (path.is_dir() if key == "folder" else path.is_file()):
                raise InputError(
                    f"{here}: `{key}` is {given[key]!r}, and there is no such {'folder' if key == 'folder' else 'file'}: correct the path."
                )
        check_trackable(here, natural_arrays(given))
