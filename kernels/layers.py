"""nn.Linear and nn.Conv2d with a block-sparse weight, for inference, on CPU and GPU."""

import torch
from torch import Tensor, nn

from kernels import cpu
from kernels.packed import Packed, pack
from kernels.reference import check_activation


class _BlockSparse(nn.Module):
    """A packed weight as buffers, so that it moves with the module and is part of its state, and its layout for one device."""

    def __init__(self, packed: Packed, bias: Tensor | None = None, activation: str | None = None) -> None:
        super().__init__()
        if bias is not None and tuple(bias.shape) != (packed.shape[0],):
            raise ValueError(
                f"the bias must be [{packed.shape[0]}], one for each output channel, not {list(bias.shape)}."
            )
        for name in ("values", "column", "first", "order", "scale"):
            self.register_buffer(name, packed.tensors().get(name))
        self.register_buffer("bias", None if bias is None else bias.detach().clone())
        self.shape, self.activation = packed.shape, check_activation(activation)
        self._prepared = (None, None)

    @property
    def packed(self) -> Packed:
        return Packed(self.values, self.column, self.first, self.order, self.shape, self.scale)

    def prepared(self):
        """The weight as this device's kernel reads it; laid out anew when the module was moved or loaded."""
        tensors = [tensor for tensor in (self.values, self.scale, self.bias) if tensor is not None]
        # An inference tensor has no version; that it was loaded into is told by _load_from_state_dict.
        now = [(t.device, t.dtype, t.data_ptr(), 0 if t.is_inference() else t._version) for t in tensors]
        if self._prepared[0] != now:
            if self.values.is_cuda:
                from kernels import triton_gemm  # triton is imported where there is a GPU only

                self._prepared = (now, triton_gemm.prepare(self.packed, device=self.values.device))
            else:
                self._prepared = (now, cpu.prepare(self.packed, self.bias))
        return self._prepared[1]

    def _load_from_state_dict(self, *arguments) -> None:
        super()._load_from_state_dict(*arguments)
        self._prepared = (None, None)

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_prepared": (None, None)}  # a copy lays its own weight out

    def _check(self, x: Tensor) -> None:
        if torch.is_grad_enabled() and x.requires_grad:
            raise ValueError("block-sparse layers have no gradient: call them under torch.inference_mode().")

    def extra_repr(self) -> str:
        packed = self.packed
        return f"{list(self.shape)}, block={packed.bn}x{packed.bk}, density={packed.density:.3f}, activation={self.activation}"


class BlockSparseLinear(_BlockSparse):
    """act(x @ weight.T + bias + residual); takes the place of nn.Linear in inference.

    packed: of a weight [N, K]; bias: [N]; activation: None, "relu" or "gelu".
    """

    def __init__(self, packed: Packed, bias: Tensor | None = None, activation: str | None = None) -> None:
        super().__init__(packed, bias, activation)
        if len(self.shape) != 2:
            raise ValueError(f"a weight of shape {self.shape} is a convolution's: use BlockSparseConv2d.")

    @classmethod
    def from_dense(cls, layer: nn.Linear, bn: int, bk: int) -> "BlockSparseLinear":
        """The layer with its zero blocks left out."""
        return cls(pack(layer.weight, bn, bk), layer.bias)

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """x: [..., K]; residual: [..., N]. Returns [..., N]."""
        self._check(x)
        if x.is_cuda:
            from kernels import triton_gemm

            return triton_gemm.linear(x.contiguous(), self.prepared(), self.bias, residual, self.activation)
        return cpu.linear(x, self.prepared(), residual, self.activation)


class BlockSparseConv2d(_BlockSparse):
    """act(conv2d(x, weight) + bias + residual); takes the place of nn.Conv2d in inference.

    packed: of a weight [N, C, KH, KW]; bias: [N]; stride, padding and dilation as in nn.Conv2d, padding by zeros and in numbers;
    activation: None, "relu" or "gelu". Groups are not supported. Works in channels-last memory and gives such output.
    """

    def __init__(
        self,
        packed: Packed,
        bias: Tensor | None = None,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        dilation: int | tuple[int, int] = 1,
        activation: str | None = None,
    ) -> None:
        super().__init__(packed, bias, activation)
        if len(self.shape) != 4:
            raise ValueError(f"a weight of shape {self.shape} is a linear layer's: use BlockSparseLinear.")
        self.stride, self.padding, self.dilation = pair(stride), pair(padding), pair(dilation)

    @classmethod
    def from_dense(cls, layer: nn.Conv2d, bn: int, bk: int) -> "BlockSparseConv2d":
        """The layer with its zero blocks left out; ValueError for groups and for padding that is not zeros in numbers."""
        reason = why_not(layer)
        if reason:
            raise ValueError(f"this convolution cannot be block-sparse: {reason}.")
        return cls(pack(layer.weight, bn, bk), layer.bias, layer.stride, layer.padding, layer.dilation)

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """x: [B, C, H, W]; residual: [B, N, OH, OW]. Returns [B, N, OH, OW] in channels-last memory."""
        self._check(x)
        if x.dim() != 4 or x.shape[1] != self.shape[1]:
            raise ValueError(f"x must be [B, {self.shape[1]}, H, W], not {list(x.shape)}.")
        halo = with_halo(x.permute(0, 2, 3, 1), self.padding)
        residual = None if residual is None else residual.permute(0, 2, 3, 1)
        if x.is_cuda:
            from kernels import triton_gemm

            residual = None if residual is None else residual.contiguous()
            y = triton_gemm.conv2d(
                halo, self.prepared(), self.stride, self.bias, residual, self.activation, dilation=self.dilation
            )
        else:
            y = cpu.conv2d(halo, self.prepared(), self.stride, self.dilation, residual, self.activation)
        return y.permute(0, 3, 1, 2)


def pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def with_halo(x: Tensor, padding: tuple[int, int]) -> Tensor:
    """[B, H, W, C] -> contiguous [B, H + 2 padding, W + 2 padding, C] with zeros around it; x itself if it is that already."""
    above, left = padding
    if not (above or left):
        return x.contiguous()
    batch, height, width, channels = x.shape
    halo = x.new_zeros(batch, height + 2 * above, width + 2 * left, channels)
    halo[:, above : above + height, left : left + width].copy_(x)
    return halo


def why_not(layer: nn.Conv2d) -> str | None:
    """Why a convolution cannot be block-sparse whatever its weights; None if it can."""
    if layer.groups != 1:
        return f"it has {layer.groups} groups"
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        return f"its padding is `{layer.padding if layer.padding_mode == 'zeros' else layer.padding_mode}`, not zeros in numbers"
    return None
