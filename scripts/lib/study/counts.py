"""How many images a published data set has, so that a study of it can be estimated before hours of preparation."""

# Source -> images of each split, and classes. ImageNet: Russakovsky et al. 2015 (arXiv 1409.0575), table 2, ILSVRC2012.
PUBLISHED = {"imagenet": {"train": 1_281_167, "test": 50_000, "classes": 1000}}


def published_counts(source: str, options: dict, splits: list[str]) -> dict:
    """`train`, `test`, `classes` and `image_size` of a study's data where its files are the published ones, else {}.

    options: the study's section of the source. Splits that the study does not name have no images.
    """
    if source not in PUBLISHED or options["verify"] != "published":
        return {}
    counts = PUBLISHED[source]
    images = {split: counts[split] if split in splits else 0 for split in ("train", "test")}
    return images | {"classes": counts["classes"], "image_size": [options["size"], options["size"]]}
