#!/usr/bin/env python3
# plugin_torchscript/train_small.py - trains a small segmentation network and saves it as TorchScript.
# SPDX-License-Identifier: MIT
"""Takes a folder with images/ and masks/ (what `freemask demo WORLD` puts into WORLD/real) and writes
a network for the plug-in: RGB of 0 to 1 in, logits of a quarter of its size out. About a minute on
two cores. The same seed gives the same network on the same machine and number of threads."""
import argparse
import os
import time

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional as F


def block(inputs, outputs, stride=1, dilation=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False),
                         nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class Small(nn.Module):
    """An encoder to a sixteenth and a way back to a quarter: 0.4 million parameters."""

    def __init__(self, classes):
        super().__init__()
        self.quarter = nn.Sequential(block(3, 24, 2), block(24, 48, 2), block(48, 48))
        self.eighth = nn.Sequential(block(48, 64, 2), block(64, 64))
        self.deep = nn.Sequential(block(64, 96, 2), block(96, 96, dilation=2), block(96, 96, dilation=4))
        self.up = block(96 + 64, 64)
        self.fuse = block(64 + 48, 64)
        self.head = nn.Conv2d(64, classes, 1)

    def forward(self, x):
        a = self.quarter(x)
        b = self.eighth(a)
        c = self.deep(b)
        c = F.interpolate(c, size=b.shape[2:], mode="bilinear", align_corners=False)
        b = self.up(torch.cat([b, c], 1))
        b = F.interpolate(b, size=a.shape[2:], mode="bilinear", align_corners=False)
        return self.head(self.fuse(torch.cat([a, b], 1)))


def read_set(folder):
    """[(3, H, W) uint8, (H, W) int64] of every mask with an image."""
    pairs = []
    for name in sorted(os.listdir(f"{folder}/masks")):
        stem = os.path.splitext(name)[0]
        for ending in (".jpg", ".jpeg", ".png"):
            path = f"{folder}/images/{stem}{ending}"
            if os.path.exists(path):
                image = np.asarray(Image.open(path).convert("RGB"))
                mask = np.asarray(Image.open(f"{folder}/masks/{name}"))
                pairs.append((torch.from_numpy(image.copy()).permute(2, 0, 1),
                              torch.from_numpy(mask.astype(np.int64))))
                break
    return pairs


def augmented(pair, crop, rng):
    """A crop, perhaps mirrored, in other light: synthetic images are lit otherwise, too."""
    image, mask = pair
    height, width = mask.shape
    y, x = rng.integers(0, height - crop + 1), rng.integers(0, width - crop + 1)
    image = image[:, y:y + crop, x:x + crop].float() / 255
    mask = mask[y:y + crop, x:x + crop]
    if rng.random() < 0.5:
        image, mask = image.flip(2), mask.flip(1)
    gain = torch.tensor(rng.uniform(0.7, 1.3) * rng.uniform(0.9, 1.1, 3), dtype=torch.float32)
    image = (image - 0.5) * float(rng.uniform(0.8, 1.2)) + 0.5 + float(rng.uniform(-0.1, 0.1))
    return (image * gain.view(3, 1, 1)).clamp(0, 1), mask


def train(pairs, classes, ignore, steps, batch, seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    crop = min(192, *(min(mask.shape) for _, mask in pairs))
    net = Small(classes)
    optimiser = torch.optim.AdamW(net.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    begin, mean = time.monotonic(), 0.0
    for step in range(steps):
        chosen = [augmented(pairs[i], crop, rng) for i in rng.integers(0, len(pairs), batch)]
        images, masks = (torch.stack(part) for part in zip(*chosen))
        logits = F.interpolate(net(images), size=masks.shape[1:], mode="bilinear", align_corners=False)
        loss = F.cross_entropy(logits, masks, ignore_index=ignore)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        mean += (float(loss) - mean) / min(step + 1, 20)
        if step % 50 == 49 or step + 1 == steps:
            print(f"step {step + 1:4d} of {steps}, loss {mean:.3f}, {time.monotonic() - begin:.0f} s", flush=True)
    return net.eval()


def main():
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", help="holds images/ and masks/")
    parser.add_argument("output", help="the network, e.g. small.pt")
    parser.add_argument("--classes", type=int, default=11, help="K (default 11, as the demo's)")
    parser.add_argument("--ignore", type=int, default=11, help="label without supervision (default 11)")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    pairs = read_set(options.folder)
    if not pairs:
        parser.error(f"no pairs of {options.folder}/images and {options.folder}/masks")
    net = train(pairs, options.classes, options.ignore, options.steps, options.batch, options.seed)
    torch.jit.script(net).save(options.output)


if __name__ == "__main__":
    main()
