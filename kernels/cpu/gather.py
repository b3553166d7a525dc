"""Block-sparse linear layers and convolutions in plain torch, for any device, block shape and floating dtype: gather, then bmm.

Tiles of a block row are put side by side (rows with fewer tiles are filled up with zero tiles), the inputs they read are gathered,
and one batched matrix product serves all block rows. Slower than the C++ kernel by 1.5 to 3 times, and never wrong for want of a
compiler.
"""

import torch
from torch import Tensor

from kernels.buffers import check_buffers
from kernels.packed import Packed, dequantized


class GatherWeight:
    """A packed weight laid out for gather + bmm; float32 on the device of the packed one. Has the interface of cpu.CpuWeight."""

    def __init__(self, packed: Packed, bias: Tensor | None = None) -> None:
        channels, self.kernel_size = packed.shape[1], tuple(packed.shape[2:]) or (1, 1)
        self.shape, self.bk = packed.shape, packed.bk
        counts = packed.first.diff().long()
        depth = max(int(counts.max()), 1)
        row = packed.tile_rows()
        slot = torch.arange(packed.tiles, device=packed.device) - packed.first.long()[row]
        values = dequantized(packed, torch.float32).values
        column = packed.column.new_zeros(packed.rows, depth, dtype=torch.long)
        column[row, slot] = packed.column[:-1].long()
        weight = values.new_zeros(packed.rows, depth, packed.bk, packed.bn)
        weight[row, slot] = values.transpose(1, 2)
        self.weight = weight.flatten(1, 2)  # [rows, depth * bk, bn]
        taps, self.block = column // (channels // packed.bk), column % (channels // packed.bk)
        self.tap_row, self.tap_column = taps // self.kernel_size[1], taps % self.kernel_size[1]
        self.bias = None if bias is None else bias.detach().float()

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
        """y = act(x * weight + bias + residual), as cpu.CpuWeight does it; torch decides about threads."""
        check_buffers(self.shape, x, y, residual, stride, dilation)
        images, height, width, n = y.shape
        image, line, pixel, _ = x.stride()
        size = (images, height, width, *self.kernel_size, x.shape[3] // self.bk, self.bk)
        strides = (image, line * stride[0], pixel * stride[1], line * dilation[0], pixel * dilation[1], self.bk, 1)
        for index in range(images):  # one image at a time: what is gathered is several times as large as x
            patches = x[index : index + 1].as_strided((1, *size[1:]), strides)
            gathered = patches[0][:, :, self.tap_row, self.tap_column, self.block]  # [height, width, rows, depth, bk]
            gathered = gathered.flatten(3).flatten(0, 1).transpose(0, 1)
            result = torch.bmm(gathered, self.weight)  # [rows, pixels, bn]
            result = result.transpose(0, 1).flatten(1)[:, :n].view(height, width, n)
            result = result if self.bias is None else result + self.bias
            result = result if residual is None else result + residual[index]
            y[index] = result.relu() if relu else result
