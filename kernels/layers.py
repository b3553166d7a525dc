"""nn.Linear and nn.Conv2d with a block-sparse weight, for inference, on CPU and GPU."""

import torch
from torch import Tensor, nn

from kernels import cpu
from kernels.geometry import check_steps
from kernels.packed import Packed, dequantized, pack
from kernels.reference import check_activation

HALF = (torch.float16, torch.bfloat16)


class _BlockSparse(nn.Module):
    """A packed weight as buffers, so that it moves with the module and is part of its state, and its layout for one device.

    On the CPU everything is computed in float32; inputs of half precision are converted and so are results. On the GPU inputs must
    have the weight's dtype. An int8 or float8_e4m3fn weight saves memory here, not time: inputs are floating, so it is multiplied by
    its scale when it is laid out, into their dtype (triton_gemm itself multiplies 8-bit inputs by 8-bit weights).
    """

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
        self._prepared: dict = {}

    def __getattr__(self, name: str):
        if name == "weight":
            raise AttributeError(
                f"a {type(self).__name__} has no dense `weight`, and this network reads it itself: keep this layer dense, "
                "by naming in `blocks` only the others."
            )
        return super().__getattr__(name)

    @property
    def packed(self) -> Packed:
        return Packed(self.values, self.column, self.first, self.order, self.shape, self.scale)

    def prepared(self, dtype: torch.dtype = torch.float32):
        """The weight as this device's kernel reads it; laid out anew after to() and load_state_dict(), not after other changes.

        dtype: of the GPU's inputs; the CPU's kernels compute in float32 whatever they are.
        """
        gpu = on_gpu(self.values)
        key = dtype if gpu and self.scale is not None else None
        if key not in self._prepared:
            if gpu:
                from kernels import triton_gemm  # triton is imported where there is a GPU only

                packed = self.packed if key is None else dequantized(self.packed, dtype)
                self._prepared[key] = triton_gemm.prepare(packed, device=self.values.device)
            else:
                self._prepared[key] = cpu.prepare(self.packed, self.bias)
        return self._prepared[key]

    def _apply(self, *arguments, **options) -> nn.Module:
        self._prepared = {}
        kept = {} if self.scale is None else {name: getattr(self, name) for name in ("values", "scale")}
        super()._apply(*arguments, **options)
        for (
            name,
            tensor,
        ) in kept.items():  # half() and bfloat16() are for weights that are floating, not for quantized ones
            setattr(self, name, tensor.to(self.column.device))
        return self

    def _load_from_state_dict(self, *arguments, **options) -> None:
        self._prepared = {}
        super()._load_from_state_dict(*arguments, **options)

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_prepared": {}}  # a copy lays its own weight out

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

    def forward(self, input: Tensor, residual: Tensor | None = None) -> Tensor:
        """input: [..., K]; residual: [..., N]. Returns [..., N], of input's dtype."""
        self._check(input)
        if on_gpu(input):
            from kernels import triton_gemm

            prepared = self.prepared(input.dtype)
            return triton_gemm.linear(input.contiguous(), prepared, self.bias, residual, self.activation)
        if input.dtype in HALF:
            return self(input.float(), None if residual is None else residual.float()).to(input.dtype)
        return cpu.linear(input, self.prepared(), residual, self.activation)


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
        check_steps(self.stride, self.dilation, self.padding)

    @classmethod
    def from_dense(cls, layer: nn.Conv2d, bn: int, bk: int) -> "BlockSparseConv2d":
        """The layer with its zero blocks left out; ValueError for groups and for padding that is not zeros in numbers."""
        reason = why_not(layer)
        if reason:
            raise ValueError(f"this convolution cannot be block-sparse: {reason}.")
        return cls(pack(layer.weight, bn, bk), layer.bias, layer.stride, layer.padding, layer.dilation)

    def forward(self, input: Tensor, residual: Tensor | None = None) -> Tensor:
        """input: [B, C, H, W]; residual: [B, N, OH, OW]. Returns [B, N, OH, OW] of input's dtype in channels-last memory."""
        self._check(input)
        if input.dim() != 4 or input.shape[1] != self.shape[1]:
            raise ValueError(f"x must be [B, {self.shape[1]}, H, W], not {list(input.shape)}.")
        gpu = on_gpu(input)
        if input.dtype in HALF and not gpu:
            return self(input.float(), None if residual is None else residual.float()).to(input.dtype)
        halo = with_halo(input.permute(0, 2, 3, 1), self.padding)
        residual = None if residual is None else residual.permute(0, 2, 3, 1)
        if gpu:
            from kernels import triton_gemm

            prepared = self.prepared(input.dtype)
            residual = None if residual is None else residual.contiguous()
            y = triton_gemm.conv2d(
                halo, prepared, self.stride, self.bias, residual, self.activation, dilation=self.dilation
            )
        else:
            y = cpu.conv2d(halo, self.prepared(), self.stride, self.dilation, residual, self.activation)
        return y.permute(0, 3, 1, 2)


def on_gpu(tensor: Tensor) -> bool:
    """Whether the GPU's kernel reads it; a function, so that tests can give the CPU's tensors to Triton's interpreter."""
    return tensor.is_cuda


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


def why_not(layer: nn.Conv2d | nn.Linear) -> str | None:
    """Why a layer cannot be block-sparse whatever its weights; None if it can."""
    if type(layer) not in (nn.Conv2d, nn.Linear):
        return f"it is a {type(layer).__name__}, whose weight others may read or which may compute something else"
    if isinstance(layer, nn.Linear):
        return None
    if layer.groups != 1:
        return f"it has {layer.groups} groups"
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        return f"its padding is `{layer.padding if layer.padding_mode == 'zeros' else layer.padding_mode}`, not zeros in numbers"
    return None
