"""ResNets for small images: He et al. (2016), Deep Residual Learning, section 4.2.

Tensors carry the names that the public CIFAR ResNets of this type carry (`layer1.0.conv1.weight`, `linear.weight`), so
that their checkpoints load. A network without shortcuts has the very same tensors as one with zero-padding shortcuts;
its stages are therefore called `plain1` to `plain3`, or nobody could tell a file of the one from a file of the other.
"""

from typing import Literal, assert_never

import torch
from torch import Tensor, nn
from torch.nn import functional

Shortcuts = Literal["zero-padding", "convolution", "none"]

WIDTHS = (16, 32, 64)
STRIDES = (1, 2, 2)


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions with batch norm, and a way around them.

    Where width or resolution change, `zero-padding` is option A of He et al. (every second pixel, new channels zero)
    and `convolution` option B (a 1 x 1 convolution with batch norm). `none` has no way around anywhere.
    """

    def __init__(self, width_in: int, width: int, stride: int, shortcuts: Shortcuts) -> None:
        super().__init__()
        self.shortcuts: Shortcuts = shortcuts
        self.stride = stride
        self.new_channels = width - width_in
        self.conv1 = nn.Conv2d(width_in, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = nn.Sequential()
        if shortcuts == "convolution" and (stride != 1 or self.new_channels):
            self.shortcut = nn.Sequential(
                nn.Conv2d(width_in, width, 1, stride=stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, inputs: Tensor) -> Tensor:
        """Images (B, width_in, H, W) to (B, width, ceil(H / stride), ceil(W / stride))."""
        hidden = functional.relu(self.bn1(self.conv1(inputs)))
        hidden = self.bn2(self.conv2(hidden))
        match self.shortcuts:
            case "zero-padding":
                hidden = hidden + self._padded(inputs)
            case "convolution":
                hidden = hidden + self.shortcut(inputs)
            case "none":
                pass
            case _:
                assert_never(self.shortcuts)
        return functional.relu(hidden)

    def _padded(self, inputs: Tensor) -> Tensor:
        if self.stride == 1 and not self.new_channels:
            return inputs
        before = self.new_channels // 2
        kept = inputs[:, :, :: self.stride, :: self.stride]
        return functional.pad(kept, (0, 0, 0, 0, before, self.new_channels - before))


class ResNet(nn.Module):
    """A 3 x 3 convolution, three stages of blocks (16, 32, 64 channels), the mean over pixels, a linear layer."""

    def __init__(self, depth: int, channels: int, classes: int, shortcuts: Shortcuts) -> None:
        super().__init__()
        blocks = (depth - 2) // 6
        self.conv1 = nn.Conv2d(channels, WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        stage_name = "plain" if shortcuts == "none" else "layer"
        self.stages = tuple(f"{stage_name}{number}" for number in (1, 2, 3))
        width_in = WIDTHS[0]
        for stage, width, stride in zip(self.stages, WIDTHS, STRIDES, strict=True):
            self.add_module(stage, _stage(blocks, width_in, width, stride, shortcuts))
            width_in = width
        self.linear = nn.Linear(width_in, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (B, K) of images (B, C, H, W)."""
        hidden = functional.relu(self.bn1(self.conv1(inputs)))
        for stage in self.stages:
            hidden = self.get_submodule(stage)(hidden)
        return self.linear(torch.mean(hidden, (2, 3)))


def _stage(blocks: int, width_in: int, width: int, stride: int, shortcuts: Shortcuts) -> nn.Sequential:
    first = BasicBlock(width_in, width, stride, shortcuts)
    return nn.Sequential(first, *(BasicBlock(width, width, 1, shortcuts) for _ in range(blocks - 1)))
