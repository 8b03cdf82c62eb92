#!/usr/bin/env python3
# trainers/smp_unet.py - filtered masks for a network of segmentation_models.pytorch: smp_unet.py [EPOCHS [SEEDS]]
# SPDX-License-Identifier: MIT
"""Trains a Unet, of random weights, on synthetic images whose masks are wrong in places: as they are, and with what a
Unet that was trained on real images does not trust ignored. Prints what the filter found, and the mean IoU on other
images. The images are those of pytorch.py: replace them and `unet` by your own."""
import sys

import freemask
import segmentation_models_pytorch as smp
import torch
from pytorch import CLASSES, LABELS, Pictures
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset


def unet(seed):
    torch.manual_seed(seed)
    return smp.Unet("resnet18", encoder_weights=None, classes=CLASSES, encoder_depth=3, decoder_channels=(32, 16, 16))


def train(net, images, masks, epochs):
    """Each part of the loss knows which pixels are ignored."""
    dice = smp.losses.DiceLoss("multiclass", ignore_index=255)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    net.train()
    for _ in range(epochs):
        for some, labels in DataLoader(TensorDataset(images, masks.long()), batch_size=8, shuffle=True):
            logits = net(some)
            loss = dice(logits, labels) + cross_entropy(logits, labels, ignore_index=255)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


@torch.inference_mode()
def losses(net, images, masks):
    """Loss maps [N, H, W]."""
    return freemask.loss_map(net.eval()(images), masks)


@torch.inference_mode()
def mean_iou(net, data):
    counts = smp.metrics.get_stats(net.eval()(data.images).argmax(1), data.masks.long(), mode="multiclass", num_classes=CLASSES)
    return float(smp.metrics.iou_score(*counts, reduction="macro"))


def once(epochs, seed):
    """(mean IoU trained on the masks as they are, on the filtered ones)"""
    real, synthetic, other = Pictures(32, 3 * seed + 1), Pictures(64, 3 * seed + 2, noisy=True), Pictures(32, 3 * seed + 3)
    teacher = unet(seed)
    train(teacher, real.images, real.masks, epochs)
    stats = freemask.ClassStats(LABELS).add(real.masks, losses(teacher, real.images, real.masks))
    filtered = freemask.NoiseFilter(stats).apply(synthetic.masks, losses(teacher, synthetic.images, synthetic.masks))
    wrong, dropped = synthetic.masks != Pictures(64, 3 * seed + 2).masks, filtered == 255
    print(f"seed {seed}: dropped {float(dropped[wrong].float().mean()):.1%} of the wrong pixels, "
          f"{float(dropped[~wrong].float().mean()):.1%} of the right ones")
    results = []
    for masks in (synthetic.masks, filtered):
        net = unet(seed + 1000)
        train(net, synthetic.images, masks, epochs)
        results.append(mean_iou(net, other))
    return results


def main(epochs=12, seeds=1):
    results = torch.tensor([once(epochs, seed) for seed in range(seeds)])
    for name, found in zip(("as they are", "filtered"), results.T.tolist()):
        print(f"masks {name}: mean IoU {sum(found) / seeds:.3f} (each seed: {', '.join(f'{one:.3f}' for one in found)})")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
