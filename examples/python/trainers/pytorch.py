#!/usr/bin/env python3
# trainers/pytorch.py - the method in a training loop of PyTorch: pytorch.py [EPOCHS]
# SPDX-License-Identifier: MIT
"""Trains a small network on random images, real and synthetic, whose synthetic masks are wrong in places: losses, filter,
plan and order as in doc/trainers/pytorch.md. Replace `Pictures` and `net` by your own."""
import os
import sys
import tempfile

import freemask
import freemask.torch
import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import ConcatDataset, DataLoader, Dataset

CLASSES, SIZE = 4, 48
LABELS = freemask.Labels.from_classes(["sky", "wall", "road", "car"])


class Pictures(Dataset):
    """Images of colored rectangles; of a noisy set some masks have a rectangle that is not in the image."""

    def __init__(self, count, seed, noisy=False):
        draw = torch.Generator().manual_seed(seed)
        self.stems = [f"{seed}-{i}" for i in range(count)]
        self.masks = torch.zeros(count, SIZE, SIZE, dtype=torch.uint8)
        for mask in self.masks:
            self._rectangles(mask, 6, draw)
        colors = torch.tensor([[0.2, 0.5, 0.9], [0.7, 0.6, 0.5], [0.3, 0.3, 0.3], [0.9, 0.2, 0.1]])
        self.images = colors[self.masks.long()].permute(0, 3, 1, 2) + 0.15 * torch.randn(count, 3, SIZE, SIZE, generator=draw)
        if noisy:
            for mask in self.masks[::2]:
                self._rectangles(mask, 1, draw)

    @staticmethod
    def _rectangles(mask, count, draw):
        for _ in range(count):
            x, y, width, height, k = (int(torch.randint(n, (), generator=draw)) for n in (40, 40, 24, 24, CLASSES))
            mask[y:y + height, x:x + width] = k

    def __len__(self):
        return len(self.masks)

    def __getitem__(self, i):
        return self.images[i], self.masks[i]


def train(net, loader, epochs):
    optimizer, last = torch.optim.Adam(net.parameters(), 0.01), float("nan")
    for _ in range(epochs):
        for images, masks in loader:
            loss = cross_entropy(net(images), masks.long(), ignore_index=255)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            last = loss.item()
    return last


@torch.inference_mode()
def losses(net, data):
    """(stem, mask, loss map) of each image."""
    for stem, (image, mask) in zip(data.stems, data):
        yield stem, mask, freemask.loss_map(net(image[None])[0], mask)


def network():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(16, CLASSES, 3, padding=1))


def main(epochs):
    torch.manual_seed(0)
    real, synthetic = Pictures(16, 1), Pictures(32, 2, noisy=True)
    teacher = network()
    train(teacher, DataLoader(real, batch_size=8, shuffle=True), 10 * epochs)

    stats = freemask.ClassStats(LABELS)
    for _, mask, loss in losses(teacher, real):
        stats.add(mask, loss)
    freemask.torch.all_reduce(stats)  # with torchrun: each process has added its own part
    path = os.path.join(tempfile.mkdtemp(), "ignore.npz")
    with freemask.IgnoreMapWriter(path, stats) as maps:
        for stem, mask, loss in losses(teacher, synthetic):
            maps.add(stem, mask, loss)

    clean = freemask.torch.FilteredDataset(synthetic, path, tolerance=1.25, ids=synthetic.stems)
    both = ConcatDataset([real, clean])
    sampler = freemask.torch.ScheduleSampler(freemask.Schedule(real=len(real), synthetic=len(clean), seed=0), both)
    student = network()
    last = train(student, DataLoader(both, batch_size=8, sampler=sampler, num_workers=2), epochs)
    dropped = sum(int((mask == 255).sum()) for _, mask in clean)
    print(f"dropped {dropped / synthetic.masks.numel():.1%} of the synthetic pixels; loss {last:.3f} after {epochs} epochs")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
