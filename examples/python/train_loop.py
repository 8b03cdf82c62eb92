#!/usr/bin/env python3
# examples/python/train_loop.py - a segmenter is trained with the noise filter in the loop: on a CUDA device nothing leaves it.
# SPDX-License-Identifier: MIT
"""train_loop.py [--device cuda] [--steps N]

A made-up world: scenes of colored rectangles. Synthetic images differ from their masks in some places, as those of
generators do. A teacher learns on a few real images; then a student learns on synthetic ones, whose masks are filtered
in each step by what the teacher loses on them. Prints how much of what is wrong was dropped, and of what is right."""
import argparse

import freemask
import torch
from torch import nn
from torch.nn import functional

CLASSES, SIDE, IGNORED = 6, 64, 255
LABELS = freemask.Labels.from_classes(CLASSES, [IGNORED])


def scenes(count, generator, device):
    """Masks [N, H, W], uint8."""
    masks = torch.zeros(count, SIDE, SIDE, dtype=torch.uint8)
    for mask in masks:
        for _ in range(8):
            x, y, width, height = torch.randint(4, SIDE // 2, (4,), generator=generator).tolist()
            mask[y:y + height, x:x + width] = torch.randint(CLASSES, (1,), generator=generator).item()
    return masks.to(device)


def pictures(masks, colors):
    """Images [N, 3, H, W] of masks."""
    images = colors[masks.long()].permute(0, 3, 1, 2)
    return images + 0.15 * torch.randn_like(images)


def spoiled(masks):
    """What a generator shows instead of `masks`: in one corner of each, the next class."""
    shown = masks.clone()
    shown[:, :SIDE // 3, :SIDE // 2] = (shown[:, :SIDE // 3, :SIDE // 2] + 1) % CLASSES
    return shown


def network():
    """Logits at a quarter of the size."""
    return nn.Sequential(nn.Conv2d(3, 32, 5, 2, 2), nn.ReLU(), nn.Conv2d(32, 32, 3, 2, 1), nn.ReLU(),
                         nn.Conv2d(32, CLASSES, 3, 1, 1))


def step(model, optimizer, images, masks):
    logits = functional.interpolate(model(images), masks.shape[1:], mode="bilinear")
    loss = functional.cross_entropy(logits, masks.long(), ignore_index=IGNORED)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def train_teacher(images, masks, steps):
    teacher = network().to(images.device)
    optimizer = torch.optim.Adam(teacher.parameters(), 3e-3)
    for _ in range(steps):
        step(teacher, optimizer, images, masks)
    return teacher.eval()


@torch.no_grad()
def losses(teacher, images, masks):
    return freemask.loss_map(teacher(images), masks, labels=LABELS)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--steps", type=int, default=100)
    given = parser.parse_args()
    torch.manual_seed(1)
    generator = torch.Generator().manual_seed(1)
    colors = torch.rand(CLASSES, 3, generator=generator).to(given.device)

    real = scenes(32, generator, given.device)
    real_images = pictures(real, colors)
    teacher = train_teacher(real_images, real, given.steps)
    stats = freemask.ClassStats(LABELS).add(real, losses(teacher, real_images, real))
    noise = freemask.NoiseFilter(stats)  # waits for the statistics, once

    student = network().to(given.device)
    optimizer = torch.optim.Adam(student.parameters(), 3e-3)
    counts = torch.zeros(4, dtype=torch.int64, device=given.device)
    for _ in range(given.steps):
        masks = scenes(8, generator, given.device)
        shown = spoiled(masks)
        images = pictures(shown, colors)
        kept = noise.apply(masks, losses(teacher, images, masks))  # waits for nothing
        step(student, optimizer, images, kept)
        wrong, dropped = shown != masks, kept == IGNORED
        counts += torch.stack([(wrong & dropped).sum(), wrong.sum(), (~wrong & dropped).sum(), (~wrong).sum()])
    freemask.check()  # once: were there bad values?
    found, wrong, lost, right = counts.tolist()
    print(f"{given.device}: dropped {100 * found / wrong:.1f} % of the wrong pixels, {100 * lost / right:.1f} % of the right ones")


if __name__ == "__main__":
    main()
