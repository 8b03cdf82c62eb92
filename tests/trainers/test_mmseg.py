#!/usr/bin/env python3
# trainers/test_mmseg.py - freemask.mmseg with MMSegmentation's own heads, and the paper's rule on its outputs.
# SPDX-License-Identifier: MIT
"""Heads are built from small configurations, and changed as in doc/trainers/mmseg.md. Losses with true ignore are
compared with the library's own where every pixel has a label; where some have none, with those of the library on what is
left."""
import copy
import warnings

import kit
import mmcv_kernels
import tap

assert mmcv_kernels
warnings.filterwarnings("ignore")
tap.need("numpy", "torch", "mmseg", "mmdet")
import freemask as fm
import mmseg
import numpy as np
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmengine.utils import import_modules_from_strings
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

import freemask.mmseg as fmm

import_modules_from_strings("mmseg.models")
CLASSES, SIZE = 5, 32
ATTENTION = {"embed_dims": 32, "num_heads": 2, "dropout": 0.0, "batch_first": True}
FEED = {"embed_dims": 32, "feedforward_channels": 16, "num_fcs": 2, "ffn_drop": 0.0, "act_cfg": {"type": "ReLU", "inplace": True}}
CLASS_LOSS = {"type": "mmdet.CrossEntropyLoss", "use_sigmoid": False, "loss_weight": 2.0, "class_weight": [1.0] * CLASSES + [0.1]}


def matcher(*costs):
    return {"assigner": {"type": "mmdet.HungarianAssigner", "match_costs": [{"type": "mmdet.ClassificationCost", "weight": 2.0}, *costs]},
            "sampler": {"type": "mmdet.MaskPseudoSampler"}}


def head(name):
    common = {"type": name, "in_channels": [16] * 4, "feat_channels": 32, "out_channels": 32, "num_classes": CLASSES, "num_queries": 8,
              "loss_cls": CLASS_LOSS, "positional_encoding": {"num_feats": 16, "normalize": True}}
    if "Mask2" in name:
        encoder = {"num_layers": 1, "layer_cfg": {"self_attn_cfg": {"embed_dims": 32, "num_heads": 2, "num_levels": 3, "num_points": 2,
                                                                    "dropout": 0.0, "batch_first": True}, "ffn_cfg": FEED}}
        common.update(strides=[4, 8, 16, 32], num_transformer_feat_level=3,
                      pixel_decoder={"type": "mmdet.MSDeformAttnPixelDecoder", "num_outs": 3, "norm_cfg": {"type": "GN", "num_groups": 4},
                                     "act_cfg": {"type": "ReLU"}, "encoder": encoder, "positional_encoding": {"num_feats": 16, "normalize": True}},
                      transformer_decoder={"return_intermediate": True, "num_layers": 2, "layer_cfg": {
                          "self_attn_cfg": ATTENTION, "cross_attn_cfg": ATTENTION, "ffn_cfg": FEED}},
                      loss_mask={"type": "mmdet.CrossEntropyLoss", "use_sigmoid": True, "reduction": "mean", "loss_weight": 5.0},
                      loss_dice={"type": "mmdet.DiceLoss", "use_sigmoid": True, "activate": True, "naive_dice": True, "eps": 1.0, "loss_weight": 5.0},
                      train_cfg={"num_points": 200, "oversample_ratio": 3.0, "importance_sample_ratio": 0.75, **matcher(
                          {"type": "mmdet.CrossEntropyLossCost", "weight": 5.0, "use_sigmoid": True},
                          {"type": "mmdet.DiceCost", "weight": 5.0, "pred_act": True, "eps": 1.0})})
    else:
        common.update(pixel_decoder={"type": "mmdet.PixelDecoder", "norm_cfg": {"type": "GN", "num_groups": 4}, "act_cfg": {"type": "ReLU"}},
                      enforce_decoder_input_project=True,
                      transformer_decoder={"return_intermediate": True, "num_layers": 2, "layer_cfg": {
                          "self_attn_cfg": ATTENTION, "cross_attn_cfg": ATTENTION, "ffn_cfg": FEED}},
                      loss_mask={"type": "mmdet.FocalLoss", "use_sigmoid": True, "gamma": 2.0, "alpha": 0.25, "loss_weight": 20.0},
                      loss_dice={"type": "mmdet.DiceLoss", "use_sigmoid": True, "activate": True, "naive_dice": True, "eps": 1.0, "loss_weight": 1.0},
                      train_cfg=matcher({"type": "mmdet.FocalLossCost", "weight": 20.0, "binary_input": True},
                                        {"type": "mmdet.DiceCost", "weight": 1.0, "pred_act": True, "eps": 1.0}))
    torch.manual_seed(3)
    return MODELS.build(ConfigDict(common))


def semantic(seed, ignored=0.0):
    """Blocks of 8 x 8 pixels of classes, some of them ignored."""
    draw = torch.Generator().manual_seed(seed)
    blocks = torch.randint(CLASSES, (4, 4), generator=draw)
    blocks[torch.rand(4, 4, generator=draw) < ignored] = 255
    return blocks.repeat_interleave(8, 0).repeat_interleave(8, 1)


def samples(masks):
    return [SegDataSample(gt_sem_seg=PixelData(data=mask[None]), metainfo={"img_shape": (SIZE, SIZE), "ori_shape": (SIZE, SIZE)}) for mask in masks]


def losses(net, masks, side):
    """The losses and gradients of outputs of two layers, with the same random numbers."""
    torch.manual_seed(2)
    queries = [torch.randn(len(masks), 8, CLASSES + 1, requires_grad=True) for _ in range(2)]
    logits = [(3 * torch.randn(len(masks), 8, side, side)).requires_grad_() for _ in range(2)]
    instances, metas = net._seg_data_to_instance_data(samples(masks))
    torch.manual_seed(11)
    parts = net.loss_by_feat(queries, logits, instances, metas)
    sum(parts.values()).backward()
    return {name: float(value.detach()) for name, value in parts.items()}, logits[-1].grad, queries[-1].grad


def test_heads():
    full, holes = [semantic(1), semantic(2)], [semantic(1, 0.4), semantic(2), torch.full((SIZE, SIZE), 255)]
    for name in ("Mask2FormerHead", "MaskFormerHead"):
        plain = head(name)
        ours = fmm.true_ignore(copy.deepcopy(plain))
        says = f"MMSegmentation {mmseg.__version__}, {name}"
        for side in (8, SIZE):
            before, after = losses(plain, full, side), losses(ours, full, side)
            tap.ok(before[0] == after[0], f"{says}, v = 1, logits of {side}: losses are the same, to the bit", f"{before[0]}\n{after[0]}")
            tap.ok(torch.allclose(before[1], after[1], rtol=1e-5, atol=1e-8) and torch.allclose(before[2], after[2], rtol=1e-6, atol=1e-9),
                   f"{says}, v = 1, logits of {side}: gradients, to the last place", (before[1] - after[1]).abs().max())
            parts, masks, classes = losses(ours, holes, side)
            hidden = torch.nn.functional.avg_pool2d((torch.stack(holes) == 255)[:, None].float(), SIZE // side)[:, 0] == 1
            hidden = hidden[:, None].expand_as(masks)
            tap.ok(all(np.isfinite(list(parts.values()))) and not masks[hidden].any(), f"{says}, logits of {side}: gradients at ignored pixels are 0")
            tap.ok(bool(masks[0].any() and masks[1].any()), f"{says}, logits of {side}: others learn")
            tap.ok(not masks[2].any() and not classes[2].any(), f"{says}, logits of {side}: an image that is ignored teaches nothing")
            theirs = losses(plain, holes, side)[1][hidden]
            tap.ok(bool(theirs.any()), f"{says}, logits of {side}: gradients there were not 0")
        alone = losses(ours, holes[2:], SIZE)
        tap.ok(set(alone[0].values()) == {0.0} and not alone[1].any() and not alone[2].any(), f"{says}: a batch that is ignored: 0", alone[0])
        tap.ok(ours.state_dict().keys() == plain.state_dict().keys() and type(fmm.true_ignore(ours)) is type(ours), f"{says}: twice is once")
        built = head(f"TrueIgnore{name}")
        tap.equal(losses(built, holes, SIZE)[0], losses(ours, holes, SIZE)[0], f"{says}: as a type in a configuration")
        features = [torch.randn(3, 16, SIZE // n, SIZE // n) for n in (4, 8, 16, 32)]
        total = sum(ours.loss(features, samples(holes), None).values())
        total.backward()
        tap.ok(bool(total.isfinite()) and all(p.grad is None or bool(p.grad.isfinite().all()) for p in ours.parameters()), f"{says}: a whole step")
    wrong = head("Mask2FormerHead")
    wrong.loss_dice.naive_dice = False
    tap.ok(kit.raises(fm.UnsupportedError, lambda: fmm.true_ignore(wrong), "DiceLoss", "naive_dice"), "another Dice is refused")
    tap.ok(kit.raises(fm.UnsupportedError, lambda: fmm.true_ignore(torch.nn.Linear(1, 1)), "Linear"), "other models are refused")


def test_formula():
    """MaskFormer's losses are over all pixels: they are those of the pixels that have a label, cut out."""
    ours, mask = fmm.true_ignore(head("MaskFormerHead")), semantic(6, 0.4)
    torch.manual_seed(5)
    logits, classes = 3 * torch.randn(1, 8, SIZE, SIZE), torch.randn(1, 8, CLASSES + 1)
    instances, metas = ours._seg_data_to_instance_data(samples([mask]))
    _, loss_mask, loss_dice = ours._loss_by_feat_single(classes, logits, instances, metas)
    v = mask.numpy() != 255
    labels, masks = instances[0].labels.tolist(), instances[0].masks.numpy()
    focal, dice = np.zeros((8, len(labels))), np.zeros((8, len(labels)))
    for q in range(8):
        p = 1 / (1 + np.exp(-logits[0, q].numpy().astype(np.float64)[v]))
        for n in range(len(labels)):
            y = masks[n].astype(np.float64)[v]
            pt = np.where(y == 1, p, 1 - p)
            focal[q, n] = (np.where(y == 1, 0.25, 0.75) * (1 - pt) ** 2 * -np.log(pt)).mean()
            dice[q, n] = 1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)
    from scipy.optimize import linear_sum_assignment
    rows, columns = linear_sum_assignment(20 * focal + dice - 2 * classes[0].softmax(-1).numpy()[:, labels])
    want = 20 * focal[rows, columns].mean(), dice[rows, columns].mean()
    tap.ok(abs(float(loss_mask) - want[0]) < 1e-4 and abs(float(loss_dice) - want[1]) < 1e-5,
           "MaskFormer: matched and judged by the pixels that have a label", f"{float(loss_mask)} {float(loss_dice)} {want}")


def test_paper():
    """A SegFormer of MMSegmentation: the paper's class means and its rule, by PyTorch, and the library's."""
    torch.manual_seed(0)
    model = MODELS.build(ConfigDict({
        "type": "EncoderDecoder", "test_cfg": {"mode": "whole"}, "train_cfg": {},
        "backbone": {"type": "MixVisionTransformer", "in_channels": 3, "embed_dims": 8, "num_stages": 4, "num_layers": [1] * 4,
                     "num_heads": [1, 1, 2, 2], "patch_sizes": [7, 3, 3, 3], "sr_ratios": [8, 4, 2, 1], "out_indices": (0, 1, 2, 3), "mlp_ratio": 2},
        "decode_head": {"type": "SegformerHead", "in_channels": [8, 8, 16, 16], "in_index": [0, 1, 2, 3], "channels": 16, "dropout_ratio": 0.0,
                        "num_classes": CLASSES, "norm_cfg": {"type": "BN"}, "align_corners": False,
                        "loss_decode": {"type": "CrossEntropyLoss", "use_sigmoid": False}}})).eval()
    masks = torch.stack([semantic(i, 0.2) for i in range(4)])
    with torch.inference_mode():
        low = model._forward(torch.randn(4, 3, SIZE, SIZE))
        up = mmseg.models.utils.resize(low, size=(SIZE, SIZE), mode="bilinear", align_corners=False)
        want = torch.nn.functional.cross_entropy(up, masks, ignore_index=255, reduction="none")
    bytes_ = masks.to(torch.uint8)
    got = fm.loss_map(low, bytes_)
    tap.ok(torch.allclose(got, want, atol=1e-5), "SegformerHead: losses of its logits", (got - want).abs().max())
    stats = fm.ClassStats(fm.Labels.from_classes(CLASSES))
    stats.add(bytes_, got)
    means = np.array([got[masks == k].double().mean() for k in range(CLASSES)])
    tap.ok(np.allclose(np.array(stats.mean_loss), means, rtol=1e-6), "class means", f"{stats.mean_loss} {means}")
    limit = torch.tensor(1.25 * means)[masks.clamp(max=CLASSES - 1)]
    paper = torch.where((masks != 255) & (got.double() > limit), 255, masks)
    ours = fm.NoiseFilter(stats, 1.25).apply(bytes_, got)
    tap.ok(torch.equal(ours.long(), paper) and not torch.equal(paper, masks), "the paper's filter")
    sample = SegDataSample(gt_sem_seg=PixelData(data=paper[:1]))
    net = model.decode_head
    alone = net.loss_by_feat(low[:1].clone().requires_grad_(), [sample])["loss_ce"]
    want = torch.nn.functional.cross_entropy(up[:1], paper[:1], ignore_index=255, reduction="sum") / paper[:1].numel()
    tap.ok(abs(float(alone) - float(want)) < 1e-5, "its head leaves the filtered pixels out of its loss, which is divided by all pixels")


if __name__ == "__main__":
    for test in (test_heads, test_formula, test_paper):
        test()
    tap.done()
