"""VGG-16 for small images: Simonyan and Zisserman (2015), configuration D, with batch norm and one linear layer.

Tensors carry the names that the public CIFAR VGGs of this type carry (`features.0.weight`, `classifier.weight`).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

# Output channels of each convolution, by stage; a pooling ends each stage.
VGG16_STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class Halving(nn.Module):
    """Max pooling over 2 x 2 pixels, left out once a side has one pixel only, so that 8 x 8 images pass too."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Images (B, C, H, W) to (B, C, H // 2, W // 2), or unchanged."""
        return functional.max_pool2d(inputs, 2) if min(inputs.shape[-2:]) > 1 else inputs


class Vgg(nn.Module):
    """Convolutions with batch norm and ReLU in five stages, the mean over pixels, and a linear layer."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width_in = channels
        for stage in VGG16_STAGES:
            for width in stage:
                layers += [nn.Conv2d(width_in, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
                width_in = width
            layers.append(Halving())
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(width_in, classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (B, K) of images (B, C, H, W)."""
        return self.classifier(torch.mean(self.features(inputs), (2, 3)))
