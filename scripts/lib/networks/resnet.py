"""ResNet-18 with the stem that papers on CIFAR and TinyImageNet give it.

The network of He et al. 2015 (arXiv 1512.03385, table 1) begins with a 7x7 convolution of stride 2 and a max-pool, which leave little of an
image of 64 pixels or fewer; here a 3x3 convolution of stride 1 takes their place, and there is no max-pool. Shortcuts that change the number
of channels are 1x1 convolutions with a batch norm (option B).
"""

from torch import nn

from scripts.lib.networks.residual import residual_network
from scripts.lib.networks.widths import scaled

WIDTHS, BLOCKS = (64, 128, 256, 512), 2


def projection(before: int, after: int) -> nn.Sequential:
    """Option B: every second pixel, by a 1x1 convolution to the new number of channels, and a batch norm."""
    return nn.Sequential(nn.Conv2d(before, after, 1, 2, bias=False), nn.BatchNorm2d(after))


def resnet18_3x3(classes: int, width: float = 1.0) -> nn.Sequential:
    """A 3x3 stem, four stages of two blocks, global average pooling, one dense layer; width: a factor for all channels."""
    return residual_network(scaled(WIDTHS, width), BLOCKS, projection, classes)
