"""Small networks of the structures that are tested, with zero blocks in their weights and BatchNorms that have seen data."""

import torch
from torch import nn

from kernels.packed import pack, unpack


def drop_blocks(weight: torch.Tensor, bn: int, bk: int, sparsity: float) -> torch.Tensor:
    """The weight with the same share of random blocks zero in each block row, at least one left."""
    rows, columns = -(-weight.shape[0] // bn), weight[0].numel() // bk
    kept = torch.rand(rows, columns).argsort(1).argsort(1) < max(1, round((1 - sparsity) * columns))
    return unpack(pack(weight, bn, bk, mask=kept))


def prune(model: nn.Module, bn: int, bk: int, sparsity: float) -> nn.Module:
    """The network in inference with zero blocks in each weight that can have them, and with statistics in its BatchNorms."""
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)) and module.weight.shape[1] % bk == 0:
                module.weight.copy_(drop_blocks(module.weight, bn, bk, sparsity))
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.2)
    return model.eval()


def plain(channels=(8, 16, 16), classes=10) -> nn.Sequential:
    layers = []
    for before, after in zip((3, *channels), channels, strict=False):
        layers += [nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels[-1], classes))


def vgg(channels=16, classes=10) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, channels, 5, padding=2), nn.BatchNorm2d(channels), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(channels, 2 * channels, (3, 1), padding=(1, 0)), nn.ReLU(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(2 * channels * 16, 64), nn.ReLU(), nn.Dropout(), nn.Linear(64, classes),
    )  # fmt: skip


class Basic(nn.Module):
    """A residual block as in the first ResNets."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after)
        self.relu, self.downsample = nn.ReLU(inplace=True), None
        if stride > 1 or before != after:
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += x if self.downsample is None else self.downsample(x)
        return self.relu(out)


class Residual(nn.Module):
    """Stem, stages of two residual blocks, mean, linear."""

    def __init__(self, channels=(8, 16), classes=10) -> None:
        super().__init__()
        self.stem, self.bn = nn.Conv2d(3, channels[0], 3, 1, 1, bias=False), nn.BatchNorm2d(channels[0])
        blocks, before = [], channels[0]
        for stage, after in enumerate(channels):
            blocks += [Basic(before, after, 1 if stage == 0 else 2), Basic(after, after, 1)]
            before = after
        self.body, self.pool, self.head = (
            nn.Sequential(*blocks),
            nn.AdaptiveAvgPool2d((1, 1)),
            nn.Linear(before, classes),
        )

    def forward(self, x):
        x = self.body(torch.relu(self.bn(self.stem(x))))
        return self.head(torch.flatten(self.pool(x), 1))


class Wide(nn.Module):
    """A block as in wide ResNets, which normalizes before it convolves."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(before), nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(after), nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.shortcut = None if before == after and stride == 1 else nn.Conv2d(before, after, 1, stride, bias=False)

    def forward(self, x):
        first = torch.relu(self.bn1(x))
        out = self.conv2(nn.functional.relu(self.bn2(self.conv1(first))))
        return out + (x if self.shortcut is None else self.shortcut(first))


class WideResidual(nn.Module):
    def __init__(self, channels=(8, 16), classes=10) -> None:
        super().__init__()
        self.stem, blocks, before = nn.Conv2d(3, 8, 3, 1, 1, bias=False), [], 8
        for stage, after in enumerate(channels):
            blocks += [Wide(before, after, 1 if stage == 0 else 2), Wide(after, after, 1)]
            before = after
        self.body, self.bn, self.head = nn.Sequential(*blocks), nn.BatchNorm2d(before), nn.Linear(before, classes)

    def forward(self, x):
        return self.head(torch.relu(self.bn(self.body(self.stem(x)))).mean((2, 3)))


class Transformer(nn.Module):
    """A vision transformer's parts: patches, one attention block, one MLP."""

    def __init__(self, width=32, classes=10) -> None:
        super().__init__()
        self.patches, self.qkv, self.out = (
            nn.Conv2d(3, width, 4, 4),
            nn.Linear(width, 3 * width),
            nn.Linear(width, width),
        )
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        q, k, v = self.qkv(self.norm1(x)).chunk(3, -1)
        x = x + self.out(nn.functional.scaled_dot_product_attention(q, k, v))
        return self.head((x + self.mlp(self.norm2(x))).mean(1))
