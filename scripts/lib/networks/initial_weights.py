"""Initial weights for networks with ReLUs."""

from torch import nn


def he_normal(network: nn.Module) -> nn.Module:
    """Draw the convolutions of a network anew, in the order of its modules from torch's global stream, and zero all biases; gives it back.

    Weights of convolutions are normal with variance 2 / fan-out, the number of output channels times the size of the filter (He et al. 2015,
    "Delving Deep into Rectifiers", arXiv 1502.01852, equation 14). Dense layers keep the weights, and batch norms the gain 1 and shift 0,
    that torch gives them.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)
    return network
