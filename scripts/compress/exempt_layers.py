"""The cheapest set of layers to exempt from quantization so that a level stays within a margin of flips, sought on one half of the images.

Every set that is tried is measured on all images; what is decided is decided on the first half, so what the second half says of
the set that was found does not flatter it.
"""

import json

import numpy as np
import pandas as pd
import torch

from scripts.lib.audit.exemptions import most_avoided_first, search, verdict
from scripts.lib.audit.intervals import Estimate
from scripts.lib.audit.layers import flip_rate, share
from scripts.lib.compression.exchanging import load_exchanged
from scripts.lib.data.dataset import load_manifest
from scripts.lib.data.sampled import SampledImages, first_half, sample_images
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.job import ImageProgress, logged
from scripts.lib.ledger.layer_votes import ALL, EVERY, LEFT_OUT, LayerVotes, load_layer_votes
from scripts.lib.networks.arithmetic import set_arithmetic
from scripts.lib.networks.device import prepare_device
from scripts.lib.networks.predicting import batch_of, predicted_classes
from scripts.lib.tables.table import save_table, with_interval


class Trials:
    """Sets of layers to exempt and what the models predict with them, int16[K, N], each measured once."""

    def __init__(self, votes: LayerVotes, input, level: dict, images: SampledImages, size: int, device) -> None:
        self.votes, self.input, self.level = votes, input, level
        self.images, self.size, self.device = images, size, device
        # Sets of no layer and of one were measured by `blame_layers`.
        self.known = {frozenset(): votes.votes[ALL, EVERY]}
        self.known |= {frozenset({layer}): votes.votes[LEFT_OUT, layer] for layer in votes.layers}
        self.asked: list[frozenset[str]] = []  # in the order of the search

    def of(self, exempt: frozenset[str]) -> np.ndarray:
        """What is predicted with these layers exempt."""
        if exempt not in self.asked:
            self.asked.append(exempt)
        if exempt not in self.known:
            self.known[exempt] = self._measured(exempt)
        return self.known[exempt]

    def _measured(self, exempt: frozenset[str]) -> np.ndarray:
        compressed = [layer for layer in self.votes.layers if layer not in exempt]
        asked = f"set {len(self.asked)} of at most {2 * len(self.votes.layers) - 1}, {len(exempt)} layers exempt"
        progress = ImageProgress(len(self.votes.seed) * len(self.images), asked)
        found: dict[int, np.ndarray] = {}
        for uncompressed, quantized in zip(self.input.uncompressed, self.input.compressed, strict=True):
            for seed, exchanged in load_exchanged(uncompressed, quantized, self.level, self.device):
                network, parts = exchanged.with_compressed(compressed), []
                for batch in self.images.batches(self.size):
                    shown = torch.from_numpy(batch).to(self.device)
                    parts.append(predicted_classes(network, shown, f"{quantized}, seed {seed},"))
                    progress.advance(len(batch))
                found[seed] = np.concatenate(parts)
        return np.stack([found[seed] for seed in self.votes.seed.tolist()])


def avoided_flips(votes: LayerVotes, images: np.ndarray) -> dict[str, float]:
    """How much smaller the share of flips is without each layer, on some images, bool[N]."""
    whole = votes.flipped(ALL)[:, images].mean()
    return {layer: float(whole - votes.flipped(LEFT_OUT, layer)[:, images].mean()) for layer in votes.layers}


def rows_of(trials: Trials, chosen: frozenset[str] | None, margin: float, significance: float) -> list[dict]:
    """One row for each set that was tried."""
    votes, saved = trials.votes, trials.votes.bytes_saved
    selection = first_half(votes.example)
    right = votes.before == votes.label
    rows = []
    for step, exempt in enumerate(trials.asked):
        after = trials.of(exempt)
        flipped, right_after = after != votes.before, after == votes.label
        sought, shown = (flip_rate(flipped[:, half], significance) for half in (selection, ~selection))
        lost, gained = (right & ~right_after)[:, ~selection], (right_after & ~right)[:, ~selection]
        names = [name for name in votes.description["network"] if name in exempt or name not in votes.layers]
        added = sum(saved[layer] for layer in exempt)
        rows.append(
            {
                "level": votes.description["level"],
                "margin": margin,
                "step": step,
                "exempt": json.dumps(names) if names else "none",
                "exempted": len(exempt),
                "layers": len(votes.layers),
                "bytes": votes.bytes + added,
                "bytes_added": added,
                "models": len(votes.seed),
                "significance": significance,
                "selection_examples": int(selection.sum()),
                **with_interval("selection_flips", sought),
                "examples": int((~selection).sum()),
                **with_interval("flips", shown),
                "lost": lost.mean(),
                "gained": gained.mean(),
                **with_interval("top1_change", (share(gained) - share(lost)).estimate(significance)),
                "chosen": exempt == chosen,
                "verdict": verdict(shown, margin),
            }
        )
    return rows


def main(input, output, params) -> None:
    """Read the votes, models and images; write the sets that were tried, and which of them was found."""
    device = prepare_device(params.device)
    print(f"arithmetic {set_arithmetic(params.arithmetic)}")
    votes = load_layer_votes(input.votes)
    images = sample_images(input.images, input.examples, input.data, params.images, "audit.layers.images")
    if not np.array_equal(images.examples.example, votes.example):
        raise InputError(
            f"{input.votes[0]} is of other images than {input.images}: delete it, and snakemake makes it again."
        )
    trials = Trials(votes, input, params.level, images, batch_of(*load_manifest(input.data)["image_size"]), device)
    selection = first_half(votes.example)

    def meets(exempt: frozenset[str]) -> bool:
        found: Estimate = flip_rate((trials.of(exempt) != votes.before)[:, selection], params.significance)
        print(
            f"exempt {', '.join(sorted(exempt)) or 'none'}: flips {found.value:.4f} [{found.low:.4f}, {found.high:.4f}]"
        )
        return found.high <= params.margin

    saved = votes.bytes_saved
    chosen = search(most_avoided_first(avoided_flips(votes, selection), saved), saved, meets)
    save_table(output.table, pd.DataFrame(rows_of(trials, chosen, params.margin, params.significance)))


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        main(snakemake.input, snakemake.output, snakemake.params)  # noqa: F821
