"""Corrupt the chosen test images with one corruption, all severities in one array: CIFAR-10-C's layout."""

from scripts.lib.corrupted.corrupting import load_work
from scripts.lib.corrupted.layouts import ARRAYS
from scripts.lib.corrupted.variants import corrupted_chunks
from scripts.lib.data.dataset import save_manifest, writing_images
from scripts.lib.jobs.job import logged


def main(input, output, params, corruption: str) -> None:
    """Read the test split, write the corrupted images and the manifest that vouches for them."""
    work = load_work(input, params, corruption)
    count = len(work.chosen)
    shape = (len(work.severities) * count, *work.images.shape[1:])
    chunks = corrupted_chunks(
        work.images, work.examples, work.positions, work.dataset, corruption, work.severities, **work.options
    )
    with writing_images(output.images, shape) as put:
        for severity, start, images in chunks:
            put(work.severities.index(severity) * count + start, images)
    save_manifest(output.manifest, work.description(ARRAYS, output.images))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params, snakemake.wildcards.corruption)  # noqa: F821
