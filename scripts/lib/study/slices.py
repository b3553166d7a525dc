"""What a study says of slices: groups of test images that are found without being named."""

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.levels import CONTROL, DENSE


def check_slices(config: dict, splits: list[str]) -> None:
    """Raise InputError where slices are asked for and there is nothing to find them in; splits: those of which there are images."""
    clusters = config["slices"]["clusters"]
    if not clusters:
        return
    here = f"config key `slices.clusters` is {clusters}"
    if clusters == 1:
        raise InputError(f"{here}, and one cluster is all images: write 2 or more, or 0 for no slices.")
    if not splits:
        raise InputError(f"{here} and the study has no images, only predictions: write 0, or name the images.")
    levels = {level["name"]: level for level in config["levels"]}
    if "predictions" in levels[DENSE]:
        raise InputError(
            f"{here} and there are predictions of the dense models but no networks to see the images: write 0, or bring `checkpoints`."
        )
    if set(levels) <= {DENSE, CONTROL}:
        raise InputError(f"{here} and nothing is compressed: write 0, or add a level to `levels`.")
