"""examples.csv: which test images are corrupted, in the order of every file that holds them."""

from scripts.lib.corrupted.layouts import class_folders, jpeg_files
from scripts.lib.corrupted.subset import Chosen, choose, save_chosen
from scripts.lib.corruptions import SMALLEST_SIDE
from scripts.lib.data.dataset import load_examples, load_manifest
from scripts.lib.data.text_file import read_lines
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import logged


def main(input, output, params) -> None:
    """Read the example table, write the chosen rows of it."""
    data = load_manifest(input.data)
    if min(data["image_size"]) < SMALLEST_SIDE:
        height, width = data["image_size"]
        raise InputError(
            f"the test images have {width} x {height} pixels and no corruption is published for less than {SMALLEST_SIDE}: "
            f"enlarge them with `preparation: pad` (zeros around them) or `squeeze` and `size: {SMALLEST_SIDE}`, or leave `corruptions.names` empty."
        )
    examples = load_examples(input.examples, "test", data["sha256"]["examples"])
    ids = None
    if params.subset == "listed":
        ids = [line for line in read_lines(input.ids[0], "a text file with one example id a line") if line.strip()]
    part = examples.take(choose(examples, params.subset, params.per_class, ids))
    example, label = [str(name) for name in part.example], [int(number) for number in part.label]
    if params.layout == "imagenet-c":
        file = jpeg_files(example, label, class_folders(data["classes"]))
    else:
        file = [""] * len(example)
    save_chosen(output.chosen, Chosen(example, label, file), data["classes"])
    print(f"{len(example)} of {len(examples)} test images are corrupted ({params.subset})")


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
