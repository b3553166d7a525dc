"""Training pictures in shards: which study has them, and what their files are called."""

from scripts.lib.jobs.errors import InputError

SHARDED = ("imagenet",)  # sources that know `train_as` and `shards`


def in_shards(source: str, options: dict) -> bool:
    """Whether the training split is kept as JPEG pictures in shards instead of as one array."""
    return source in SHARDED and options["train"] is not None and options["train_as"] == "shards"


def shard_files(options: dict) -> list[str]:
    """The shards in their order, as rules name them."""
    number = options["shards"]["number"]
    return [f"<results>/data/train/{shard:04d}-of-{number:04d}.jpegs" for shard in range(number)]


def check_shards(source: str, options: dict, augmentation: str) -> None:
    """Raise InputError for what cannot be made of stored pictures, and for some that are smaller than the images that networks see."""
    if not in_shards(source, options):
        return
    if options["preparation"] == "pad":
        raise InputError(
            f"config key `data.{source}.preparation` is pad, and pictures in shards are cropped and resized: choose another, or `train_as: array`."
        )
    short_side, size = options["shards"]["short_side"], options["size"]
    if short_side < size:
        raise InputError(
            f"config key `data.{source}.shards.short_side` is {short_side} and `size` {size}: pictures would be made smaller and then larger again, "
            f"so store at least {size} pixels."
        )
    if augmentation == "pad_crop_flip":
        raise InputError(
            "config key `training.augmentation` is pad_crop_flip, which is for images in memory, and the training pictures are in shards: write "
            f"random_resized_crop or flip, or `data.{source}.train_as: array`."
        )
