"""Block-sparse linear layers and NHWC convolutions in float32 on the CPU: builds block_sparse.cpp, lays weights out for it, calls it."""

import ctypes
import functools
import hashlib
import logging
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from kernels.buffers import check_buffers
from kernels.cpu.gather import GatherWeight
from kernels.geometry import output_size
from kernels.packed import Packed, dequantized
from kernels.recording import refuse_recording
from kernels.reference import ACTIVATIONS, check_activation

LOG = logging.getLogger("kernels")
DIRECT = "a call of the C++ kernel"
SOURCE = Path(__file__).with_name("block_sparse.cpp")
FLAGS = ("-std=c++17", "-O3", "-shared", "-fPIC")
OPTIONS = (("-march=native", "-fopenmp"), ("-march=native",), ())  # the first that the compiler takes


class _Image(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), *[(name, ctypes.c_int64) for name in ("image", "row", "pixel")]]


class _Weight(ctypes.Structure):
    _fields_ = [
        *[(name, ctypes.c_void_p) for name in ("values", "first", "place", "channels", "bias")],
        *[(name, ctypes.c_int64) for name in ("rows", "height", "bk", "tiles")],
    ]


class _Geometry(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_int64)
        for name in ("images", "height", "width", "stride_row", "stride_column", "dilation_row", "dilation_column")
    ]


def find_compiler() -> list[str] | None:
    """The system's C++ compiler as the start of a command: $CXX, or else the first of c++, g++ and clang++ that exists."""
    command = shlex.split(os.environ.get("CXX", ""))
    if command:
        return command if shutil.which(command[0]) else None
    found = next((name for name in ("c++", "g++", "clang++") if shutil.which(name)), None)
    return [found] if found else None


def cache_folder() -> Path:
    """Where built libraries are kept: `lacuna` in $XDG_CACHE_HOME or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lacuna"


def _processor() -> str:
    """What `-march=native` depends on."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().split("\n\n")[0].splitlines() if info.is_file() else []
    keep = [line for line in lines if line.startswith(("model name", "flags", "Features", "CPU part"))]
    return "\n".join([platform.machine(), platform.processor(), *keep])


def build(compiler: list[str], folder: Path) -> Path:
    """The library, built from block_sparse.cpp unless `folder` holds it; several processes may build at once.

    Its name carries a hash of the source, the flags, the compiler's version and the processor, so it is built anew when one of
    them changes. Raises OSError where the folder cannot be written or the compiler cannot be run, and
    subprocess.CalledProcessError, with the compiler's words in `stderr`, where it fails with all OPTIONS.
    """
    version = subprocess.run([*compiler, "--version"], capture_output=True, text=True, check=True).stdout
    parts = (SOURCE.read_text(), repr((compiler, FLAGS, OPTIONS)), version, _processor())
    library = folder / f"cpu-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:20]}.so"
    if library.is_file():
        return library
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as beside:
        built = Path(beside) / library.name
        for number, options in enumerate(OPTIONS, 1):
            command = [*compiler, *FLAGS, *options, str(SOURCE), "-o", str(built)]
            done = subprocess.run(command, capture_output=True, text=True, check=number == len(OPTIONS))
            if done.returncode == 0:
                break
        built.replace(library)
    return library


def declare(loaded: ctypes.CDLL) -> ctypes.CDLL:
    """The library itself, its functions' arguments declared."""
    pointer, size = ctypes.c_void_p, ctypes.c_int64
    flags = [ctypes.c_int, ctypes.c_int]
    loaded.block_sparse.argtypes = [pointer] * 5 + flags
    loaded.block_sparse_linear.argtypes = [pointer, *[pointer, size] * 3, size, *flags]
    return loaded


@functools.cache
def library() -> ctypes.CDLL | None:
    """The C++ kernel, built if need be; None where it cannot be built, and the log says why."""
    compiler = find_compiler()
    if compiler is None:
        LOG.warning("no C++ compiler: block-sparse layers use gather + bmm, which is slower. Install g++ or set CXX.")
        return None
    try:
        path = build(compiler, cache_folder())
        loaded = declare(ctypes.CDLL(str(path)))
    except (OSError, subprocess.CalledProcessError) as error:
        why = (getattr(error, "stderr", None) or str(error)).strip()
        LOG.warning("block-sparse layers use gather + bmm, which is slower: %s failed: %s", " ".join(compiler), why)
        return None
    LOG.info("block-sparse layers use the C++ kernel %s", path)
    return loaded


def _height(channels: int, widest: int) -> int:
    """How many output channels to compute at a time for a block row of `channels`: fewest vector registers, then least padding."""
    heights = [4 << power for power in range(16) if 4 << power <= widest]
    lanes = widest // 4

    def cost(height: int) -> float:  # a row of blocks costs its vectors, and a little for reading x once more
        return -(-channels // height) * (max(height / lanes, 1) + 0.15)

    return min(heights, key=cost)


class CpuWeight:
    """A packed weight laid out for the C++ kernel: float32, N contiguous inside a tile, block rows of 4 to widest() channels.

    Block rows taller than the registers are cut, others are filled up to the next height. Values with a scale are multiplied by
    it, once. Raises ValueError if the packed weight is not on the CPU.
    """

    def __init__(self, packed: Packed, bias: Tensor | None, kernel: ctypes.CDLL) -> None:
        if packed.device.type != "cpu":
            raise ValueError(f"the CPU kernel cannot read a weight on {packed.device}: move it with to('cpu').")
        n, channels = packed.shape[:2]
        self.shape, self.kernel_size = packed.shape, tuple(packed.shape[2:]) or (1, 1)
        self.kernel = kernel
        bn = min(packed.bn, n)  # what lies beyond N is padding
        height = _height(bn, kernel.widest())
        parts = -(-bn // height)
        row = packed.tile_rows()
        values = dequantized(packed, torch.float32).values
        values = torch.nn.functional.pad(values[:, :bn], (0, 0, 0, parts * height - bn))
        # A block row becomes `parts` rows one after another, each with all of its tiles.
        owner = (row * parts + torch.arange(parts)[:, None]).flatten()
        order = owner.argsort(stable=True)
        values = values.view(packed.tiles, parts, height, packed.bk).transpose(0, 1).flatten(0, 1)[order]
        start = (torch.arange(packed.rows)[:, None] * packed.bn + torch.arange(parts) * height).flatten()
        end = torch.minimum(start + height, (start // packed.bn + 1) * packed.bn).clamp(max=n)
        full = torch.zeros(packed.rows * parts, height)
        if bias is not None:
            for index, (a, b) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
                full[index, : max(b - a, 0)] = bias.detach()[a:b].float()
        column = packed.column[:-1].long().repeat(parts)[order]
        per = channels // packed.bk
        place = torch.stack(
            [
                column // per // self.kernel_size[1],
                column // per % self.kernel_size[1],
                column % per * packed.bk,
            ],
            1,
        )
        counts = torch.bincount(owner, minlength=packed.rows * parts)
        self._tensors = (
            values.transpose(1, 2).contiguous(),
            torch.nn.functional.pad(counts.cumsum(0), (1, 0)).int(),
            place.int().contiguous(),
            torch.stack([start, (end - start).clamp(min=0)], 1).int().contiguous(),
            full,
        )
        self._weight = _Weight(
            *[tensor.data_ptr() for tensor in self._tensors], packed.rows * parts, height, packed.bk, len(order)
        )
        self._address = ctypes.addressof(self._weight)

    def __call__(
        self,
        x: Tensor,
        y: Tensor,
        residual: Tensor | None = None,
        relu: bool = False,
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
        threads: int | None = None,
    ) -> None:
        """y = act(x * weight + bias + residual), written into y.

        x: float32 [B, H, W, C], the halo included; y, residual: float32 [B, OH, OW, N] with OH = (H - dilation (KH - 1) - 1) // stride
        + 1. All may be views with any strides but 1 for channels, so y may be the inside of the next layer's halo buffer; y may be
        the residual, but not x. threads: by default torch.get_num_threads(). Raises ValueError for shapes that do not fit.
        """
        call = self.bind(x, y, residual, relu, stride, dilation)
        call(torch.get_num_threads() if threads is None else threads)

    def rows(self, x: Tensor, y: Tensor, residual: Tensor | None, relu: bool) -> None:
        """The same for matrices x [M, K], y and residual [M, N] with neighbouring columns, in the fewest steps of Python."""
        refuse_recording(DIRECT)
        for name, tensor in (("x", x), ("residual", residual)):
            if tensor is not None and not (tensor.dtype is torch.float32 and tensor.is_cpu):
                raise ValueError(
                    f"{name} must be float32 on the CPU, not {tensor.dtype} on {tensor.device}: convert it."
                )
        add, add_row = (None, 0) if residual is None else (residual.data_ptr(), residual.stride(0))
        if self.kernel.block_sparse_linear(
            self._address, x.data_ptr(), x.stride(0), add, add_row, y.data_ptr(), y.stride(0), len(x), relu, torch.get_num_threads()
        ):  # fmt: skip
            raise RuntimeError("the C++ kernel has no code for this weight's height: rebuild it.")

    def bind(
        self,
        x: Tensor,
        y: Tensor,
        residual: Tensor | None = None,
        relu: bool = False,
        stride: tuple[int, int] = (1, 1),
        dilation: tuple[int, int] = (1, 1),
    ) -> Callable[[int], None]:
        """The same, checked now and called later as `call(threads)`, for buffers that stay: a check costs as much as a small layer."""
        refuse_recording(DIRECT)
        if x.device.type != "cpu":
            raise ValueError(f"x must be on the CPU, not on {x.device}: move it there.")
        check_buffers(self.shape, x, y, residual, stride, dilation)
        images_of = [_Image(t.data_ptr(), *t.stride()[:3]) if t is not None else _Image() for t in (x, residual, y)]
        geometry = _Geometry(*y.shape[:3], *stride, *dilation)
        x_, residual_, y_ = (ctypes.addressof(image) for image in images_of)
        weight, shape, relu = self._address, ctypes.addressof(geometry), int(relu)
        kernel = self.kernel.block_sparse
        keep = (images_of, geometry, x, y, residual, self)  # alive as long as the call

        def call(threads: int, keep=keep) -> None:
            if kernel(x_, weight, residual_, y_, shape, relu, threads):
                raise RuntimeError("the C++ kernel has no code for this weight's height: rebuild it.")

        return call


def prepare(packed: Packed, bias: Tensor | None = None) -> CpuWeight | GatherWeight:
    """The weight laid out for the C++ kernel, or for gather + bmm where there is no compiler; the log says which."""
    if bias is not None and tuple(bias.shape) != (packed.shape[0],):
        raise ValueError(f"the bias must be [{packed.shape[0]}], one for each output channel, not {list(bias.shape)}.")
    kernel = library()
    return GatherWeight(packed, bias) if kernel is None else CpuWeight(packed, bias, kernel)


def linear(
    x: Tensor, weight: CpuWeight | GatherWeight, residual: Tensor | None = None, activation: str | None = None
) -> Tensor:
    """act(x @ weight.T + bias + residual) for float32 x: [..., K] -> [..., N]; any strides. weight: of prepare().

    Raises ValueError for shapes, dtypes and devices that do not fit and for an unknown activation.
    """
    n, k = weight.shape[:2]
    if len(weight.shape) != 2:
        raise ValueError(f"a weight of shape {weight.shape} is a convolution's: use conv2d.")
    if x.dim() < 1 or x.shape[-1] != k:
        raise ValueError(f"x must be [..., {k}], not {list(x.shape)}.")
    shape = (*x.shape[:-1], n)
    y, flat = x.new_empty(shape), x if x.dim() == 2 else x.reshape(-1, k)
    flat = flat if flat.stride(1) == 1 or k == 1 else flat.contiguous()
    if residual is not None and tuple(residual.shape) != shape:
        raise ValueError(f"the residual must be {list(shape)}, not {list(residual.shape)}.")
    relu, add = check_activation(activation) == "relu", residual
    if add is not None:
        add = add.reshape(-1, n)
        add = add if add.stride(1) == 1 or n == 1 else add.contiguous()
    if isinstance(weight, CpuWeight):
        weight.rows(flat, y if flat is x else y.view(-1, n), add, relu)
    elif len(flat):
        weight(flat[None, None], y.view(1, 1, -1, n), None if add is None else add[None, None], relu)
    return y if activation in (None, "relu") else ACTIVATIONS[activation](y)


def conv2d(
    x: Tensor,
    weight: CpuWeight | GatherWeight,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    residual: Tensor | None = None,
    activation: str | None = None,
) -> Tensor:
    """x: [B, H, W, C] with its halo -> [B, OH, OW, N]; see CpuWeight. Use torch.nn.functional.pad to make a halo of zeros."""
    size = output_size(tuple(x.shape[1:3]), weight.kernel_size, stride, dilation)
    y = x.new_empty(x.shape[0], *size, weight.shape[0])
    if x.shape[0]:
        weight(_dense(x), y, _dense(residual), activation == "relu", stride, dilation)
    return _activate(y, activation)


def _dense(x: Tensor | None) -> Tensor | None:
    """x with neighbouring channels."""
    return x if x is None or x.stride(-1) == 1 else x.contiguous()


def _activate(y: Tensor, activation: str | None) -> Tensor:
    """What the kernel did not do itself."""
    return y if check_activation(activation) in (None, "relu") else ACTIVATIONS[activation](y)
