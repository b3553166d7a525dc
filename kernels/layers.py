"""nn.Linear and nn.Conv2d with a block-sparse weight, for inference, on CPU and GPU."""

import torch
from torch import Tensor, fx, nn
from torch.nn.utils.parametrize import is_parametrized

from kernels import onnx_export  # noqa: F401  makes torch.onnx.export know the operators
from kernels.geometry import check_steps
from kernels.layout import Layout
from kernels.packed import Packed, pack
from kernels.recording import observed, refuse_gradient
from kernels.reference import check_activation
from kernels.torch_ops import run_conv2d, run_linear

FLOATING = (torch.float32, torch.float16, torch.bfloat16)
WEIGHT = ("values", "column", "first", "order", "scale", "bias")


class _BlockSparse(nn.Module):
    """A packed weight as buffers, so that it moves with the module and is part of its state, and its layout for one device.

    On the CPU everything is computed in float32; inputs of half precision are converted and so are results. On the GPU inputs must
    have the weight's dtype. An int8 or float8_e4m3fn weight saves memory here, not time: inputs are floating, so it is multiplied by
    its scale when it is laid out, into their dtype (triton_gemm itself multiplies 8-bit inputs by 8-bit weights). Under autocast a
    layer computes as without, and gives autocast's dtype.
    """

    def __init__(self, packed: Packed, bias: Tensor | None = None, activation: str | None = None) -> None:
        super().__init__()
        if bias is not None and tuple(bias.shape) != (packed.shape[0],):
            raise ValueError(
                f"the bias must be [{packed.shape[0]}], one for each output channel, not {list(bias.shape)}."
            )
        tensors = {**packed.tensors(), "bias": None if bias is None else bias.detach().clone()}
        for name in WEIGHT:
            self.register_buffer(name, tensors.get(name))
        self.shape, self.activation = packed.shape, check_activation(activation)
        self._layout = Layout()

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
        """The weight as this device's kernel reads it; laid out at the first call, and anew when the weight changes (see Layout).

        dtype: of the GPU's inputs; the CPU's kernels compute in float32 whatever they are.
        """
        values, column, first, order, scale, bias = map(self._buffers.get, WEIGHT)
        return self._layout.of(values, column, first, order, scale, bias, self.shape, dtype)

    def forward(self, input: Tensor, residual: Tensor | None = None) -> Tensor:
        if type(input) is not Tensor or observed(input):
            return self._observed(input, residual)
        return self._run(input, residual)

    def _observed(self, input: Tensor, residual: Tensor | None) -> Tensor:
        """Where torch records or transforms what is called it gets the operator of torch_ops.py; gradients are refused."""
        if isinstance(input, fx.Proxy):
            return self._operator(input, residual)
        if not isinstance(input, Tensor):
            raise TypeError(f"the input of a block-sparse layer must be a torch.Tensor, not {type(input).__name__}.")
        refuse_gradient(input)
        if torch.is_autocast_enabled(input.device.type) and input.dtype in FLOATING:
            return self._autocast(input, residual)
        return self._operator(input, residual)

    def _weight(self) -> tuple[Tensor | None, ...]:
        """The weight's tensors for an operator; ValueError under the ONNX exporter that traces, which asks for no decomposition."""
        if torch.jit.is_tracing() and torch.onnx.is_in_onnx_export():
            raise ValueError(
                "ONNX has no block-sparse layers: export `kernels.densify.densify(network)`, the same network with dense weights, "
                "or export with dynamo=True."
            )
        return tuple(getattr(self, name) for name in WEIGHT)

    def _autocast(self, input: Tensor, residual: Tensor | None) -> Tensor:
        device = input.device.type
        own = input.dtype if self.scale is not None else self.values.dtype
        with torch.autocast(device, enabled=False):
            y = self(input.to(own), None if residual is None else residual.to(own))
        return y.to(torch.get_autocast_dtype(device))

    def _apply(self, *arguments, **options) -> nn.Module:
        self._layout = Layout()
        kept = {} if self.scale is None else {name: getattr(self, name) for name in ("values", "scale")}
        super()._apply(*arguments, **options)
        for name, tensor in kept.items():  # half() and bfloat16() are for floating weights, not for quantized ones
            setattr(self, name, tensor.to(self.column.device))
        return self

    def _load_from_state_dict(self, *arguments, **options) -> None:
        self._layout = Layout()
        super()._load_from_state_dict(*arguments, **options)

    def __prepare_scriptable__(self) -> None:
        raise ValueError("torch.jit.script cannot compile block-sparse layers: use torch.export or torch.jit.trace.")

    def __getstate__(self) -> dict:
        return {**self.__dict__, "_layout": Layout()}  # a copy lays its own weight out

    def extra_repr(self) -> str:
        packed = self.packed
        return f"{list(self.shape)}, block={packed.bn}x{packed.bk}, density={packed.density:.3f}, activation={self.activation}"


class BlockSparseLinear(_BlockSparse):
    """act(x @ weight.T + bias + residual); takes the place of nn.Linear in inference.

    packed: of a weight [N, K]; bias: [N]; activation: None, "relu" or "gelu".
    forward: input [..., K] and, if wanted, residual [..., N] -> [..., N], of input's dtype.
    """

    def __init__(self, packed: Packed, bias: Tensor | None = None, activation: str | None = None) -> None:
        super().__init__(packed, bias, activation)
        if len(self.shape) != 2:
            raise ValueError(f"a weight of shape {self.shape} is a convolution's: use BlockSparseConv2d.")

    @classmethod
    def from_dense(cls, layer: nn.Linear, bn: int, bk: int) -> "BlockSparseLinear":
        """The layer with its zero blocks left out."""
        return cls(pack(layer.weight, bn, bk), layer.bias)

    def _run(self, input: Tensor, residual: Tensor | None) -> Tensor:
        return run_linear(input, self.prepared(input.dtype), self._buffers["bias"], residual, self.activation)

    def _operator(self, input: Tensor, residual: Tensor | None) -> Tensor:
        return torch.ops.lacuna.block_sparse_linear(input, *self._weight(), residual, self.shape, self.activation)


class BlockSparseConv2d(_BlockSparse):
    """act(conv2d(x, weight) + bias + residual); takes the place of nn.Conv2d in inference.

    packed: of a weight [N, C, KH, KW]; bias: [N]; stride, padding and dilation as in nn.Conv2d, padding by zeros and in numbers;
    activation: None, "relu" or "gelu". Groups are not supported.
    forward: input [B, C, H, W] and, if wanted, residual [B, N, OH, OW] -> [B, N, OH, OW] of input's dtype in channels-last memory.
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

    def _run(self, input: Tensor, residual: Tensor | None) -> Tensor:
        prepared, bias = self.prepared(input.dtype), self._buffers["bias"]
        return run_conv2d(input, prepared, bias, residual, self.stride, self.padding, self.dilation, self.activation)

    def _operator(self, input: Tensor, residual: Tensor | None) -> Tensor:
        geometry = (self.shape, self.stride, self.padding, self.dilation)
        return torch.ops.lacuna.block_sparse_conv2d(input, *self._weight(), residual, *geometry, self.activation)


def pair(value: int | tuple[int, int]) -> tuple[int, int]:
    """One number for both directions, or a number for each, as torch's layers take them."""
    return (value, value) if isinstance(value, int) else tuple(value)


def has_hooks(module: nn.Module) -> bool:
    """Whether a call of the module does more than its forward(): a hook may change what goes in or comes out."""
    return bool(module._forward_hooks or module._forward_pre_hooks)


def why_not(layer: nn.Conv2d | nn.Linear) -> str | None:
    """Why a layer cannot be block-sparse whatever its weights; None if it can."""
    if is_parametrized(layer):
        return "a parametrization computes its weight: call torch.nn.utils.parametrize.remove_parametrizations before"
    if type(layer) not in (nn.Conv2d, nn.Linear):
        return f"it is a {type(layer).__name__}, whose weight others may read or which may compute something else"
    if has_hooks(layer):
        return "it has forward hooks, which a block-sparse layer would not call: remove them, if that is right, before"
    if isinstance(layer, nn.Linear):
        return None
    if layer.groups != 1:
        return f"it has {layer.groups} groups"
    if layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        return f"its padding is `{layer.padding if layer.padding_mode == 'zeros' else layer.padding_mode}`, not zeros in numbers"
    return None
