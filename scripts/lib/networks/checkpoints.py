"""Trained networks that somebody brings: a factory that builds them and one file of weights for each."""

import importlib
import re
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from torch import nn

from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.answers import Answer
from scripts.lib.networks.state_dicts import read_weights
from scripts.lib.networks.torchvision_ops import declare_missing_operators
from scripts.lib.networks.weight_files import one_line, some
from scripts.lib.study.factories import TIMM, TORCHVISION, ZOOS, parts_of, search_here

# Of torchvision's classification weights, https://pytorch.org/vision/stable/models.html
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
# Of red, green and blue in the luma of ITU-R BT.601, in 65,536ths, as Pillow's convert("L") has them; sums of bytes stay exact in float32.
LUMA = (19595, 38470, 7471)
SHARD = re.compile(r"-\d{5}-of-\d{5}\.\w+$")  # the name of one of the files that a large model is spread over


class Normalized(nn.Module):
    """A network that reads images normalized in its own way, given images in -1..1 as `scripts.lib.networks.architectures.normalized` makes them."""

    def __init__(self, network: nn.Module, mean: list[float], std: list[float], answer: Answer | None = None) -> None:
        """mean and std: of the channels of images in 0..1; one of each for a network that reads grey images. answer: how logits are read."""
        super().__init__()
        self.network = network
        self.mean, self.std = list(mean), list(std)
        self.answer = answer
        center, spread = (torch.tensor(values, dtype=torch.float64).view(1, -1, 1, 1) for values in (mean, std))
        self.register_buffer("scale", (0.5 / spread).float(), persistent=False)
        self.register_buffer("shift", ((0.5 - center) / spread).float(), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        given = self.ask(images)
        return given if self.answer is None else self.answer(given)

    def ask(self, images: torch.Tensor) -> Any:
        """Whatever the network itself gives."""
        return self.network((images if len(self.mean) == 3 else grey(images)) * self.scale + self.shift)


def grey(images: torch.Tensor) -> torch.Tensor:
    """The luma of bytes, as a byte, of float32[N, 3, H, W] in -1..1; float32[N, 1, H, W] in -1..1."""
    red, green, blue = ((images + 1) * 127.5).round().split(1, dim=1)
    luma = torch.floor((red * LUMA[0] + green * LUMA[1] + blue * LUMA[2] + 32768) / 65536)
    return luma / 127.5 - 1


def build_checkpoint_network(
    network: str,
    options: dict,
    mean: list[float] | None,
    std: list[float] | None,
    classes: int,
    channels: int | None = None,
) -> Normalized:
    """The network that a study names, with random weights; InputError if there is none of that name, or it cannot be built so.

    torchvision and timm are told the number of classes unless `options` say it; a factory of the user's own gets `options` only.
    mean and std: of three channels, of one, or one for all; None for torchvision's ImageNet values, or those in timm's pretrained_cfg.
    channels: 1 or 3, those that the network reads; None for what its first convolution does.
    """
    module, _ = parts_of(network)
    built = _built(network, ({"num_classes": classes} if module in ZOOS else {}) | options)
    reads = channels or _channels(built)
    if mean is None or std is None:
        if reads == 1:
            raise InputError(
                f"`{network}` reads grey images: say how these are normalized, as mean: [0.5] and std: [0.5]."
            )
        mean, std = IMAGENET if module == TORCHVISION else _of_timm(network, built)
    if len(mean) != len(std) or len(mean) not in (1, reads):
        raise InputError(
            f"`{network}` reads {reads} channel{'s' * (reads > 1)}, and there are {len(mean)} numbers in `mean` and {len(std)} in `std`: give "
            f"{'one of each' if reads == 1 else 'three of each, or one for all channels'}."
        )
    return Normalized(built, list(mean) * (reads // len(mean)), list(std) * (reads // len(std)))


def build_untrained(network: str, classes: int) -> nn.Module:
    """A network of torchvision or timm with the initial weights that these draw, to be trained on images in -1..1.

    Raises InputError if there is none of that name, or if it gives more than logits while it trains.
    """
    module, name = parts_of(network)
    if module == TORCHVISION:  # whose detectors and segmenters would have pretrained weights in parts of them
        _check_classifier(name)
    built = _built(network, {"num_classes": classes})
    if getattr(built, "aux_logits", False):
        raise InputError(
            f"`{network}` gives auxiliary logits while it trains, and the training here has no loss for them: choose another `network.name`."
        )
    return built


def _check_classifier(name: str) -> None:
    """Raise InputError unless torchvision has a network for classification of that name."""
    declare_missing_operators()
    models = importlib.import_module(f"{TORCHVISION}.models")
    if name not in (known := models.list_models(module=models)):
        near = get_close_matches(name, known, n=1)
        remedy = f"did you mean {TORCHVISION}:{near[0]}?" if near else f"its documentation lists them, as {known[0]}."
        raise InputError(f"`{TORCHVISION}:{name}` is no classifier of torchvision: {remedy}")


def _built(network: str, options: dict) -> nn.Module:
    """What a factory gives for the options, bare and float32 on the CPU; InputError unless that is a network."""
    try:
        built = _factory(*parts_of(network))(**options)
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # the factory is others' code, and may raise anything
        raise InputError(
            f"`{network}` cannot be built with the options {options} ({type(error).__name__}: {one_line(error)}): correct `network` or `options`."
        ) from None
    if not isinstance(built, nn.Module):
        raise InputError(f"`{network}` gives a value of type {type(built).__name__}: it must give a torch.nn.Module.")
    return _bare(built).cpu().float()


def _bare(built: nn.Module) -> nn.Module:
    """A network without what DataParallel and torch.compile put around it."""
    while isinstance(built, nn.DataParallel | nn.parallel.DistributedDataParallel) or hasattr(built, "_orig_mod"):
        built = built._orig_mod if hasattr(built, "_orig_mod") else built.module
    return built


def _channels(built: nn.Module) -> int:
    """The channels that a network reads: those of its first convolution, if they are 1 or 3, or else 3."""
    first = next((layer for layer in built.modules() if isinstance(layer, nn.Conv2d)), None)
    return first.in_channels if first is not None and first.in_channels in (1, 3) else 3


def _factory(module: str, name: str) -> Callable[..., Any]:
    declare_missing_operators()  # what is imported may import torchvision
    if module not in ZOOS:
        search_here()
    try:
        found = importlib.import_module(module)
        if module == TORCHVISION:
            return lambda **options: found.models.get_model(name, weights=None, **options)
        if module == TIMM:
            return lambda **options: found.create_model(name, pretrained=False, **options)
        return getattr(found, name)
    except ModuleNotFoundError as error:
        raise InputError(
            f"`{module}:{name}` needs the module {error.name}: {ZOOS.get(error.name, 'install it')}."
        ) from None
    except AttributeError:
        raise InputError(f"the module {module} has no {name}: correct the level's `network`.") from None
    except (Exception, SystemExit) as error:  # the module is others' code, and may raise anything
        raise InputError(
            f"the module {module} cannot be imported ({type(error).__name__}: {one_line(error)}): mend it."
        ) from None


def _of_timm(network: str, built: nn.Module) -> tuple[list[float], list[float]]:
    described = getattr(built, "pretrained_cfg", None) or {}
    if "mean" not in described or "std" not in described:
        raise InputError(f"timm does not say how images for `{network}` are normalized: add `mean` and `std`.")
    return described["mean"], described["std"]


def load_weights(network: nn.Module, path: str | Path, weights_key: str | None = None, prefix: str = "") -> list[str]:
    """Put a file's weights into a network, all of them; what had to be done for that. InputError unless names, shapes and types fit.

    weights_key, prefix: as `read_weights` takes them.
    """
    expected = network.state_dict()
    weights, notes = read_weights(path, weights_key, prefix, expected)
    # Batch norms of old files have no such counter, and inference does not read it. Of tied tensors safetensors keeps one.
    held = {expected[name].data_ptr() for name in weights if name in expected and expected[name].numel()}
    missing = [
        name
        for name, tensor in expected.items()
        if name not in weights and not name.endswith("num_batches_tracked") and tensor.data_ptr() not in held
    ]
    unexpected = [name for name in weights if name not in expected]
    if missing or unexpected:
        lacking = f"lacks {len(missing)} of the network's tensors ({some(missing)})" if missing else ""
        beyond = f"has {len(unexpected)} that the network does not ({some(unexpected)})" if unexpected else ""
        raise InputError(
            f"{path} {' and '.join(filter(None, (lacking, beyond)))}: {_remedy(path, expected, weights, missing)}."
        )
    _check_shapes(path, expected, weights)
    kinds = {str(tensor.dtype) for tensor in weights.values() if tensor.is_floating_point()} - {"torch.float32"}
    if kinds:
        notes.append(f"{', '.join(sorted(kinds))} was converted to torch.float32")
    weights = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}
    for name, tensor in weights.items():
        if expected[name].is_floating_point() != tensor.is_floating_point() and not name.endswith(
            "num_batches_tracked"
        ):
            raise InputError(
                f"{path}: {name} is {tensor.dtype} and in the network {expected[name].dtype}, so its numbers mean something else, as those of a "
                "quantized network do: bring the weights as they were trained."
            )
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise InputError(f"{path}: {name} has undefined numbers: train it anew.")
    network.load_state_dict(weights, strict=False)
    return notes


def _remedy(path: str | Path, expected: dict, weights: dict, missing: list[str]) -> str:
    """What to do about names that do not fit."""
    if SHARD.search(str(path)):
        return "it is one of several files of one model, so name their `.index.json` instead"
    if missing:
        ends = (name.removesuffix(missing[0]) for name in weights if name.endswith(f".{missing[0]}"))
        for prefix in ends:
            if all(f"{prefix}{name}" in weights for name in missing):
                return f"they fit after `{prefix}` is taken off, so add `prefix: {prefix}` to the level's `checkpoints`"
    if any(".parametrizations." in name or name.endswith(("weight_g", "weight_v")) for name in weights):
        return "weights are saved in parts, so remove the parametrization (torch.nn.utils.parametrize, weight_norm) and save again"
    return "the level's `network` or `options` are of another network"


def _check_shapes(path: str | Path, expected: dict, weights: dict) -> None:
    """Raise InputError for a tensor of another shape than in the network."""
    other = [name for name, tensor in weights.items() if tensor.shape != expected[name].shape]
    if not other:
        return
    shapes = {name: (list(weights[name].shape), list(expected[name].shape)) for name in other}
    here = f"{path}: {other[0]} is {shapes[other[0]][0]} and in the network {shapes[other[0]][1]}"
    heads = {(given[0], wanted[0]) for given, wanted in shapes.values() if given and wanted and given[1:] == wanted[1:]}
    if len(heads) == 1 and all(given[1:] == wanted[1:] for given, wanted in shapes.values()):
        (given, wanted) = heads.pop()
        raise InputError(
            f"{here}: the number of classes differs, {given} in the file and {wanted} here; bring networks of the study's classes, or build it with "
            f"`options: {{num_classes: {given}}}` and name its {given} classes in `classes`."
        )
    raise InputError(f"{here}: the level's `options` are of another network, of other widths or channels.")


def zeros_of(network: nn.Module) -> float:
    """The share of the weights of convolutions and dense layers that are zero."""
    weights = [layer.weight for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    return sum(int((weight == 0).sum()) for weight in weights) / max(1, sum(weight.numel() for weight in weights))
