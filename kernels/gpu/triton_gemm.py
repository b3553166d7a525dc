"""Block-sparse linear and NHWC conv2d on the GPU: one Triton kernel, prepared weights, two launchers.

    y[p, n] = act(scale[n] * sum over tiles e of row(n), k: x[start(p) + offset[e] + k] * w[e, n % BN, k] + bias[n] + residual[p, n])

p is an output pixel (or a row of a linear's input), n an output channel, e a kept tile of BN output channels by BK / G
inputs. G narrow tiles lie side by side, so that one dot is BK deep. A convolution reads a buffer with a zero halo, so every
tap is an offset and no border is tested: masked loads were 85 scalar loads where this one has 16-byte copies.

The column of the next tile is carried in a register. Loaded in the loop where it is used, Triton charges its latency to
num_stages, and 4 stages hold 2 tiles in flight on sm_90 instead of 4; tests/kernels/gpu/test_compile_ahead.py holds both facts.
"""

from dataclasses import dataclass, field

import torch
import triton
import triton.language as tl

from kernels.geometry import output_size
from kernels.gpu.configs import Config, choose, choose_group
from kernels.packed import Packed
from kernels.recording import refuse_recording


@triton.jit
def _place(p, OH, OW, image, row, pixel, IMAGE: tl.constexpr):
    """Offset of pixel p, in 64 bits: activations of large batches exceed 2^31 elements."""
    if IMAGE:
        return (p // (OH * OW)).to(tl.int64) * image + (p // OW % OH).to(tl.int64) * row + (p % OW).to(tl.int64) * pixel
    else:
        return p.to(tl.int64) * pixel


@triton.jit
def _finish(
    acc, p, n, y_ptr, bias_ptr, residual_ptr, scale_ptr, next_ptr, gain_ptr, shift_ptr, P, N, OH, OW,
    y_image, y_row, y_pixel, r_image, r_row, r_pixel, next_image, next_row, next_pixel, x_scale, out_scale,
    IMAGE: tl.constexpr, ACTIVATION: tl.constexpr,
):  # fmt: skip
    """act(scale * acc + bias + residual) into y and relu(gain * that + shift) into next, all of it in float32."""
    keep = (p < P)[:, None] & (n < N)[None, :]
    z = acc.to(tl.float32)
    if scale_ptr is not None:
        z *= tl.load(scale_ptr + n, mask=n < N, other=0.0)[None, :] * x_scale
    if bias_ptr is not None:
        z += tl.load(bias_ptr + n, mask=n < N, other=0.0).to(tl.float32)[None, :]
    if residual_ptr is not None:
        place = _place(p, OH, OW, r_image, r_row, r_pixel, IMAGE)
        z += tl.load(residual_ptr + place[:, None] + n[None, :], mask=keep, other=0.0).to(tl.float32)
    if ACTIVATION == "relu":
        z = tl.maximum(
            z, 0.0, propagate_nan=tl.PropagateNan.ALL
        )  # as torch does: a diverged network must not look healthy
    if ACTIVATION == "gelu":
        z = 0.5 * z * (1.0 + tl.erf(z * 0.7071067811865476))
    if next_ptr is not None:
        gain = tl.load(gain_ptr + n, mask=n < N, other=0.0).to(tl.float32)[None, :]
        shift = tl.load(shift_ptr + n, mask=n < N, other=0.0).to(tl.float32)[None, :]
        place = _place(p, OH, OW, next_image, next_row, next_pixel, IMAGE)
        normed = tl.maximum(z * gain + shift, 0.0, propagate_nan=tl.PropagateNan.ALL)
        tl.store(next_ptr + place[:, None] + n[None, :], normed.to(next_ptr.dtype.element_ty), mask=keep)
    if y_ptr.dtype.element_ty == tl.int8:
        z = tl.minimum(tl.maximum(tl.floor(z / out_scale + 0.5), -127.0), 127.0)
    if y_ptr.dtype.element_ty == tl.float8e4nv:
        z = tl.minimum(tl.maximum(z / out_scale, -448.0), 448.0)
    place = _place(p, OH, OW, y_image, y_row, y_pixel, IMAGE)
    tl.store(y_ptr + place[:, None] + n[None, :], z.to(y_ptr.dtype.element_ty), mask=keep)


@triton.jit
def gemm_kernel(
    x_ptr, w_ptr, offset_ptr, first_ptr, order_ptr, part_ptr,
    y_ptr, bias_ptr, residual_ptr, scale_ptr, next_ptr, gain_ptr, shift_ptr,
    P, N, ROWS, OH, OW, x_image, x_row, x_pixel, y_image, y_row, y_pixel, r_image, r_row, r_pixel,
    next_image, next_row, next_pixel, x_scale, out_scale,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr, G: tl.constexpr, SPLIT: tl.constexpr, IMAGE: tl.constexpr,
    ACTIVATION: tl.constexpr, ACC: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """One program: BM pixels of one block row, or of the s-th slice of its tiles. Strides and offsets of x count narrow tiles."""
    # Programs of the same pixels are neighbours: at 90 % they read x from L2 about once altogether.
    row = tl.load(order_ptr + tl.program_id(0) % ROWS)
    p = tl.program_id(0) // ROWS * BM + tl.arange(0, BM)
    n = row * BN + tl.arange(0, BN)
    k = tl.arange(0, BK)
    # Whole tiles, multiplied out here: the compiler sees the alignment of every address and needs no hint for 16-byte copies.
    WIDTH: tl.constexpr = BK // G
    start = _place(tl.where(p < P, p, 0), OH, OW, x_image, x_row, x_pixel, IMAGE) * WIDTH
    x = x_ptr + start[:, None] + (k % WIDTH)[None, :]
    first = tl.load(first_ptr + row)
    count = tl.load(first_ptr + row + 1) - first
    if SPLIT > 1:
        part = tl.program_id(1)
        begin = count * part // SPLIT
        count = count * (part + 1) // SPLIT - begin
        first += begin
    w = w_ptr + first.to(tl.int64) * (BK * BN) + tl.arange(0, BN)[None, :] * BK + k[:, None]
    offsets = offset_ptr + first * G
    acc = tl.zeros((BM, BN), dtype=ACC)
    if G == 1:
        offset = tl.load(offsets)
        for e in range(count):
            a = tl.load(x + offset * WIDTH)
            b = tl.load(w + e * (BK * BN))
            offset = tl.load(offsets + e + 1)
            acc = tl.dot(a, b, acc, input_precision=PRECISION, out_dtype=ACC)
    else:
        offset = tl.load(offsets + k // WIDTH)
        for e in range(count):
            a = tl.load(x + (offset * WIDTH)[None, :])
            b = tl.load(w + e * (BK * BN))
            offset = tl.load(offsets + (e + 1) * G + k // WIDTH)
            acc = tl.dot(a, b, acc, input_precision=PRECISION, out_dtype=ACC)
    if SPLIT > 1:
        place = (tl.program_id(1).to(tl.int64) * P + p) * (ROWS * BN)
        tl.store(part_ptr + place[:, None] + n[None, :], acc, mask=(p < P)[:, None])
    else:
        _finish(
            acc, p, n, y_ptr, bias_ptr, residual_ptr, scale_ptr, next_ptr, gain_ptr, shift_ptr, P, N, OH, OW,
            y_image, y_row, y_pixel, r_image, r_row, r_pixel, next_image, next_row, next_pixel, x_scale, out_scale,
            IMAGE, ACTIVATION,
        )  # fmt: skip


@triton.jit
def sum_kernel(
    part_ptr, y_ptr, bias_ptr, residual_ptr, scale_ptr, next_ptr, gain_ptr, shift_ptr,
    P, N, ROWS, OH, OW, y_image, y_row, y_pixel, r_image, r_row, r_pixel, next_image, next_row, next_pixel,
    x_scale, out_scale,
    BM: tl.constexpr, BN: tl.constexpr, SPLIT: tl.constexpr, IMAGE: tl.constexpr, ACTIVATION: tl.constexpr,
    ACC: tl.constexpr,
):  # fmt: skip
    """Adds the slices in a fixed order, so that the same input always gives the same bits, and finishes."""
    p = tl.program_id(0) // ROWS * BM + tl.arange(0, BM)
    n = tl.program_id(0) % ROWS * BN + tl.arange(0, BN)
    acc = tl.zeros((BM, BN), dtype=ACC)
    row = p.to(tl.int64)
    for _ in range(SPLIT):
        acc += tl.load(part_ptr + row[:, None] * (ROWS * BN) + n[None, :], mask=(p < P)[:, None], other=0)
        row += P
    _finish(
        acc, p, n, y_ptr, bias_ptr, residual_ptr, scale_ptr, next_ptr, gain_ptr, shift_ptr, P, N, OH, OW,
        y_image, y_row, y_pixel, r_image, r_row, r_pixel, next_image, next_row, next_pixel, x_scale, out_scale,
        IMAGE, ACTIVATION,
    )  # fmt: skip


@dataclass(frozen=True)
class Prepared:
    """A packed weight as the kernel reads it; made by prepare()."""

    values: torch.Tensor  # [groups, bn, group * bk]: `group` tiles side by side, K contiguous
    column: torch.Tensor  # int32 [(groups + 1) * group]: block columns along K, `group` spare ones at the end
    first: torch.Tensor  # int32 [rows + 1], counting groups
    order: torch.Tensor  # int32 [rows], block rows by falling work
    shape: tuple[int, ...]  # of the dense weight, (N, K) or (N, C, KH, KW)
    scale: torch.Tensor | None  # float32 [N]
    group: int
    bk: int  # of one narrow tile
    density: float  # share of tiles that are kept, before padding
    _offsets: dict = field(default_factory=dict, repr=False, compare=False)

    def offsets(self, row: int, pixel: int, dilation: tuple[int, int]) -> torch.Tensor:
        """Where each tile's input lies, in tiles from the pixel's first: row and pixel are x's strides in tiles. Kept once made."""
        if len(self.shape) == 2:
            return self.column
        key = (row, pixel, dilation)
        if key not in self._offsets:
            per, kw = self.shape[1] // self.bk, self.shape[3]
            tap = self.column.long() // per
            place = tap // kw * row * dilation[0] + tap % kw * pixel * dilation[1] + self.column % per
            if place.numel() and int(place.max()) * self.bk >= 2**31:
                raise ValueError("the filter spans more than 2^31 input elements: cut the image into parts")
            self._offsets[key] = place.int()
        return self._offsets[key]


@dataclass(frozen=True)
class Next:
    """A second output of conv2d: relu(gain * result + shift), what the next layer of a pre-activation network reads.

    Such a network needs both, the sum for the next shortcut and the normalized sum for the next convolution; written here, the
    second costs one store instead of a pass over memory. gain and shift [N]: BatchNorm as a multiplication and an addition.
    out [B, OH + 2 halo, OW + 2 halo, N]: only its inside is written.
    """

    gain: torch.Tensor
    shift: torch.Tensor
    out: torch.Tensor
    halo: int = 0


def prepare(packed: Packed, group: int | None = None, device: torch.device | str = "cuda") -> Prepared:
    """Lay a packed weight out for the kernel.

    packed: tiles of bn x bk, both powers of two; bn at least 8.
    group: how many tiles make one dot, a power of two; None chooses by rule (kernels/gpu/configs.py). Block rows are padded with
        zero tiles to a multiple of it.
    Raises ValueError where the GPU's dot cannot take the blocks: group * bk must be at least 16, or 32 for int8 and float8.
    """
    tiles, bn, bk = packed.values.shape
    rows, size = packed.rows, packed.values.element_size()
    least = 32 if size == 1 else 16
    if bn & (bn - 1) or bk & (bk - 1) or bn < 8:
        raise ValueError(
            f"blocks are {bn} x {bk}: on the GPU bn must be a power of two from 8 on, and bk any power of two; 64 x 16 is fast."
        )
    count = packed.first.diff().cpu()
    group = group or choose_group(count.tolist(), bk, size)
    if group < 1 or group & (group - 1) or group * bk < least:
        raise ValueError(
            f"{group} tiles of bk = {bk} make a dot of depth {group * bk}: with {packed.values.dtype} the GPU needs a group that is a "
            f"power of two and at least {max(1, least // bk)}"
        )
    first = torch.zeros(rows + 1, dtype=torch.int64)
    first[1:] = ((count + group - 1) // group).cumsum(0)
    # Tile i of block row r goes to slot first[r] * group + i of the padded list; slots that get none stay zero.
    row = torch.repeat_interleave(torch.arange(rows), count.long())
    slot = first[row] * group + torch.arange(tiles) - packed.first.cpu().long()[row]
    groups = int(first[-1])
    padded = torch.zeros(groups * group, bn, bk * size, dtype=torch.uint8)
    padded[slot] = (
        packed.values.cpu().contiguous().view(torch.uint8).view(tiles, bn, bk * size)
    )  # bytes: float8 has no indexing
    values = padded.view(groups, group, bn, bk * size).transpose(1, 2).contiguous().view(packed.values.dtype)
    column = torch.zeros((groups + 1) * group, dtype=torch.int32)
    column[slot] = packed.column[:tiles].cpu().int()
    return Prepared(
        values.view(groups, bn, group * bk).to(device),
        column.to(device),
        first.int().to(device),
        packed.order.int().to(device),
        tuple(packed.shape),
        None if packed.scale is None else packed.scale.float().to(device),
        group,
        bk,
        packed.density,
    )


def linear(
    x: torch.Tensor,
    weight: Prepared,
    bias: torch.Tensor | None = None,
    residual: torch.Tensor | None = None,
    activation: str | None = None,
    precision: str = "tf32",
    config: Config | None = None,
    out: torch.Tensor | None = None,
    out_dtype: torch.dtype | None = None,
    x_scale: float = 1.0,
    out_scale: float = 1.0,
) -> torch.Tensor:
    """act(x @ weight.T * scale + bias + residual).

    x [..., K] of the weight's dtype; rows may be strided when x is a matrix. bias [N]. residual and out [..., N].
    activation: None, "relu" or "gelu" (erf). precision, for float32: "tf32" (tensor cores), "tf32x3" or "ieee".
    out_dtype: x's, or float32 for 8-bit x. For 8-bit: x_scale is x's scale; out_scale is that of an 8-bit output.
    Returns out, [..., N]. Raises ValueError for shapes, dtypes, devices and strides that do not fit, never copies x.
    """
    if len(weight.shape) != 2:
        raise ValueError(f"the weight has shape {tuple(weight.shape)}, a convolution's: call conv2d")
    if x.dim() < 1 or x.shape[-1] != weight.shape[1]:
        raise ValueError(f"x has shape {tuple(x.shape)} and the weight wants [..., {weight.shape[1]}]")
    shape = (*x.shape[:-1], weight.shape[0])
    out = _output(out, shape, x, out_dtype)
    flat = [_matrix(t, name) for t, name in ((x, "x"), (out, "out"), (residual, "residual"))]
    if residual is not None and residual.shape != shape:
        raise ValueError(f"residual has shape {tuple(residual.shape)} and the output {shape}")
    _launch(*flat, weight, bias, activation, precision, config, (1, 1), (1, 1), x_scale, out_scale)
    return out


def conv2d(
    x_halo: torch.Tensor,
    weight: Prepared,
    stride: int | tuple[int, int] = 1,
    bias: torch.Tensor | None = None,
    residual: torch.Tensor | None = None,
    activation: str | None = None,
    precision: str = "tf32",
    config: Config | None = None,
    out: torch.Tensor | None = None,
    out_halo: int = 0,
    dilation: int | tuple[int, int] = 1,
    out_dtype: torch.dtype | None = None,
    x_scale: float = 1.0,
    out_scale: float = 1.0,
    next: Next | None = None,
) -> torch.Tensor:
    """act(conv2d(x, weight) * scale + bias + residual), channels last.

    x_halo [B, H + 2 padding, W + 2 padding, C] of the weight's dtype, its halo zero: the padding is what lies in the buffer.
    residual [B, OH, OW, N]: any view with contiguous channels, the inside of a halo buffer among them.
    out [B, OH + 2 out_halo, OW + 2 out_halo, N]: only the inside is written, so a halo that was zeroed once stays zero;
    made, with a zero halo, when None. next: a second output. Other arguments as for linear. Groups are not supported.
    Returns out. Raises ValueError for shapes, dtypes, devices and strides that do not fit, never copies x_halo.
    """
    if len(weight.shape) != 4:
        raise ValueError(f"the weight has shape {tuple(weight.shape)}, a linear layer's: call linear")
    n, c, kh, kw = weight.shape
    if x_halo.dim() != 4 or x_halo.shape[3] != c:
        raise ValueError(
            f"x has shape {tuple(x_halo.shape)} and the weight wants [B, H, W, {c}], channels last and without groups"
        )
    stride, dilation = _pair(stride), _pair(dilation)
    if min(*stride, *dilation) < 1 or out_halo < 0:
        raise ValueError(
            f"stride {stride} and dilation {dilation} must be at least 1 and out_halo {out_halo} at least 0"
        )
    b, hp, wp, _ = x_halo.shape
    oh, ow = output_size((hp, wp), (kh, kw), stride, dilation)
    o = out_halo
    out = _output(out, (b, oh + 2 * o, ow + 2 * o, n), x_halo, out_dtype, zero=o > 0)
    inside = out[:, o : o + oh, o : o + ow]
    if next is not None and tuple(next.out.shape) != (b, oh + 2 * next.halo, ow + 2 * next.halo, n):
        raise ValueError(
            f"next.out has shape {tuple(next.out.shape)} and must have {(b, oh + 2 * next.halo, ow + 2 * next.halo, n)}"
        )
    if residual is not None and residual.shape != inside.shape:
        raise ValueError(
            f"residual has shape {tuple(residual.shape)} and the output without its halo {tuple(inside.shape)}"
        )
    _launch(
        x_halo,
        inside,
        residual,
        weight,
        bias,
        activation,
        precision,
        config,
        stride,
        dilation,
        x_scale,
        out_scale,
        next,
    )
    return out


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _matrix(t: torch.Tensor | None, name: str) -> torch.Tensor | None:
    if t is None or t.dim() == 2:
        return t
    if not t.is_contiguous():
        raise ValueError(f"{name} has {t.dim()} dimensions and is not contiguous: call .contiguous() first")
    return t.view(-1, t.shape[-1])


def _output(out, shape, x, dtype, zero=False):
    if out is None:
        dtype = dtype or (x.dtype if x.element_size() > 1 else torch.float32)
        return (torch.zeros if zero else torch.empty)(shape, dtype=dtype, device=x.device)
    if tuple(out.shape) != tuple(shape):
        raise ValueError(f"out has shape {tuple(out.shape)} and must have {tuple(shape)}")
    if dtype not in (None, out.dtype):
        raise ValueError(f"out is {out.dtype} and out_dtype {dtype}: give one of them")
    return out


DTYPES = (torch.float32, torch.float16, torch.bfloat16, torch.int8, torch.float8_e4m3fn)


def _check(x, y, residual, weight, bias, activation, precision):
    refuse_recording("a launch of Triton's kernel")
    if x.dtype not in DTYPES or x.dtype != weight.values.dtype:
        raise ValueError(f"x is {x.dtype} and the weight {weight.values.dtype}: both must be the same, one of {DTYPES}")
    if y.dtype not in DTYPES:
        raise ValueError(f"the output is {y.dtype} and must be one of {DTYPES}")
    if activation not in (None, "relu", "gelu"):
        raise ValueError(f'activation is {activation!r} and must be None, "relu" or "gelu"')
    if precision not in ("tf32", "tf32x3", "ieee"):
        raise ValueError(f'precision is {precision!r} and must be "tf32", "tf32x3" or "ieee"')
    if bias is not None and (bias.shape != weight.shape[:1] or not bias.is_contiguous()):
        raise ValueError(f"bias has shape {tuple(bias.shape)} and must be contiguous, [{weight.shape[0]}]")
    if isinstance(gemm_kernel, triton.JITFunction) and not x.is_cuda:
        raise ValueError(f"x is on {x.device}: Triton's kernels run on CUDA tensors")
    if x.is_cuda and x.dtype == torch.float8_e4m3fn and torch.cuda.get_device_capability(x.device) < (8, 9):
        raise ValueError(
            f"{torch.cuda.get_device_name(x.device)} cannot multiply float8: pack the weight as int8 or float16"
        )
    for name, t in (("out", y), ("residual", residual), ("bias", bias), ("the weight", weight.values)):
        if t is not None and t.device != x.device:
            raise ValueError(f"{name} is on {t.device} and x on {x.device}: move them to one device")
    for name, t in (("x", x), ("out", y), ("residual", residual)):
        if t is not None and t.stride(-1) != 1 and t.shape[-1] > 1:
            raise ValueError(
                f"the channels of {name} are not contiguous (strides {t.stride()}): call .contiguous() first"
            )
    if any(s % weight.bk for s, size in zip(x.stride()[:-1], x.shape[:-1], strict=True) if size > 1):
        raise ValueError(
            f"the strides of x, {x.stride()}, must be multiples of the block's {weight.bk} columns: call .contiguous() first"
        )


def _check_next(y, inner, gain, shift):
    if any(t.shape != y.shape[-1:] or not t.is_contiguous() for t in (gain, shift)):
        raise ValueError(f"next.gain and next.shift must be contiguous, [{y.shape[-1]}]")
    if inner.dtype not in DTYPES[:3] or inner.stride(-1) != 1:
        raise ValueError("next.out must be float32, float16 or bfloat16 with contiguous channels")
    if any(t.device != y.device for t in (inner, gain, shift)):
        raise ValueError(f"next is not on {y.device}: move it there")


def _launch(
    x, y, residual, weight, bias, activation, precision, config, stride, dilation, x_scale, out_scale, next=None
):
    """x, y and residual: matrices for a linear layer, [B, H, W, C] without y's halo for a convolution; strides say the rest."""
    _check(x, y, residual, weight, bias, activation, precision)
    image = y.dim() == 4
    pixels, n = y.numel() // max(1, y.shape[-1]), y.shape[-1]
    if pixels == 0:
        return
    if pixels >= 2**31 - 256:
        raise ValueError(f"{pixels} output pixels are more than 2^31: run the batch in parts")
    rows, (_, bn, depth) = len(weight.first) - 1, weight.values.shape
    config = config or choose(
        x.device, x.dtype, bn, weight.bk, weight.group, rows, pixels, len(weight.values), weight.density
    )

    def strides(t, unit=1, step=(1, 1)):
        if t is None:
            return 0, 0, 0
        if not image:
            return 0, 0, t.stride(0) // unit
        return t.stride(0) // unit, t.stride(1) * step[0] // unit, t.stride(2) * step[1] // unit

    oh, ow = (y.shape[1], y.shape[2]) if image else (1, 1)
    offsets = weight.offsets(x.stride(1) // weight.bk, x.stride(2) // weight.bk, dilation) if image else weight.column
    acc = tl.int32 if x.dtype == torch.int8 else tl.float32
    part = None
    if config.split > 1:
        dtype = torch.int32 if x.dtype == torch.int8 else torch.float32
        part = torch.empty(config.split, pixels, rows * bn, dtype=dtype, device=x.device)
    scale = weight.scale
    if scale is None and x_scale != 1.0:
        raise ValueError("x_scale is for weights with a scale (int8 and float8): scale the bias and the weight instead")
    if next is None:
        inner = gain = shift = None
    else:
        inner, gain, shift = next.out[:, next.halo :, next.halo :], next.gain, next.shift
        _check_next(y, inner, gain, shift)
    end = (y, bias, residual, scale, inner, gain, shift)
    geometry = (pixels, n, rows, oh, ow)
    places = (*strides(y), *strides(residual), *strides(inner), float(x_scale), float(out_scale))
    fixed = dict(BM=config.bm, BN=bn, SPLIT=config.split, IMAGE=image, ACTIVATION=activation, ACC=acc)
    grid = (rows * triton.cdiv(pixels, config.bm), config.split)
    gemm_kernel[grid](
        x, weight.values, offsets, weight.first, weight.order, part, *end,
        *geometry, *strides(x, weight.bk, stride), *places,
        BK=depth, G=weight.group, PRECISION=precision, num_warps=config.warps, num_stages=config.stages, **fixed,
    )  # fmt: skip
    if part is not None:
        sum_kernel[grid[:1]](part, *end, *geometry, *places, num_warps=config.warps, **fixed)
