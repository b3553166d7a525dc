"""Corrupt a share of the chosen test images with one corruption and save them as JPEG files: ImageNet-C's layout."""

import hashlib
from pathlib import Path

import numpy as np

from scripts.lib.corrupted.corrupting import load_work
from scripts.lib.corrupted.layouts import FOLDERS, as_jpeg
from scripts.lib.corrupted.variants import corrupted_chunks
from scripts.lib.data.dataset import save_manifest
from scripts.lib.jobs.files import room_for, write_text
from scripts.lib.jobs.job import logged


def main(input, output, params, corruption: str, shard: int) -> None:
    """Write the files, then the list of them with their SHA-256 in the format of `sha256sum`, then the manifest.

    The files themselves are not written beside and renamed: what is not in the finished list counts as not made. Lists of an
    earlier division into shards are removed first, because the files in them are about to be written over.
    """
    work = load_work(input, params, corruption)
    division = Path(output.files).stem.split("-of-")[1]
    for path in Path(output.files).parent.glob("[0-9]*-of-*"):  # not the hidden files that other shards are writing
        if path.stem.split("-of-")[1] != division:
            path.unlink(missing_ok=True)
    root = Path(output.files).parents[2]
    share = np.array_split(np.arange(len(work.chosen)), params.shards)[shard]
    made: dict[int, list[str]] = {severity: [] for severity in work.severities}
    folders = {work.chosen.file[index].split("/")[0] for index in share}
    for severity in work.severities:
        for folder in folders:
            Path(root, corruption, str(severity), folder).mkdir(parents=True, exist_ok=True)
    chunks = corrupted_chunks(
        work.images, work.examples, work.positions[share], work.dataset, corruption, work.severities, **work.options
    )
    for severity, start, images in chunks:
        for image, index in zip(images, share[start : start + len(images)], strict=True):
            file = f"{corruption}/{severity}/{work.chosen.file[index]}"
            content = as_jpeg(image)
            with room_for(root / file):
                (root / file).write_bytes(content)
            made[severity].append(f"{hashlib.sha256(content).hexdigest()}  {file}\n")
    write_text(output.files, "".join(line for lines in made.values() for line in lines))
    save_manifest(output.manifest, work.description(FOLDERS, output.files) | {"shard": shard, "shards": params.shards})


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(
            snakemake.input,  # noqa: F821
            snakemake.output,  # noqa: F821
            snakemake.params,  # noqa: F821
            snakemake.wildcards.corruption,  # noqa: F821
            int(snakemake.wildcards.shard.split("-")[0]),  # noqa: F821
        )
