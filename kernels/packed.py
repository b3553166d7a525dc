"""The packed format of a block-sparse weight: the blocks that are not zero, and where they are.

A weight [N, C, KH, KW] is read as a matrix [N, K] whose K order is (kh, kw, c), a weight [N, K] as it is. The matrix is cut into
blocks of bn output channels times bk neighbouring entries of K; a block row is the bn channels, a tile is a block that is kept:

    weight[row(e) * bn + n, column[e] * bk + k] = values[e, n, k] * (scale[row(e) * bn + n] if there is a scale else 1)

Every kernel of this package, on CPU and GPU, reads this one format.
"""

import itertools
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

FLOATING = (torch.float32, torch.float16, torch.bfloat16)
LARGEST = {torch.int8: 127.0, torch.float8_e4m3fn: 448.0}  # of the dtypes that need a scale
FORMAT = "block-sparse weights, version 2"  # the one key of a file's metadata: safetensors writes several in any order


@dataclass(frozen=True, eq=False)
class Packed:
    """A block-sparse weight.

    values: [tiles, bn, bk], K contiguous; float32, float16, bfloat16, int8 or float8_e4m3fn. Tiles of a block row are neighbours.
    column: int32 [tiles + 1], the block column of each tile in units of bk; one spare entry 0 for kernels that read one ahead.
    first: int32 [rows + 1], tiles first[r] .. first[r + 1] - 1 belong to block row r.
    order: int32 [rows], the block rows by falling number of tiles.
    shape: of the dense weight, (N, K) or (N, C, KH, KW). N need not be a multiple of bn; channels beyond N are zero in `values`.
    scale: float32 [N], what each output channel is multiplied by; with int8 and float8_e4m3fn only.

    Raises ValueError where dtypes or shapes contradict each other. That indices are in range is checked by `check`, not here,
    because it waits for the GPU.
    """

    values: Tensor
    column: Tensor
    first: Tensor
    order: Tensor
    shape: tuple[int, ...]
    scale: Tensor | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "shape", tuple(int(size) for size in self.shape))
        _check_shape(self.shape)
        if self.values.dim() != 3 or 0 in self.values.shape[1:]:
            raise ValueError(f"values must be [tiles, bn, bk], not {list(self.values.shape)}: make them with pack().")
        if self.values.dtype not in (*FLOATING, *LARGEST):
            raise ValueError(f"values cannot be {self.values.dtype}: use one of {_names(*FLOATING, *LARGEST)}.")
        _check_width(self.shape, self.bk)
        rows = -(-self.shape[0] // self.bn)
        for name, length in (("column", self.tiles + 1), ("first", rows + 1), ("order", rows)):
            tensor = getattr(self, name)
            if tensor.dtype != torch.int32 or tuple(tensor.shape) != (length,):
                raise ValueError(
                    f"{name} must be int32 [{length}], not {tensor.dtype} {list(tensor.shape)}: make it with pack()."
                )
        if (self.scale is not None) != (self.values.dtype in LARGEST):
            raise ValueError(
                f"{self.values.dtype} values {'need a' if self.scale is None else 'take no'} scale: make them with pack()."
            )
        if self.scale is not None and (
            self.scale.dtype != torch.float32 or tuple(self.scale.shape) != (self.shape[0],)
        ):
            raise ValueError(
                f"scale must be float32 [{self.shape[0]}], not {self.scale.dtype} {list(self.scale.shape)}."
            )
        if len({tensor.device for tensor in self.tensors().values()}) > 1:
            raise ValueError("the tensors of a packed weight lie on different devices: move them together with to().")

    @property
    def tiles(self) -> int:
        """Blocks that are kept."""
        return self.values.shape[0]

    @property
    def bn(self) -> int:
        """Output channels of a block."""
        return self.values.shape[1]

    @property
    def bk(self) -> int:
        """Input channels of a block."""
        return self.values.shape[2]

    @property
    def rows(self) -> int:
        """Block rows."""
        return self.order.shape[0]

    @property
    def columns(self) -> int:
        """Block columns."""
        return math.prod(self.shape[1:]) // self.bk

    @property
    def density(self) -> float:
        """Share of blocks that are kept, 0 to 1."""
        return self.tiles / (self.rows * self.columns)

    @property
    def device(self) -> torch.device:
        """Where all its tensors are."""
        return self.values.device

    def tensors(self) -> dict[str, Tensor]:
        """The tensors by the name of their field."""
        present = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "shape"}
        return {name: tensor for name, tensor in present.items() if tensor is not None}

    def to(self, device: torch.device | str) -> "Packed":
        """The same weight on another device."""
        return replace(self, **{name: tensor.to(device) for name, tensor in self.tensors().items()})

    def tile_rows(self) -> Tensor:
        """int64 [tiles]: the block row of each tile."""
        counts = self.first.diff().long()
        return torch.arange(self.rows, device=self.device).repeat_interleave(counts, output_size=self.tiles)

    def check(self) -> "Packed":
        """Itself, if every index is in range; ValueError otherwise. Reads the indices, so a GPU has to finish first."""
        first, column, order = self.first.tolist(), self.column.tolist(), self.order.tolist()
        if first[0] != 0 or first[-1] != self.tiles or sorted(first) != first:
            raise ValueError(f"first must rise from 0 to {self.tiles}, the number of tiles: make it with pack().")
        if column[-1] != 0:
            raise ValueError("the spare last entry of column must be 0: make it with pack().")
        for begin, end in itertools.pairwise(first):
            row = column[begin:end]
            if any(not 0 <= entry < self.columns for entry in row) or len(set(row)) != len(row):
                raise ValueError(
                    f"column must hold different numbers of 0 .. {self.columns - 1} in a block row: make it with pack()."
                )
        if sorted(order) != list(range(self.rows)):
            raise ValueError(f"order must hold each block row of 0 .. {self.rows - 1} once: make it with pack().")
        return self


def _names(*dtypes: torch.dtype) -> str:
    return ", ".join(str(dtype).removeprefix("torch.") for dtype in dtypes)


def _check_shape(shape: tuple[int, ...]) -> None:
    if len(shape) not in (2, 4) or min(shape) < 1:
        raise ValueError(f"a weight of shape {shape} cannot be packed: it must be [N, K] or [N, C, KH, KW], not empty.")


def _check_width(shape: tuple[int, ...], bk: int) -> None:
    channels = shape[1]
    if channels % bk:
        fits = max(size for size in range(1, bk) if channels % size == 0)
        raise ValueError(
            f"{channels} input channels are no multiple of bk = {bk}: the largest bk that would do is {fits}."
        )


def as_matrix(weight: Tensor) -> Tensor:
    """[N, K] or [N, C, KH, KW] -> [N, K] with K in the order (kh, kw, c), in which an NHWC input lies in memory."""
    return weight if weight.dim() == 2 else weight.permute(0, 2, 3, 1).flatten(1)


def _blocks(weight: Tensor, bn: int, bk: int) -> Tensor:
    """[N, K] or [N, C, KH, KW] -> [rows, columns, bn, bk], the last block row padded with zeros."""
    if bn < 1 or bk < 1:
        raise ValueError(f"a block of {bn} x {bk} has no weights: bn and bk must be at least 1.")
    _check_shape(tuple(weight.shape))
    _check_width(tuple(weight.shape), bk)
    matrix = torch.nn.functional.pad(as_matrix(weight), (0, 0, 0, -weight.shape[0] % bn))
    return matrix.reshape(-1, bn, matrix.shape[1] // bk, bk).transpose(1, 2)


def block_mask(weight: Tensor, bn: int, bk: int) -> Tensor:
    """bool [rows, columns]: which blocks of a weight [N, K] or [N, C, KH, KW] have an entry that is not zero."""
    return (_blocks(weight, bn, bk) != 0).flatten(2).any(2)


def pack(weight: Tensor, bn: int, bk: int, *, mask: Tensor | None = None, dtype: torch.dtype | None = None) -> Packed:
    """A dense weight with zero blocks, packed.

    weight: floating [N, K] or [N, C, KH, KW]; K or C must be a multiple of bk.
    mask: bool [rows, columns], the blocks to keep; by default those that are not all zero.
    dtype: of the values, by default the weight's own. int8 and float8_e4m3fn are quantized symmetrically, with one scale per
    output channel: the largest absolute value of the channel becomes 127 or 448.

    Raises ValueError for a shape, a mask or a dtype that does not fit, and for weights that are not finite.
    """
    weight = weight.detach()
    dtype = dtype or weight.dtype
    if not weight.is_floating_point() or weight.dtype in LARGEST:
        raise ValueError(f"a weight of {weight.dtype} cannot be packed: give it in floating point and name `dtype`.")
    if dtype not in (*FLOATING, *LARGEST):
        raise ValueError(f"values cannot be {dtype}: choose a dtype of {_names(*FLOATING, *LARGEST)}.")
    blocks = _blocks(weight, bn, bk)
    if not bool(torch.isfinite(weight).all()):
        raise ValueError("the weight holds NaN or infinity: pack a weight that is finite.")
    rows, columns = blocks.shape[:2]
    if mask is None:
        mask = (blocks != 0).flatten(2).any(2)
    elif mask.dtype != torch.bool or tuple(mask.shape) != (rows, columns):
        raise ValueError(
            f"the mask must be bool [{rows}, {columns}] (block rows, block columns), not {mask.dtype} {list(mask.shape)}."
        )
    mask = mask.to(weight.device)
    row, column = mask.nonzero(as_tuple=True)
    counts = mask.sum(1)
    values, scale = blocks[row, column], None
    if dtype in LARGEST:
        largest = (values.float().abs().amax(2) if len(row) else values.new_zeros(0, bn)).float()
        channel = torch.zeros(rows, bn, device=weight.device)
        channel = channel.scatter_reduce(0, row[:, None].expand(-1, bn), largest, "amax") / LARGEST[dtype]
        channel = torch.where(channel > 0, channel, 1.0)  # a channel without weights
        values = values.float() / channel[row][:, :, None]
        values = values.round().clamp(-127, 127) if dtype == torch.int8 else values.clamp(-448, 448)
        scale = channel.flatten()[: weight.shape[0]].contiguous()
    first = torch.nn.functional.pad(counts.cumsum(0), (1, 0)).int()
    order = counts.argsort(descending=True, stable=True).int()
    spare = torch.nn.functional.pad(column, (0, 1)).int()
    return Packed(values.to(dtype).contiguous(), spare, first, order, tuple(weight.shape), scale)


def unpack(packed: Packed) -> Tensor:
    """The dense weight [N, K] or [N, C, KH, KW], contiguous; float32 where there is a scale, else in the values' dtype."""
    dtype = packed.values.dtype if packed.scale is None else torch.float32
    blocks = torch.zeros(packed.rows, packed.columns, packed.bn, packed.bk, dtype=dtype, device=packed.device)
    blocks[packed.tile_rows(), packed.column[:-1].long()] = packed.values.to(dtype)
    matrix = blocks.transpose(1, 2).reshape(packed.rows * packed.bn, -1)[: packed.shape[0]]
    if packed.scale is not None:
        matrix = matrix * packed.scale[:, None]
    if len(packed.shape) == 2:
        return matrix.contiguous()
    n, channels, height, width = packed.shape
    return matrix.reshape(n, height, width, channels).permute(0, 3, 1, 2).contiguous()


def dequantized(packed: Packed, dtype: torch.dtype) -> Packed:
    """The same weight in a floating dtype, its values multiplied by their scale if there is one."""
    values = packed.values.float()
    if packed.scale is not None:
        short = packed.rows * packed.bn - packed.shape[0]
        scale = torch.nn.functional.pad(packed.scale, (0, short)).view(packed.rows, packed.bn)
        values = values * scale[packed.tile_rows()][:, :, None]
    return replace(packed, values=values.to(dtype), scale=None)


def save_packed(path: str | os.PathLike, weights: Mapping[str, Packed]) -> None:
    """Write packed weights as one safetensors file, beside its place and then renamed, so that no reader sees half of it."""
    tensors = {
        f"{name}.{field}": tensor.cpu().contiguous()
        for name, packed in weights.items()
        for field, tensor in packed.tensors().items()
    }
    metadata = {FORMAT: json.dumps({name: packed.shape for name, packed in weights.items()})}
    beside = Path(f"{os.fspath(path)}.{os.getpid()}.tmp")
    try:
        save_file(tensors, beside, metadata)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def load_packed(path: str | os.PathLike, device: torch.device | str = "cpu") -> dict[str, Packed]:
    """What save_packed wrote. FileNotFoundError where there is no file, ValueError where it is not such a file or is damaged."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}.")
    try:
        file = safe_open(path, framework="pt", device=str(device))
    except SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file ({error}): write it with save_packed.") from error
    with file:
        metadata = file.metadata() or {}
        if FORMAT not in metadata:
            raise ValueError(f"{path} holds no packed weights ({FORMAT}): write it with save_packed.")
        left, weights = set(file.keys()), {}
        for name, shape in json.loads(metadata[FORMAT]).items():
            names = [field.name for field in fields(Packed) if field.name != "shape"]
            found = {field: f"{name}.{field}" for field in names if f"{name}.{field}" in left}
            missing = sorted(set(names) - set(found) - {"scale"})
            if missing:
                raise ValueError(f"{path} lacks `{name}.{missing[0]}`: write it again with save_packed.")
            left -= set(found.values())
            tensors = {field: file.get_tensor(key) for field, key in found.items()}
            try:
                weights[name] = Packed(**tensors, shape=tuple(shape)).check()
            except ValueError as error:
                raise ValueError(f"`{name}` in {path} is damaged: {error}") from error
        if left:
            raise ValueError(
                f"{path} holds `{min(left)}`, which belongs to no weight: write it again with save_packed."
            )
    return weights
