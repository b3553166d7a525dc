"""ResNet-50 as He et al. 2015 (arXiv 1512.03385, table 1) have it, which is not the one that torchvision calls so.

In torchvision's ("v1.5") the 3x3 convolution of a stage's first block halves the image; in the paper's, and in the networks of "What Do
Compressed Deep Neural Networks Forget?", it is the 1x1 convolution before it. As there, the last batch norm of each block begins at zero
(Goyal et al. 2017, arXiv 1706.02677, section 5.1).
"""

from torch import nn

from scripts.lib.networks.torchvision_ops import declare_missing_operators


def resnet50_v1(classes: int) -> nn.Module:
    """torchvision's layers and initial weights, with the strides and the zeros of the above."""
    declare_missing_operators()
    from torchvision.models import resnet50

    network = resnet50(num_classes=classes, zero_init_residual=True)
    for stage in (network.layer2, network.layer3, network.layer4):
        first = stage[0]
        first.conv1.stride, first.conv2.stride = first.conv2.stride, first.conv1.stride
    return network
