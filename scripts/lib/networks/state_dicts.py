"""The state dict among what a file of weights holds, and its names as the network has them; what was done is said."""

import re
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.weight_files import Inert, kind_of, of_quantized, read_file, some

# Keys under which training programs save the weights among other things, the usual ones first.
USUAL = ("state_dict", "model", "model_state_dict", "model_state", "net", "network", "weights", "params", "module")
AVERAGED = {"ema", "average", "averaged", "avg", "swa"}  # words in a key: weights that are averaged over training
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
OPTIMIZER = "param_groups"
DEPTH = 3  # of containers in containers
WRAPPER = "module."  # before all names: DataParallel and its kin
INSIDE = (
    "_orig_mod",
    "_fsdp_wrapped_module",
    "_checkpoint_wrapped_module",
)  # parts of names: torch.compile, FSDP, checkpointing
PLAIN = (torch.Tensor, nn.Parameter)
ORIGINAL, MASK = "_orig", "_mask"  # endings of torch.nn.utils.prune
PARAMETRIZED = ".parametrizations."  # torch.nn.utils.parametrize, and the masks of torch.ao.pruning in it
# Names in state dicts of quantized networks: torch.ao's, bitsandbytes', GPTQ's and AWQ's. The last two are of torch.ao's networks that
# are trained to be quantized: their weights count only as rounded by layers that are not built here.
QUANTIZED = (
    *("._packed_params", ".SCB", ".qweight", ".qzeros", ".quant_state"),
    *(".weight_fake_quant.", "activation_post_process"),
)


def read_weights(
    path: Any, weights_key: str | None = None, prefix: str = "", expected: Iterable[str] = ()
) -> tuple[dict[str, torch.Tensor], list[str]]:
    """The tensors of a file by name, dense and ready to be loaded, and what was done to find them.

    weights_key: where the state dict lies, as `state_dict_ema`, with dots between keys. prefix: names that do not begin so are left out,
    from the others it is taken off. expected: the network's names; those that are there already stay as they are.
    Raises InputError if the file holds no weights, several that could be meant, quantized ones, or cannot be read safely.
    """
    found, notes = _chosen(path, read_file(path), weights_key)
    odd = next((name for name, value in found.items() if type(value) not in PLAIN), None)
    if odd is not None:
        _refuse_quantized(path, found)
        raise InputError(
            f"{path} has {odd!r}, a value of type {kind_of(found[odd])}, among its tensors: save model.state_dict() alone, or under "
            "`state_dict`."
        )
    wanted = set(expected)
    if prefix:
        found, said = _without(path, found, prefix)
        notes += said
    for step in (_unwrapped, _unmasked):
        if not wanted or not wanted <= set(found):
            found, said = step(found)
            notes += said
    _refuse_quantized(path, {name: value for name, value in found.items() if name not in wanted})
    return {name: _dense(path, name, value) for name, value in found.items()}, notes


def _chosen(path: Any, found: Any, weights_key: str | None) -> tuple[dict, list[str]]:
    """The state dict that is meant, and which it is."""
    if weights_key is not None:
        chosen = _at(found, weights_key)
        if not _is_weights(chosen):
            holds = f"it holds {some(_keys(found))}" if isinstance(found, dict) else f"it holds a {kind_of(found)}"
            what = (
                "there is nothing of that name"
                if chosen is None
                else f"that is a {kind_of(chosen)} without tensors by name"
            )
            raise InputError(f"`weights_key` is {weights_key!r}, and in {path} {what}: {holds}.")
        return chosen, [f"the state dict is that under `{weights_key}`, as `weights_key` says"]
    if not isinstance(found, dict) or not found:
        raise InputError(f"{path} holds {_described(found)}.")
    if _is_weights(found):
        return found, []
    candidates = _candidates(found)
    averaged = [key for key in candidates if _is_averaged(key)]
    plain = [key for key in candidates if not _is_averaged(key)]
    usual = [key for key in plain if key.rpartition(".")[2] in USUAL]
    usual.sort(key=lambda key: (key.count("."), USUAL.index(key.rpartition(".")[2])))
    possible = usual[:1] or plain or averaged
    if not possible:
        raise InputError(f"{path} holds {_described(found)}.")
    if len(possible) > 1:
        raise InputError(
            f"{path} holds {len(possible)} state dicts ({some(possible)}): say which with `weights_key`, as `weights_key: {possible[0]}`."
        )
    key = possible[0]
    others = [name for name in _keys(found) if name != key.split(".")[0]]
    notes = [f"the state dict is that under `{key}`" + (f", beside {', '.join(others)}" if others else "")]
    passed_over = [other for other in candidates if other != key]
    if passed_over:
        kinds = "averaged weights" if set(passed_over) <= set(averaged) else "other weights"
        notes.append(
            f"{kinds} under {', '.join(f'`{each}`' for each in passed_over)} are not taken; `weights_key: {passed_over[0]}` takes them"
        )
    return _at(found, key), notes


def _described(found: Any) -> str:
    """What a file without a state dict holds, and what to do."""
    remedy = "save model.state_dict()"
    if isinstance(found, dict) and OPTIMIZER in found:
        return f"the state of an optimizer (`{OPTIMIZER}`) and no weights: name the file of the weights"
    inside = (
        [value for key, value in found.items() if key in USUAL or _is_averaged(str(key))]
        if isinstance(found, dict)
        else []
    )
    whole = next((value for value in (found, *inside) if isinstance(value, Inert)), None)
    if whole is not None:
        return (
            f"a whole object of the class {kind_of(whole)}, which only its program can read: load it there and {remedy}"
        )
    if isinstance(found, dict) and found:
        held = some(f"{name} (of type {kind_of(value)})" for name, value in found.items())
        return f"no tensors by name, but {held}: {remedy}, alone or under `state_dict`"
    return f"no state dict but a {kind_of(found)}: {remedy}"


def _candidates(found: dict, before: str = "", depth: int = 1) -> list[str]:
    """The keys, with dots between those of containers in containers, under which there are state dicts."""
    keys = []
    for name, value in found.items():
        key = f"{before}{name}"
        if not isinstance(value, dict) or OPTIMIZER in value:
            continue
        if _is_weights(value):
            keys.append(key)
        elif depth < DEPTH:
            keys += _candidates(value, f"{key}.", depth + 1)
    return keys


def _is_weights(value: Any) -> bool:
    """Whether a value is a state dict: tensors by name, not single numbers alone, and no state dict in it."""
    return (
        isinstance(value, dict)
        and any(isinstance(each, torch.Tensor) and each.ndim for each in value.values())
        and all(isinstance(name, str) for name in value)
        and not any(isinstance(each, dict) for each in value.values())
    )


def _is_averaged(key: str) -> bool:
    return any(word.lower() in AVERAGED for word in WORD.findall(key))


def _at(found: Any, key: str) -> Any:
    """What lies under a key with dots between those of containers in containers; None if there is nothing."""
    if not isinstance(found, dict):
        return None
    if key in found:
        return found[key]
    first, dot, rest = key.partition(".")
    return _at(found.get(first), rest) if dot else None


def _without(path: Any, found: dict, prefix: str) -> tuple[dict, list[str]]:
    notes: list[str] = []
    if not any(name.startswith(prefix) for name in found):
        found, notes = _unwrapped(found)
    kept = {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}
    if not kept:
        raise InputError(f"`prefix` is {prefix!r}, and no name in {path} begins so: they are {some(list(found))}.")
    others = [name for name in found if not name.startswith(prefix)]
    left = f"; {len(others)} others are left out ({some(others)})" if others else ""
    return kept, [*notes, f"`{prefix}` was taken off {len(kept)} names, as `prefix` says{left}"]


def _unwrapped(found: dict) -> tuple[dict, list[str]]:
    """Names without what DataParallel, torch.compile and their kin put into them."""
    notes = []
    while True:
        names = [name for name in found if name != "n_averaged"]  # of torch.optim.swa_utils
        if names and all(name.startswith(WRAPPER) for name in names):
            found = {name.removeprefix(WRAPPER): found[name] for name in names}
            notes.append(f"`{WRAPPER}` before every name was taken off")
            continue
        part = next((part for part in INSIDE if any(part in name.split(".") for name in found)), None)
        if part is None:
            return found, notes
        found = {".".join(each for each in name.split(".") if each != part): value for name, value in found.items()}
        notes.append(f"`{part}.` in names was taken off")


def _unmasked(found: dict) -> tuple[dict, list[str]]:
    """Weights times their masks, as torch.nn.utils.prune and torch.ao.pruning save them apart."""
    pairs = {}
    for name in found:
        if name.endswith(ORIGINAL) and f"{name.removesuffix(ORIGINAL)}{MASK}" in found:
            plain = name.removesuffix(ORIGINAL)
            pairs[plain] = name, f"{plain}{MASK}"
        layer, parametrized, rest = name.rpartition(PARAMETRIZED)
        tensor, dot, last = rest.partition(".")
        mask = f"{layer}{parametrized}{tensor}.0.mask"
        if parametrized and dot and last == "original" and mask in found:
            pairs[f"{layer}.{tensor}"] = name, mask
    if not pairs:
        return found, []
    merged = {
        name: value for name, value in found.items() if name not in {each for pair in pairs.values() for each in pair}
    }
    for plain, (original, mask) in pairs.items():
        if not bool(((found[mask] == 0) | (found[mask] == 1)).all()) or found[mask].shape != found[original].shape:
            raise InputError(f"{mask} is no mask of {original}: it must have its shape, and hold 0 and 1 only.")
        merged[plain] = found[original] * found[mask]
    return merged, [f"{len(pairs)} weights were multiplied by their masks ({some(list(pairs))})"]


def _dense(path: Any, name: str, value: torch.Tensor) -> torch.Tensor:
    if value.is_meta:
        raise InputError(
            f"{path}: {name} has a shape and no numbers (device meta): save the network after it was loaded."
        )
    return value.detach() if value.layout == torch.strided else value.detach().to_dense()


def _refuse_quantized(path: Any, found: dict) -> None:
    """Raise InputError for a name or value of which it is known how quantized networks are saved; found: by name."""
    for name, value in found.items():
        of_tensor = isinstance(value, torch.Tensor) and value.is_quantized
        if (
            of_tensor
            or kind_of(value).startswith("torchao.")
            or type(value).__module__.startswith("torchao.")
            or any(part in name for part in QUANTIZED)
        ):
            what = str(value.dtype) if of_tensor else kind_of(value)
            raise InputError(of_quantized(path, f"{name} is a {what}"))


def _keys(found: dict) -> list[str]:
    return [str(name) for name in found]
