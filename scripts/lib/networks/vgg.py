"""VGG-16 with batch norms, for small images.

The thirteen 3x3 convolutions of configuration D (Simonyan & Zisserman 2014, arXiv 1409.1556, table 1), a batch norm behind each (Ioffe &
Szegedy 2015, arXiv 1502.03167). One dense layer takes the place of three, as papers on CIFAR have it. Convolutions keep the paper's biases,
which the batch norms make superfluous: counts of weights in the literature have them.
"""

from torch import nn

from scripts.lib.networks.initial_weights import he_normal
from scripts.lib.networks.widths import scaled

STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


def vgg16_bn(classes: int, width: float = 1.0) -> nn.Sequential:
    """Five stages of convolutions, each followed by a max-pool, global average pooling, one dense layer; width: a factor for all channels."""
    layers: list[nn.Module] = []
    before = 3
    for stage in STAGES:
        for after in scaled(stage, width):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
            before = after
        layers.append(nn.MaxPool2d(2, ceil_mode=True))  # or nothing would be left of images of fewer than 32 pixels
    return he_normal(nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, classes)))
