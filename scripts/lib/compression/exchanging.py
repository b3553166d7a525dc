"""Networks in which some layers are compressed and the others are not: who is to blame is found by exchanging layers.

Of a quantized level its own layers are exchanged with those that they were made of, so what is asked of one layer is exactly what the
level would be if all others were exempt. A level that was pruned while it trained has no such partner: its other layers have learned to live
with the pruned one. There the dense networks are taken, and each layer loses at once as many units as the level's own layer
has lost, by the level's score and structure, without training afterwards.
"""

import copy
from collections.abc import Collection, Iterator, Mapping

import torch
from torch import nn

from kernels.folding import fold_batchnorm, replace
from scripts.lib.compression.cost import weight_bytes
from scripts.lib.compression.pruning import prunable
from scripts.lib.compression.quantization import LAYERS
from scripts.lib.compression.quantized_models import load_networks
from scripts.lib.compression.scores import SCORES
from scripts.lib.compression.structures import STRUCTURES, mask_of
from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.cohorts import load_cohort
from scripts.lib.study.levels import is_quantized
from scripts.lib.study.pruned_levels import choices_of


class ExchangedLayers:
    """One network and two sets of its layers; nothing is copied when they are exchanged."""

    def __init__(
        self,
        network: nn.Module,
        compressed: Mapping[str, nn.Module],
        bytes_saved: Mapping[str, int],
        trained: nn.Module,
    ) -> None:
        self.network, self.trained = network, trained  # trained: what nothing was done to, not even batch norms folded
        self.compressed, self.bytes_saved = dict(compressed), dict(bytes_saved)
        self.uncompressed = {name: network.get_submodule(name) for name in self.compressed}

    @property
    def layers(self) -> list[str]:
        """The layers that can be exchanged, in the order in which the network lists them."""
        return list(self.compressed)

    def with_compressed(self, names: Collection[str]) -> nn.Module:
        """The network with these layers compressed and no others; it is changed by the next call. ValueError for a name that is not there."""
        unknown = set(names) - set(self.compressed)
        if unknown:
            raise ValueError(f"{sorted(unknown)[0]} is no layer that can be exchanged.")
        for name, layer in self.compressed.items():
            replace(self.network, name, layer if name in names else self.uncompressed[name])
        return self.network

    def to(self, device: torch.device) -> "ExchangedLayers":
        """The same on a device."""
        for module in (self.network, self.trained, *self.compressed.values()):
            module.to(device)
        return self


def of_quantized(trained: nn.Module, quantized: nn.Module) -> ExchangedLayers:
    """A trained network and what `quantize_network` made of it; layers that are exempt there are not exchanged."""
    network = fold_batchnorm(trained)
    kinds = tuple(LAYERS.values())
    compressed = {name: layer for name, layer in quantized.named_modules() if isinstance(layer, kinds)}
    saved = {
        name: weight_bytes(network.get_submodule(name)) - weight_bytes(layer) for name, layer in compressed.items()
    }
    return ExchangedLayers(network, compressed, saved, trained)


@torch.no_grad()
def of_pruned(dense: nn.Module, pruned: nn.Module, level: dict, seed: int, layers: str) -> ExchangedLayers:
    """A dense network whose layers are pruned at once, each as much as the layer of the level's own network is.

    layers: the study's `pruning.layers`. As many units of each group go as are zero there. Bytes saved are those of the zeros themselves, without
    the indices that whatever stores them would need.
    """
    choices = choices_of(level)
    structure, score = STRUCTURES[choices["structure"]](choices), SCORES[choices["score"]](level["name"], seed)
    compressed, saved = {}, {}
    for name, layer in prunable(dense, layers).items():
        weight = layer.weight
        gone = int((structure.scores(pruned.get_submodule(name).weight) == 0).sum(1).min())
        scores = structure.scores(score.values(name, weight, structure))
        scores = scores.masked_fill(structure.sizes(weight.shape).to(scores.device) == 0, -torch.inf)
        mask = mask_of(structure, scores, gone / scores.shape[1], weight.shape)
        compressed[name] = copy.deepcopy(layer)
        compressed[name].weight.mul_(mask)
        saved[name] = int((mask == 0).sum()) * weight.element_size()
    return ExchangedLayers(copy.deepcopy(dense).eval(), compressed, saved, dense)


def load_exchanged(
    uncompressed: str, compressed: str, level: dict, device: torch.device
) -> Iterator[tuple[int, ExchangedLayers]]:
    """The models of a cohort by seed, one after the other, with the layers of a level to exchange.

    uncompressed, compressed: the files of both cohorts' models. Raises InputError for a damaged file and for cohorts of other seeds.
    """
    trained, _ = load_cohort(uncompressed)
    made, description = load_networks(compressed)
    if list(trained) != list(made):
        raise InputError(
            f"{uncompressed} and {compressed} have other seeds: delete both, and snakemake makes them again."
        )
    for seed in trained:
        if is_quantized(level):
            exchanged = of_quantized(trained[seed], made[seed])
        else:
            exchanged = of_pruned(trained[seed], made[seed], level, seed, description["pruning"]["layers"])
        yield seed, exchanged.to(device)
