#!/usr/bin/env python3
# trainers/test_transformers.py - freemask.transformers with models that are built from their configurations.
# SPDX-License-Identifier: MIT
"""The losses with true ignore are compared with transformers' own where every pixel has a label, and with formulas
written out here where some have none."""
import copy
import os
import pickle
import warnings

import kit
import tap

tap.need("numpy", "torch", "transformers", "scipy")
import freemask as fm
import numpy as np
import torch
import transformers as hf

import freemask.transformers as fmx

warnings.filterwarnings("error", module="freemask")
CLASSES, SIZE = 5, 32


def swin():
    return hf.SwinConfig(image_size=SIZE, embed_dim=16, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=2,
                         out_features=["stage1", "stage2", "stage3", "stage4"])


def models():
    """A small model of each kind, of random weights."""
    torch.manual_seed(3)
    mask2former = hf.Mask2FormerConfig(backbone_config=swin(), feature_size=32, mask_feature_size=32, hidden_dim=32,
                                       encoder_feedforward_dim=16, encoder_layers=1, decoder_layers=2, num_attention_heads=2,
                                       dim_feedforward=16, num_queries=8, num_labels=CLASSES, train_num_points=200, dropout=0.0)
    maskformer = hf.MaskFormerConfig(fpn_feature_size=32, mask_feature_size=32, backbone_config=swin(),
                                     decoder_config=hf.DetrConfig(d_model=32, encoder_layers=1, decoder_layers=1, encoder_ffn_dim=16,
                                                                  decoder_ffn_dim=16, encoder_attention_heads=2, dropout=0.0,
                                                                  decoder_attention_heads=2, num_queries=8),
                                     num_labels=CLASSES)
    eomt = hf.EomtConfig(hidden_size=32, num_hidden_layers=3, num_attention_heads=2, image_size=SIZE, patch_size=8, num_blocks=1,
                         num_upscale_blocks=1, num_queries=8, num_labels=CLASSES, train_num_points=200)
    yield "Mask2Former", hf.Mask2FormerForUniversalSegmentation(mask2former)
    yield "MaskFormer", hf.MaskFormerForInstanceSegmentation(maskformer)
    yield "EoMT", hf.EomtForUniversalSegmentation(eomt)


def semantic(seed, ignored=0.0):
    """Blocks of 8 x 8 pixels of classes, some of them ignored."""
    draw = torch.Generator().manual_seed(seed)
    blocks = torch.randint(CLASSES, (4, 4), generator=draw)
    mask = blocks.repeat_interleave(8, 0).repeat_interleave(8, 1).to(torch.uint8)
    hole = torch.rand(4, 4, generator=draw) < ignored
    mask[hole.repeat_interleave(8, 0).repeat_interleave(8, 1)] = 255
    return mask


def batch(masks):
    draw = torch.Generator().manual_seed(1)
    return fmx.Collator(CLASSES, "masks")([(torch.randn(3, SIZE, SIZE, generator=draw), mask) for mask in masks])


def losses(criterion, logits, classes, targets):
    """The losses and the gradients of both outputs, with the same random numbers."""
    logits, classes = logits.clone().requires_grad_(), classes.clone().requires_grad_()
    torch.manual_seed(11)
    parts = criterion(logits, classes, targets["mask_labels"], targets["class_labels"])
    total = sum(parts.values())
    total.backward()
    return {name: float(value.detach()) for name, value in parts.items()}, logits.grad, classes.grad


def outputs(images, side):
    torch.manual_seed(2)
    return 3 * torch.randn(images, 8, side, side), torch.randn(images, 8, CLASSES + 1)


def test_equal():
    full = batch([semantic(1), semantic(2)])
    for name, model in models():
        plain = model.criterion
        ours = fmx.true_ignore(copy.deepcopy(model)).criterion
        for side in (8, SIZE):
            logits, classes = outputs(2, side)
            before, mask_grad, class_grad = losses(plain, logits, classes, full)
            after, ours_mask, ours_class = losses(ours, logits, classes, full)
            tap.ok(before == after, f"{name}, v = 1, logits of {side}: losses are the same, to the bit", f"{before}\n{after}")
            tap.ok(torch.allclose(mask_grad, ours_mask, rtol=1e-5, atol=1e-9) and torch.equal(class_grad, ours_class),
                   f"{name}, v = 1, logits of {side}: gradients, to the last place", (mask_grad - ours_mask).abs().max())
        torch.manual_seed(4)
        a = plain.matcher(logits, classes, full["mask_labels"], full["class_labels"])
        torch.manual_seed(4)
        b = ours.matcher(logits, classes, full["mask_labels"], full["class_labels"])
        tap.ok(all(torch.equal(x, y) for p, q in zip(a, b) for x, y in zip(p, q)), f"{name}, v = 1: the same assignment")
        whole = copy.deepcopy(model).train()
        torch.manual_seed(5)
        loss = whole(**full).loss
        torch.manual_seed(5)
        tap.equal(float(fmx.true_ignore(whole)(**full).loss.detach()), float(loss.detach()), f"{name}, v = 1: the whole model's loss")


def test_ignored():
    masks = [semantic(1, 0.4), semantic(2), torch.full((SIZE, SIZE), 255, dtype=torch.uint8)]
    some = batch(masks)
    ignored = torch.stack(masks) == 255
    for name, model in models():
        ours = fmx.true_ignore(model).criterion
        for side in (4, 8, SIZE):
            logits, classes = outputs(3, side)
            hidden = torch.nn.functional.avg_pool2d(ignored[:, None].float(), SIZE // side)[:, 0] == 1
            hidden = hidden[:, None].expand_as(logits)
            parts, mask_grad, class_grad = losses(ours, logits, classes, some)
            tap.ok(all(np.isfinite(list(parts.values()))) and not mask_grad[hidden].any(), f"{name}, logits of {side}: gradients at ignored pixels are 0")
            tap.ok(mask_grad[0].any() and mask_grad[1].any(), f"{name}, logits of {side}: others learn")
            tap.ok(not mask_grad[2].any() and not class_grad[2].any(), f"{name}, logits of {side}: an image that is ignored teaches nothing")
            if side < SIZE:
                continue
            # Logits at ignored pixels do not matter, but where an interpolation reaches them.
            deep = ignored[:, None].float()
            deep = (torch.nn.functional.avg_pool2d(deep, 3, 1, 1, count_include_pad=False) == 1).expand_as(logits)
            other = torch.where(deep, logits + 7.0, logits)
            moved, _, _ = losses(ours, other, classes, some)
            tap.ok(moved == parts, f"{name}: losses do not depend on logits within ignored areas", f"{moved}\n{parts}")
        nothing = batch([masks[2]])
        parts, mask_grad, class_grad = losses(ours, logits[:1], classes[:1], nothing)
        tap.ok(set(parts.values()) == {0.0} and not mask_grad.any() and not class_grad.any(), f"{name}: a batch that is ignored: 0")
        before = [parameter.clone() for parameter in model.parameters()]
        model.train()
        torch.manual_seed(7)
        model(**some).loss.backward()
        tap.ok(all(p.grad is None or bool(p.grad.isfinite().all()) for p in model.parameters()) and len(before) > 0, f"{name}: a whole step")
        with torch.autocast("cpu", torch.bfloat16):
            torch.manual_seed(7)
            loss = model(**some).loss
        loss.backward()
        tap.ok(bool(loss.isfinite()) and all(p.grad is None or bool(p.grad.isfinite().all()) for p in model.parameters()),
               f"{name}: mixed precision", loss)
        again = pickle.loads(pickle.dumps(ours))
        tap.ok(type(again) is type(ours) and ours.state_dict().keys() == again.state_dict().keys(), f"{name}: the criterion pickles")
        tap.ok(type(fmx.true_ignore(model).criterion) is type(ours), f"{name}: twice is once")


def test_formula():
    """MaskFormer's losses are over all pixels: no random points. Logits of the mask's size."""
    model = fmx.true_ignore(next(model for name, model in models() if name == "MaskFormer"))
    mask = semantic(6, 0.4)
    target = batch([mask])
    logits, classes = outputs(1, SIZE)
    pairs = model.criterion.matcher(logits, classes, target["mask_labels"], target["class_labels"])[0]
    got, _, _ = losses(model.criterion, logits, classes, target)
    v = mask.numpy() != 255
    focal, dice = 0.0, 0.0
    for row, column in zip(*(one.tolist() for one in pairs)):
        y = target["mask_labels"][0][column].numpy().astype(np.float64)[v]
        p = 1 / (1 + np.exp(-logits[0, row].numpy().astype(np.float64)[v]))
        pt = np.where(y == 1, p, 1 - p)
        focal += (np.where(y == 1, 0.25, 0.75) * (1 - pt) ** 2 * -np.log(pt)).mean()
        dice += 1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1)
    count = len(pairs[0])
    tap.ok(abs(got["loss_mask"] - focal / count) < 1e-6 and abs(got["loss_dice"] - dice / count) < 1e-6,
           "losses are those of the pixels that have a label, cut out", f"{got} {focal / count} {dice / count}")
    from scipy.optimize import linear_sum_assignment
    costs = np.zeros((8, len(target["class_labels"][0])))
    probs = classes[0].softmax(-1).numpy()
    for q in range(8):
        p = 1 / (1 + np.exp(-logits[0, q].numpy().astype(np.float64)[v]))
        for n, label in enumerate(target["class_labels"][0].tolist()):
            y = target["mask_labels"][0][n].numpy().astype(np.float64)[v]
            pt = np.where(y == 1, p, 1 - p)
            costs[q, n] = (20 * (np.where(y == 1, 0.25, 0.75) * (1 - pt) ** 2 * -np.log(pt)).mean() - probs[q, label]
                           + 1 - (2 * (p * y).sum() + 1) / (p.sum() + y.sum() + 1))
    rows, columns = linear_sum_assignment(costs)
    tap.equal((pairs[0].tolist(), pairs[1].tolist()), (rows.tolist(), columns.tolist()), "the matcher's costs are those of labelled pixels")


def test_lightly():
    """lightly-train's EoMT has a criterion derived from transformers'."""
    from lightly_train._task_models.dinov2_eomt_semantic_segmentation.mask_loss import MaskClassificationLoss
    plain = MaskClassificationLoss(200, 3.0, 0.75, 5.0, 5.0, 2.0, CLASSES, 0.1)
    ours = fmx.true_ignore(copy.deepcopy(plain))

    def computed(criterion, masks, side):
        made = batch(masks)
        targets = [{"masks": m, "labels": k} for m, k in zip(made["mask_labels"], made["class_labels"])]
        logits, classes = outputs(len(masks), side)
        logits.requires_grad_()
        torch.manual_seed(11)
        parts = criterion(logits, targets, classes)
        criterion.loss_total(parts).backward()
        return {name: float(value.detach()) for name, value in parts.items()}, logits.grad

    full = [semantic(1), semantic(2)]
    tap.equal(computed(ours, full, SIZE)[0], computed(plain, full, SIZE)[0], "lightly-train's EoMT, v = 1: the same losses")
    mask = semantic(1, 0.4)
    hidden = (mask == 255).expand(1, 8, SIZE, SIZE)
    tap.ok(not computed(ours, [mask], SIZE)[1][hidden].any() and bool(computed(plain, [mask], SIZE)[1][hidden].any()),
           "lightly-train's EoMT: gradients at ignored pixels are 0, and were not")


def test_segformer():
    config = hf.SegformerConfig(num_labels=CLASSES, depths=[1, 1, 1, 1], hidden_sizes=[8, 8, 16, 16], num_attention_heads=[1, 1, 2, 2],
                                decoder_hidden_size=16, semantic_loss_ignore_index=255)
    model = hf.SegformerForSemanticSegmentation(config).eval()
    masks = [semantic(1, 0.3), semantic(2)]
    pairs = [(torch.randn(3, SIZE, SIZE), mask) for mask in masks]
    both = fmx.Collator(CLASSES)(pairs)
    with torch.no_grad():
        made = model(**both)
    tap.ok(torch.equal(both["labels"], torch.stack(masks).long()), "SegFormer: labels")
    up = torch.nn.functional.interpolate(made.logits, size=(SIZE, SIZE), mode="bilinear", align_corners=False)
    want = torch.nn.functional.cross_entropy(up, both["labels"], ignore_index=255, reduction="none")
    got = fmx.loss_map(made, torch.stack(masks))
    tap.ok(isinstance(got, torch.Tensor) and torch.allclose(got, want, atol=1e-5), "SegFormer: its losses, one by one", (got - want).abs().max())
    tap.ok(abs(float(got[both["labels"] != 255].mean() - made.loss)) < 1e-5, "SegFormer: their mean is its loss")
    ade = fmx.Collator("ade20k", ignore_index=-100)([(np.zeros((3, 2, 2), np.float32), np.array([[0, 1], [150, 2]], np.uint8))])
    tap.equal(ade["labels"].tolist(), [[[-100, 0], [149, 1]]], "raw ADE20K masks become classes")
    tap.ok(kit.raises(fm.UnsupportedError, lambda: fmx.true_ignore(model), "SegformerForSemanticSegmentation", "ignore_index"),
           "SegFormer ignores anyway, says true_ignore")
    tap.ok(kit.raises(fm.UnsupportedError, lambda: fmx.loss_map(type("Out", (), {"logits": made.logits.to("meta")}), torch.stack(masks)), "meta", "no values"),
           "outputs without values are refused, with advice")
    for name, model in models():
        with torch.no_grad():
            made = model.eval()(batch(masks)["pixel_values"])
        got = fmx.loss_map(made, torch.stack(masks))
        up = torch.nn.functional.interpolate(made.masks_queries_logits, size=(SIZE, SIZE), mode="bilinear", align_corners=False)
        scores = torch.einsum("bqc,bqhw->bchw", made.class_queries_logits.softmax(-1)[..., :-1], up.sigmoid())
        want = -torch.log(scores.gather(1, torch.stack(masks).long().clamp(max=CLASSES - 1)[:, None])[:, 0] / scores.sum(1))
        known = torch.stack(masks) != 255
        tap.ok(torch.allclose(got[known], want[known], atol=2e-4) and not got[~known].any(), f"{name}: losses of its scores",
               (got - want)[known].abs().max())


if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    for test in (test_equal, test_ignored, test_formula, test_segformer, test_lightly):
        test()
    tap.done()
