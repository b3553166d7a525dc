"""Networks of others by what a study calls them: `torchvision:resnet50`, `timm:resnet50.a1_in1k`, `mypackage.module:factory`.

What can be said of one without importing it (torch takes seconds) is said here, before any job.
"""

import importlib.util
import sys
from pathlib import Path

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.project import ROOT
from scripts.lib.study.formats import FORMATS
from scripts.lib.study.sharded_weights import INDEX
from scripts.lib.study.sources import expanded

TORCHVISION, TIMM = "torchvision", "timm"
ZOOS = {TORCHVISION: "pip install torchvision", TIMM: "pip install timm"}
OWN = ("scripts", "kernels")  # packages that a job has imported before it looks for others
# `.tar` is what torch's own tutorials and timm call files of torch.save; an index names the files of one large model.
ENDINGS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt", ".tar", ".th", ".pkl", INDEX)


def parts_of(network: str) -> tuple[str, str]:
    """Module and name of `module:name`; InputError if it is not of that form."""
    module, colon, name = network.partition(":")
    if not colon or not name or not all(part.isidentifier() for part in module.split(".")):
        raise InputError(
            f"`network` is {network!r}: write torchvision:NAME, timm:NAME, or MODULE:FUNCTION for a network of your own."
        )
    return module, name


def search_here() -> None:
    """Let modules be found that lie in the folder in which snakemake was started, after all others.

    Snakemake adds the folder of a rule's script, in which `train.py` and others would be taken for modules of the user's own.
    """
    sys.path[:] = [each for each in sys.path if not each or Path(each).resolve().parent != ROOT / "scripts"]
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)


def module_file(network: str) -> Path | None:
    """The file of a module of the user's own, without importing anything; None for torchvision and timm.

    Raises InputError if the module is not there.
    """
    module, _ = parts_of(network)
    top, *inner = module.split(".")
    search_here()
    found = importlib.util.find_spec(top)
    if found is None:
        remedy = ZOOS.get(module, "install it, or start snakemake in the folder that it lies in")
        raise InputError(f"`network` is {network!r}, and there is no module {top}: {remedy}.")
    if module in ZOOS:
        return None
    if not inner:
        return Path(found.origin) if found.origin else None
    for folder in found.submodule_search_locations or ():
        path = Path(folder, *inner)
        for candidate in (path.with_suffix(".py"), path / "__init__.py"):
            if candidate.is_file():
                return candidate
    remedy = f"Lacuna has a package {top} of its own, so give yours another name" if top in OWN else "correct the name"
    raise InputError(f"`network` is {network!r}, and the package {top} has no module {'.'.join(inner)}: {remedy}.")


def check_checkpoints(here: str, checkpoints: dict, files: int, models: int) -> None:
    """Raise InputError for a network whose module is not there, images that nobody says how to normalize, or another number of files.

    here: how an error begins. checkpoints: with `network` filled in. files: of weights; models: K of the level.
    """
    own = FORMATS.get(checkpoints["network"])
    if own is None:
        try:
            module_file(checkpoints["network"])
        except InputError as error:
            raise InputError(f"{here}: {error}") from None
    classes = checkpoints.get("classes")
    if isinstance(classes, str) and not expanded(classes).is_file():
        raise InputError(f"{here}, `classes` is {classes!r}, and there is no such file: correct the path.")
    if classes is not None and "background" in checkpoints:
        raise InputError(
            f"{here} has `classes` and `background`: remove `background`, and name that class in `classes` as the others."
        )
    given = [key for key in ("mean", "std") if key in checkpoints]
    known = own.says_normalization if own else parts_of(checkpoints["network"])[0] in ZOOS
    if len(given) == 1 or (not given and not known and "unless_said" not in checkpoints):
        missing = ("std" if given == ["mean"] else "mean") if given else "mean` and `std"
        raise InputError(
            f"{here} lacks `{missing}`: say how images from 0 to 1 are normalized for this network, as mean: [0.485, 0.456, 0.406] and "
            "std: [0.229, 0.224, 0.225]."
        )
    if files != models:
        raise InputError(
            f"{here}: `weights` names {files} files and the level is to have {models} models, one a file: set `population.models`, or "
            "`models` of the level."
        )
