"""What every kernel must compute, in dense float64, and the one measure of how far from it a result is."""

import torch
from torch import Tensor
from torch.nn import functional

ACTIVATIONS = {"relu": functional.relu, "gelu": functional.gelu}


def check_activation(activation: str | None) -> str | None:
    """The name itself, or ValueError if there is no such activation."""
    if activation is not None and activation not in ACTIVATIONS:
        raise ValueError(
            f"there is no activation `{activation}`: choose {' or '.join(f'`{name}`' for name in ACTIVATIONS)}."
        )
    return activation


def _finish(
    y: Tensor, scale: Tensor | None, bias: Tensor | None, residual: Tensor | None, activation: str | None
) -> Tensor:
    """act(y * scale + bias + residual); the channel is the last dimension of y."""
    y = y if scale is None else y * scale.double()
    y = y if bias is None else y + bias.double()
    y = y if residual is None else y + residual.double()
    return y if check_activation(activation) is None else ACTIVATIONS[activation](y)


def linear(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    residual: Tensor | None = None,
    activation: str | None = None,
    scale: Tensor | None = None,
) -> Tensor:
    """y[..., n] = act(scale[n] * sum over k of x[..., k] * weight[n, k] + bias[n] + residual[..., n]) in float64.

    x: [..., K]; weight: [N, K]; bias, scale: [N]; residual: [..., N]; activation: None, "relu" or "gelu". Returns [..., N].
    """
    return _finish(x.double() @ weight.double().T, scale, bias, residual, activation)


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    residual: Tensor | None = None,
    activation: str | None = None,
    scale: Tensor | None = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
) -> Tensor:
    """The same for a convolution of NHWC images in float64.

    x: [B, H, W, C]; weight: [N, C, KH, KW]; bias, scale: [N]; residual and the result: [B, OH, OW, N].
    """
    y = functional.conv2d(x.double().permute(0, 3, 1, 2), weight.double(), None, stride, padding, dilation)
    return _finish(y.permute(0, 2, 3, 1), scale, bias, residual, activation)


def relative_rms(y: Tensor, reference: Tensor) -> float:
    """sqrt(mean((y - reference)^2) / mean(reference^2)) in float64; infinite where y is not zero but the reference is.

    Raises ValueError for tensors of different shapes: broadcasting would hide a mistake.
    """
    if y.shape != reference.shape:
        raise ValueError(f"a result of shape {list(y.shape)} cannot be compared with {list(reference.shape)}.")
    y, reference = y.detach().cpu().double(), reference.detach().cpu().double()
    error, size = (y - reference).square().sum(), reference.square().sum()
    return float(torch.sqrt(error / size)) if size > 0 else (0.0 if error == 0 else float("inf"))
