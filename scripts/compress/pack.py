"""Pack the block-sparse layers of a cohort's models, and say for each layer why it is packed or stays dense."""

import torch

from kernels.packed import save_packed
from kernels.sparsify import explain
from scripts.lib.compression.packing import pack_model
from scripts.lib.data.dataset import load_manifest
from scripts.lib.jobs.files import replacing, write_text
from scripts.lib.jobs.job import Progress, logged
from scripts.lib.networks.arithmetic import set_arithmetic
from scripts.lib.networks.cohorts import load_cohort
from scripts.lib.networks.predicting import batch_of


def main(input, output, params) -> None:
    """Read the cohort's models, write their packed weights (named `{seed:03d}.{layer}`) and the decisions."""
    torch.set_num_threads(1)
    set_arithmetic(params.arithmetic)
    models, description = load_cohort(input.models)
    height, width = load_manifest(input.data)["image_size"]
    batch = batch_of(height, width)
    example = torch.zeros(batch, 3, height, width).to(memory_format=torch.channels_last)
    progress = Progress(len(models), "model")
    packed, pages = {}, []
    for seed, model in models.items():
        weights, decisions = pack_model(
            model, tuple(params.level["block"]), example, params.execution["layers"], params.execution["least_gain"]
        )
        packed |= {f"{seed:03d}.{name}": weight for name, weight in weights.items()}
        pages.append(f"## Seed {seed}\n\n{explain(decisions)}\n")
        progress.step(
            f"{params.level['name']}, seed {seed}: {len(weights)} of {len(decisions)} layers are block-sparse"
        )
    with replacing(output.packed) as beside:
        save_packed(beside, packed)
    title = f"# {description['level']['name']}: which layers are block-sparse, for batches of {batch} on a CPU\n\n"
    write_text(output.explanation, title + "\n".join(pages))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
