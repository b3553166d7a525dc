"""TorchScript files: programs with their weights, run by torch."""

import warnings
from pathlib import Path
from typing import Any

import torch

from scripts.lib.networks.runners.runner import Reads, Runner, cannot_be_read, name_of, only_input


class TorchProgram(Runner):
    """A program that torch runs on the CPU."""

    def __init__(self, path: Path, reads: Reads, program: Any) -> None:
        super().__init__(path, reads)
        # In a list, so that it is no part of this module: a program is moved, copied and converted as a whole or not at all.
        self.program = [program]

    def compute(self, images: torch.Tensor) -> Any:
        """Whatever the program gives, floating point numbers in float32."""
        return _float(self.program[0](images))


def _float(given: Any) -> Any:
    """The same with tensors of other floating point types in float32."""
    if isinstance(given, torch.Tensor):
        return given.float() if given.is_floating_point() else given
    if isinstance(given, dict):
        return {key: _float(each) for key, each in given.items()}
    return tuple(map(_float, given)) if isinstance(given, tuple | list) else given


def read(path: Path) -> tuple[Runner, Reads]:
    """The program of a file; InputError if torch cannot read it, or if it takes anything but images."""
    runtime = f"torch {torch.__version__} (TorchScript)"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the format, which torch still reads
            program = torch.jit.load(str(path), map_location="cpu").eval()
    except (RuntimeError, ValueError) as error:
        raise cannot_be_read(path, runtime, error) from None
    takes = program.forward.schema.arguments[1:]
    only_input([each.name for each in takes if not each.has_default_value()] or [each.name for each in takes], path)
    # A program may hold tensors as constants too; one that was made in half precision has its weights in it.
    types = {each.dtype for each in program.state_dict().values() if each.is_floating_point()}
    dtype = types.pop() if len(types) == 1 else torch.float32
    first = next((each for each in program.parameters() if each.ndim == 4), None)
    channels = first.shape[1] if first is not None and first.shape[1] in (1, 3) else None
    notes = (f"its weights are {name_of(dtype)}",) if dtype != torch.float32 else ()
    reads = Reads(runtime, channels=channels, dtype=dtype, notes=notes)
    return TorchProgram(path, reads, program), reads
