# ablation/network.py - a network small enough for a CPU: a U-Net of four steps, trained from nothing.
# SPDX-License-Identifier: MIT
from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

IGNORED = 255  # in targets
STRIDE = 2  # of the logits


def block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class Network(Protocol):
    """What `train` trains: a module from images [N, 3, H, W] to logits, or scores that are compared like them, [N, K, h, w]."""

    rate: float  # of learning
    __call__: Callable[[torch.Tensor], torch.Tensor]
    parameters: Callable[[], Iterator[nn.Parameter]]
    eval: Callable[[], Network]

    def loss(self, images: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Of images [N, 3, H, W], targets and weights [N, H, W]."""


class Net(nn.Module):
    """RGB [N, 3, H, W] to logits [N, K, H/2, W/2] at the pixels (0, 0), (0, 2), ..."""

    rate = 6e-3

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        w = width
        self.at_2 = block(3, w, 2)
        self.at_4 = nn.Sequential(block(w, 2 * w, 2), block(2 * w, 2 * w))
        self.at_8 = nn.Sequential(block(2 * w, 4 * w, 2), block(4 * w, 4 * w))
        self.at_16 = nn.Sequential(block(4 * w, 4 * w, 2), block(4 * w, 4 * w))
        self.up_8, self.up_4 = block(8 * w, 4 * w), block(6 * w, 2 * w)
        self.head = nn.Sequential(block(3 * w, 2 * w), nn.Conv2d(2 * w, classes, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.at_2(x)
        b = self.at_4(a)
        c = self.at_8(b)
        d = self.at_16(c)
        c = self.up_8(joined(d, c))
        b = self.up_4(joined(c, b))
        return self.head(joined(b, a))

    def loss(self, images: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """The weighted mean over the pixels that count: with weights of 1 what every trainer computes."""
        targets = targets[:, ::STRIDE, ::STRIDE]
        weights = weights[:, ::STRIDE, ::STRIDE] * (targets != IGNORED)
        each = F.cross_entropy(self(images), targets, ignore_index=IGNORED, reduction="none")
        return (each * weights).sum() / weights.sum().clamp(min=1)


def joined(deep: torch.Tensor, shallow: torch.Tensor) -> torch.Tensor:
    deep = F.interpolate(deep, size=shallow.shape[2:], mode="bilinear", align_corners=False)
    return torch.cat([deep, shallow], 1)


def to_input(images: np.ndarray) -> torch.Tensor:
    """uint8 [N, H, W, 3] to float [N, 3, H, W] of -1 to 1."""
    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 127.5 - 1


# What is drawn for a step: images uint8 [N, H, W, 3], targets uint8 [N, H, W], weights float32 [N, H, W].
Batch = tuple[np.ndarray, np.ndarray, np.ndarray]


def augmented(batch: Batch, crop: int, rng: np.random.Generator) -> Batch:
    """Crops, perhaps mirrored. All three the same."""
    parts = []
    for image, target, weight in zip(*batch):
        height, width = target.shape
        y, x = rng.integers(0, max(height - crop, 0) + 1), rng.integers(0, max(width - crop, 0) + 1)
        step = -1 if rng.random() < 0.5 else 1
        parts.append([plane[y:y + crop, x:x + crop][:, ::step] for plane in (image, target, weight)])
    images, targets, weights = (np.stack(part) for part in zip(*parts))
    return images, targets, weights


def unet(classes: int, width: int) -> Net:
    return Net(classes, width).to(memory_format=torch.channels_last)


def train(draw: Callable[[int], Batch], make: Callable[[], Network], steps: int, seed: int, crop: int) -> Network:
    """`draw(step)` gives what a step is trained on. The same seed gives the same network on the same kind of machine."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = make()
    optimizer = torch.optim.AdamW(net.parameters(), lr=net.rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, net.rate, total_steps=steps, pct_start=0.2)
    for step in range(steps):
        images, targets, weights = augmented(draw(step), crop, rng)
        light = torch.from_numpy(rng.uniform(0.8, 1.2, (len(images), 1, 1, 1)).astype(np.float32))
        loss = net.loss((to_input(images) * light).contiguous(memory_format=torch.channels_last),
                        torch.from_numpy(np.ascontiguousarray(targets)).long(), torch.from_numpy(np.ascontiguousarray(weights)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return net.eval()


@torch.no_grad()
def logits_of(net: Network, images: np.ndarray, batch: int = 16) -> np.ndarray:
    """float32 [N, K, H, W], at the size of the images."""
    parts = []
    for first in range(0, len(images), batch):
        some = to_input(images[first:first + batch])
        low = net(some.contiguous(memory_format=torch.channels_last))
        parts.append(F.interpolate(low, size=some.shape[2:], mode="bilinear", align_corners=False).contiguous().numpy())
    return np.concatenate(parts)
