# ablation/mask2former.py - a network that classifies masks, in whose loss an ignored pixel is not ignored by itself.
# SPDX-License-Identifier: MIT
"""transformers' Mask2Former on a small ResNet, all of random weights. Its loss trains an ignored pixel as background of every
mask, its own class's included; with `ignoring`, `freemask.transformers.true_ignore` leaves such pixels out."""
from __future__ import annotations

import freemask
import freemask.transformers
import torch
from network import IGNORED
from torch import nn
from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, ResNetConfig


class Net(nn.Module):
    """RGB [N, 3, H, W] to scores [N, K, H/4, W/4]: the sum over queries of the probabilities of class and mask."""

    rate = 2e-3

    def __init__(self, classes: int, width: int, ignoring: bool) -> None:
        super().__init__()
        w = 2 * width
        backbone = ResNetConfig(embedding_size=w, hidden_sizes=[w, 2 * w, 4 * w, 4 * w], depths=[1, 1, 1, 1], layer_type="basic",
                                out_features=["stage1", "stage2", "stage3", "stage4"])
        self.model = Mask2FormerForUniversalSegmentation(Mask2FormerConfig(
            backbone_config=backbone, feature_size=32, mask_feature_size=32, hidden_dim=32, encoder_feedforward_dim=64,
            encoder_layers=1, decoder_layers=3, num_attention_heads=2, dim_feedforward=64, num_queries=16, num_labels=classes,
            train_num_points=512))
        if ignoring:
            freemask.transformers.true_ignore(self.model)
        self.collate = freemask.transformers.Collator(freemask.Labels.from_classes(classes, IGNORED), "masks")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        made = self.model(pixel_values=images)
        return torch.einsum("bqc,bqhw->bchw", made.class_queries_logits.softmax(-1)[..., :-1], made.masks_queries_logits.sigmoid())

    def loss(self, images: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Weights are not looked at: the loss knows none."""
        loss: torch.Tensor = self.model(**self.collate(list(zip(images, targets)))).loss
        return loss
