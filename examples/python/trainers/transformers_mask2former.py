#!/usr/bin/env python3
# trainers/transformers_mask2former.py - what ignoring does to Mask2Former: transformers_mask2former.py [STEPS [SEEDS]]
# SPDX-License-Identifier: MIT
"""Trains a small Mask2Former, of random weights, on images of colored blocks in whose masks a share of the pixels of each
class is ignored, as a filter leaves them; once as transformers does it, once with true_ignore. Prints the accuracy on
whole masks of other images."""
import sys

import freemask.transformers
import torch
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, SwinConfig

CLASSES, SIZE, IGNORED = 4, 32, 0.5
COLORS = torch.tensor([[0.2, 0.5, 0.9], [0.7, 0.6, 0.5], [0.3, 0.3, 0.3], [0.9, 0.2, 0.1]])


def pictures(count, draw):
    """(images, masks)"""
    blocks = torch.randint(CLASSES, (count, 2, 2), generator=draw)
    masks = blocks.repeat_interleave(SIZE // 2, 1).repeat_interleave(SIZE // 2, 2)
    images = COLORS[masks].permute(0, 3, 1, 2) + 0.1 * torch.randn(count, 3, SIZE, SIZE, generator=draw)
    return images, masks.to(torch.uint8)


def punched(masks, draw):
    """Masks with the ignore label at random squares of 4 x 4 pixels."""
    holes = torch.rand(len(masks), SIZE // 4, SIZE // 4, generator=draw) < IGNORED
    return masks.masked_fill(holes.repeat_interleave(4, 1).repeat_interleave(4, 2), 255)


def network(seed):
    torch.manual_seed(seed)
    swin = SwinConfig(image_size=SIZE, embed_dim=16, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4,
                      out_features=["stage1", "stage2", "stage3", "stage4"])
    return Mask2FormerForUniversalSegmentation(Mask2FormerConfig(
        backbone_config=swin, feature_size=32, mask_feature_size=32, hidden_dim=32, encoder_feedforward_dim=32, encoder_layers=1,
        decoder_layers=2, num_attention_heads=2, dim_feedforward=32, num_queries=8, num_labels=CLASSES, train_num_points=256))


def accuracy(model, images, masks):
    """(share of right pixels, mean of the sigmoid of the best mask at each pixel)"""
    with torch.inference_mode():
        made = model.eval()(pixel_values=images)
    up = torch.nn.functional.interpolate(made.masks_queries_logits, size=masks.shape[-2:], mode="bilinear", align_corners=False)
    scores = torch.einsum("bqc,bqhw->bchw", made.class_queries_logits.softmax(-1)[..., :-1], up.sigmoid())
    return (scores.argmax(1) == masks).float().mean().item(), up.sigmoid().amax(1).mean().item()


def train(seed, steps, ignoring):
    draw = torch.Generator().manual_seed(seed)
    model = network(seed)
    if ignoring:
        freemask.transformers.true_ignore(model)
    collate = freemask.transformers.Collator(CLASSES, "masks")
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    model.train()
    for _ in range(steps):
        images, masks = pictures(8, draw)
        loss = model(**collate(list(zip(images, punched(masks, draw))))).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return accuracy(model, *pictures(64, torch.Generator().manual_seed(999)))


def main(steps=60, seeds=1):
    for name, ignoring in (("as transformers trains", False), ("with true_ignore", True)):
        results = torch.tensor([train(seed, steps, ignoring) for seed in range(seeds)])
        right, sure = results.mean(0).tolist()
        print(f"{name}: {right:.1%} of the pixels are right (each seed: {', '.join(f'{one:.1%}' for one in results[:, 0].tolist())}); "
              f"the best mask at a pixel is {sure:.2f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
