"""The way back: a network whose block-sparse layers are torch's own again, for what cannot read sparse ones, as ONNX."""

import copy

import torch
from torch import nn

from kernels.folding import replace
from kernels.layers import BlockSparseConv2d, BlockSparseLinear
from kernels.packed import unpack

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU}


def densify(network: nn.Module) -> nn.Module:
    """A copy that computes the same with dense weights, zeros included: nn.Linear and nn.Conv2d in the place of block-sparse layers.

    Weights are of their bias's dtype, or as they were packed; those packed in 8 bits are float32 without a bias. A layer with an activation becomes two, and a network that gives such layers
    a residual must add it itself. It does not need kernels/ where it is loaded.
    """
    with torch.inference_mode(False), torch.no_grad():
        network = copy.deepcopy(network)
        for name, layer in list(network.named_modules(remove_duplicate=False)):
            if isinstance(layer, (BlockSparseConv2d, BlockSparseLinear)):
                if not name:
                    return _dense(layer)
                replace(network, name, _dense(layer))
    return network


def _dense(layer: BlockSparseConv2d | BlockSparseLinear) -> nn.Module:
    weight, has_bias = unpack(layer.packed), layer.bias is not None
    weight = weight.to(layer.bias.dtype) if has_bias else weight
    if isinstance(layer, BlockSparseConv2d):
        n, channels, *size = layer.shape
        dense = nn.Conv2d(channels, n, size, layer.stride, layer.padding, layer.dilation, bias=has_bias, device="meta")
    else:
        dense = nn.Linear(layer.shape[1], layer.shape[0], has_bias, device="meta")
    dense.weight = nn.Parameter(weight, requires_grad=False)
    if has_bias:
        dense.bias = nn.Parameter(layer.bias.clone(), requires_grad=False)
    dense = dense.eval()
    return dense if layer.activation is None else nn.Sequential(dense, ACTIVATIONS[layer.activation]()).eval()
