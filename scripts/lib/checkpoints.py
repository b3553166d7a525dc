"""Trained networks that somebody brings: a factory that builds them and one file of weights for each."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from scripts.lib.data.sources import expanded
from scripts.lib.errors import InputError
from scripts.lib.factories import TIMM, TORCHVISION, ZOOS, parts_of, search_here
from scripts.lib.torchvision_ops import declare_missing_operators

# Of torchvision's classification weights, https://pytorch.org/vision/stable/models.html
IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
# Keys under which training programs save a state dict among other things, and what wrappers put before its names.
WRAPPERS = ("state_dict", "model", "model_state_dict")
PREFIXES = ("module.", "_orig_mod.")
SHOWN = 3  # names in a sentence


class Normalized(nn.Module):
    """A network that reads images normalized in its own way, given images in -1..1 as `scripts.lib.networks.normalized` makes them."""

    def __init__(self, network: nn.Module, mean: list[float], std: list[float]) -> None:
        """mean and std: of the three channels of images in 0..1."""
        super().__init__()
        self.network = network
        self.mean, self.std = list(mean), list(std)
        center, spread = (torch.tensor(values, dtype=torch.float64).view(1, 3, 1, 1) for values in (mean, std))
        self.register_buffer("scale", (0.5 / spread).float(), persistent=False)
        self.register_buffer("shift", ((0.5 - center) / spread).float(), persistent=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(images * self.scale + self.shift)


def build_checkpoint_network(
    network: str, options: dict, mean: list[float] | None, std: list[float] | None, classes: int
) -> Normalized:
    """The network that a study names, with random weights; InputError if there is none of that name, or it cannot be built so.

    torchvision and timm are told the number of classes unless `options` say it; a factory of the user's own gets `options` only.
    mean and std: None for torchvision's ImageNet values, or those in timm's pretrained_cfg.
    """
    module, name = parts_of(network)
    build, arguments = _factory(module, name), dict(options)
    if module in ZOOS:
        arguments.setdefault("num_classes", classes)
    try:
        built = build(**arguments)
    except Exception as error:  # the factory is others' code, and may raise anything
        raise InputError(
            f"`{network}` cannot be built with the options {arguments} ({type(error).__name__}: {_one_line(error)}): correct `network` or `options`."
        ) from None
    if not isinstance(built, nn.Module):
        raise InputError(f"`{network}` gives a value of type {type(built).__name__}: it must give a torch.nn.Module.")
    if mean is None or std is None:
        mean, std = IMAGENET if module == TORCHVISION else _of_timm(network, built)
    return Normalized(built, mean, std)


def _factory(module: str, name: str) -> Callable[..., Any]:
    if module in ZOOS:
        declare_missing_operators()
    else:
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
    except Exception as error:  # the module is others' code, and may raise anything
        raise InputError(
            f"the module {module} cannot be imported ({type(error).__name__}: {_one_line(error)}): mend it."
        ) from None


def _of_timm(network: str, built: nn.Module) -> tuple[list[float], list[float]]:
    described = getattr(built, "pretrained_cfg", None) or {}
    if "mean" not in described or "std" not in described:
        raise InputError(f"timm does not say how images for `{network}` are normalized: add `mean` and `std`.")
    return described["mean"], described["std"]


def read_weights(path: str | Path) -> tuple[dict[str, torch.Tensor], list[str]]:
    """The tensors of a file by name, and what was taken off to find them; InputError if it holds none, or cannot be read safely."""
    try:
        if Path(path).suffix.lower() == ".safetensors":
            found: Any = load_file(expanded(str(path)))
        else:
            found = torch.load(expanded(str(path)), map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{path} is not there: correct the level's `weights`.") from None
    except (SafetensorError, OSError, EOFError, RuntimeError) as error:
        raise InputError(f"{path} is damaged or no file of weights ({_one_line(error)}): save it again.") from None
    except Exception as error:  # UnpicklingError, or whatever a damaged pickle raises
        raise InputError(
            f"{path} holds more than tensors, and only these are loaded ({_one_line(error)}): save model.state_dict()."
        ) from None
    notes = []
    while isinstance(found, dict) and (key := next((k for k in WRAPPERS if isinstance(found.get(k), dict)), None)):
        others = [str(name) for name in found if name != key]
        notes.append(f"the state dict is that under `{key}`" + (f", beside {', '.join(others)}" if others else ""))
        found = found[key]
    if not isinstance(found, dict) or not found:
        raise InputError(f"{path} holds no state dict but a {type(found).__name__}: save model.state_dict().")
    odd = next((name for name, value in found.items() if not isinstance(value, torch.Tensor)), None)
    if odd is not None:
        raise InputError(
            f"{path} has {odd!r}, a value of type {type(found[odd]).__name__}, among its tensors: save model.state_dict() alone, or under `state_dict`."
        )
    while (prefix := next((p for p in PREFIXES if all(name.startswith(p) for name in found)), None)) is not None:
        notes.append(f"`{prefix}` before every name was taken off")
        found = {name.removeprefix(prefix): tensor for name, tensor in found.items()}
    return found, notes


def load_weights(network: nn.Module, path: str | Path) -> list[str]:
    """Put a file's weights into a network, all of them; what had to be converted. InputError unless names and shapes fit."""
    weights, notes = read_weights(path)
    expected = network.state_dict()
    # Batch norms of old files have no such counter, and inference does not read it.
    optional = {name for name in expected if name.endswith("num_batches_tracked")}
    missing = [name for name in expected if name not in weights and name not in optional]
    unexpected = [name for name in weights if name not in expected]
    if missing or unexpected:
        lacking = f"lacks {len(missing)} of the network's tensors ({_some(missing)})" if missing else ""
        beyond = f"has {len(unexpected)} that the network does not ({_some(unexpected)})" if unexpected else ""
        raise InputError(
            f"{path} {' and '.join(filter(None, (lacking, beyond)))}: the level's `network` or `options` are of another network."
        )
    other = next((name for name in weights if weights[name].shape != expected[name].shape), None)
    if other is not None:
        raise InputError(
            f"{path}: {other} is {list(weights[other].shape)} and in the network {list(expected[other].shape)}: the number of classes or the "
            "level's `options` differ."
        )
    kinds = {str(tensor.dtype) for tensor in weights.values() if tensor.is_floating_point()} - {"torch.float32"}
    if kinds:
        notes.append(f"{', '.join(sorted(kinds))} was converted to torch.float32")
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            raise InputError(f"{path}: {name} has undefined numbers: train it anew.")
    network.load_state_dict(weights, strict=False)
    return notes


def check_output(network: nn.Module, name: str, height: int, width: int, classes: int) -> None:
    """Raise InputError unless the network gives one logit a class for images of this size."""
    with torch.inference_mode():
        try:
            output = network(torch.zeros(2, 3, height, width))
        except Exception as error:  # the network is others' code, and may raise anything
            raise InputError(
                f"`{name}` fails on images of {width} x {height} pixels ({type(error).__name__}: {_one_line(error)}): prepare the study's "
                "images in the size that it reads."
            ) from None
    if not isinstance(output, torch.Tensor) or output.ndim != 2 or len(output) != 2:
        given = f"a tensor {list(output.shape)}" if isinstance(output, torch.Tensor) else f"a {type(output).__name__}"
        raise InputError(f"`{name}` gives {given} for two images: it must give logits [N, C].")
    if output.shape[1] != classes:
        raise InputError(
            f"`{name}` gives {output.shape[1]} logits and the study has {classes} classes: take images of the classes that it was trained for."
        )


def zeros_of(network: nn.Module) -> float:
    """The share of the weights of convolutions and dense layers that are zero."""
    weights = [layer.weight for layer in network.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    return sum(int((weight == 0).sum()) for weight in weights) / max(1, sum(weight.numel() for weight in weights))


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) < 200 else f"{text[:197]}..."
