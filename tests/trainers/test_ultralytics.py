#!/usr/bin/env python3
# trainers/test_ultralytics.py - filtered masks, exported, train a network in Ultralytics' semantic task.
# SPDX-License-Identifier: MIT
"""A network of random weights is trained for an epoch as in doc/trainers/loops.md, but without augmentation, so that each
pixel of the masks can be counted in the batches; the loss that it trains with is asked what it makes of them."""
import collections
import os
import subprocess

import kit
import tap

os.environ.update(YOLO_CONFIG_DIR=tap.path("yolo"), YOLO_OFFLINE="true", YOLO_VERBOSE="false", MPLCONFIGDIR=tap.path("mpl"))
tap.need("numpy", "PIL", "torch", "ultralytics")
import freemask as fm
import numpy as np
import torch
from PIL import Image
from ultralytics import __version__ as VERSION
from ultralytics.models.yolo.semantic import SemanticSegmentationTrainer

assert kit
CLASSES, SIZE, SEEDS, IGNORED = 11, 64, 2, 255
OWN_IGNORED = 11  # of the label space camvid
PLAIN = {"mosaic": 0, "mixup": 0, "copy_paste": 0, "cutmix": 0, "scale": 0, "translate": 0, "degrees": 0, "shear": 0, "perspective": 0,
         "fliplr": 0, "flipud": 0, "hsv_h": 0, "hsv_s": 0, "hsv_v": 0, "erasing": 0, "auto_augment": None, "multi_scale": False}
rng = np.random.default_rng(5)
COLORS = rng.integers(0, 256, (CLASSES + 1, 3))


def picture(mask):
    return np.clip(COLORS[mask] + rng.normal(0, 12, (SIZE, SIZE, 3)), 0, 255).astype(np.uint8)


def blocks():
    return np.kron(rng.integers(0, CLASSES, (4, 4)), np.ones((16, 16))).astype(np.uint8)


def save(folder, stem, mask, image):
    for kind, array in (("masks", mask), ("images", image)):
        os.makedirs(f"{folder}/{kind}", exist_ok=True)
        Image.fromarray(array).save(f"{folder}/{kind}/{stem}.png")


def make_data():
    """Six real images; of each mask, which is wrong in a corner, two synthetic ones, whose filtered masks are kept."""
    stats, masks = fm.ClassStats("camvid"), {}
    for i in range(6):
        mask = masks[f"r{i}"] = blocks()
        mask[:2] = OWN_IGNORED
        save("real", f"r{i}", mask, picture(mask))
        stats.add(mask, rng.gamma(2, 0.2, mask.shape).astype(np.float32))
    noise = fm.NoiseFilter(stats, 1.25)
    plan = fm.plan(list(masks), [1.0] * len(masks), n_max=SEEDS, seeds=range(42, 42 + SEEDS))
    for row in plan:
        for seed in row.seeds[:row.count]:
            mask = masks[row.mask].copy()
            image = picture(mask)
            mask[-16:, -16:] = (mask[-16:, -16:] + 1) % CLASSES
            loss = np.zeros(mask.shape, np.float32)
            loss[-16:, -16:] = 5  # what a network that knows the colors would lose there
            filtered = noise.apply(mask, loss)
            assert (filtered[-16:, -16:] == OWN_IGNORED).all()
            save("filtered", f"{row.mask}_seed_{seed}", filtered, image)
    plan.to_csv("plan.csv")
    command = [os.environ["FREEMASK_TOOL"], "export", "--plan", "plan.csv", "--to", "ultralytics", "--labels", "camvid", "--real-masks",
               "real/masks", "--real-images", "real/images", "--synthetic", "filtered/masks", "--images", "filtered/images", "-o", "ul"]
    ran = subprocess.run(command, capture_output=True, text=True)
    tap.ok(ran.returncode == 0, "filtered masks are exported", ran.stderr)


def wanted():
    """{image: how many of its pixels are ignored} and how often an epoch has each image."""
    ignored, times = {}, collections.Counter()
    with open("ul/train.txt", encoding="utf-8") as file:
        for line in file.read().split("\n"):
            if line:
                path = os.path.realpath(os.path.join("ul", line))
                times[path] += 1
                ignored[path] = int((np.array(Image.open(path.replace("images", "masks"))) == OWN_IGNORED).sum())
    return ignored, times


class Trainer(SemanticSegmentationTrainer):
    """Looks at what it trains with."""

    def __init__(self, **more):
        self.seen, self.ignored, self.gradients = collections.Counter(), {}, []
        super().__init__(overrides=more)

    def preprocess_batch(self, batch):
        batch = super().preprocess_batch(batch)
        for path, mask in zip(batch["im_file"], batch["semantic_mask"]):
            path = os.path.realpath(path)
            self.seen[path] += 1
            self.ignored[path] = int((mask == IGNORED).sum())
        return batch

    def watch(self):
        """The loss of each batch, once more: of logits as large as the masks, as the loss itself enlarges them."""
        model = self.model
        criterion = model.init_criterion()

        def loss(preds, batch):
            if not self.model.training:  # as when it is validated
                return criterion(preds, batch)
            masks = batch["semantic_mask"]
            main, *others = preds if isinstance(preds, tuple) else (preds,)
            leaves = [torch.nn.functional.interpolate(one.detach(), masks.shape[1:], mode="bilinear", align_corners=False).requires_grad_(True)
                      for one in (main, *others)]
            criterion(tuple(leaves) if others else leaves[0], batch)[0].sum().backward()
            dropped = masks == IGNORED
            for one in leaves:
                size = one.grad.abs().sum(1)
                self.gradients.append((float(size[dropped].max()), float(size[~dropped].min())))
            return criterion(preds, batch)
        model.criterion = loss


def test_training():
    torch.manual_seed(0)
    trainer = Trainer(model="yolo26n-sem.yaml", data="ul/freemask_ultralytics.yaml", epochs=1, imgsz=SIZE, batch=6, device="cpu", workers=0,
                      pretrained=False, plots=False, amp=False, val=False, save=False, project=tap.path("runs"), name="one", optimizer="SGD",
                      lr0=0.01, warmup_epochs=0, **PLAIN)
    trainer.add_callback("on_train_start", Trainer.watch)
    before = {}
    trainer.add_callback("on_train_start", lambda made: before.update({name: one.detach().clone() for name, one in made.model.named_parameters()}))
    trainer.train()
    says = f"Ultralytics {VERSION}"
    ignored, times = wanted()
    tap.equal(trainer.seen, times, f"{says}: an epoch has each image as often as the plan says")
    tap.equal(trainer.ignored, ignored, f"{says}: what is ignored in a batch are the filtered pixels, and those that had no label")
    tap.equal({count for path, count in ignored.items() if "_seed_" in path}, {2 * SIZE + 16 * 16}, f"{says}: among them those that were filtered")
    tap.ok(len(trainer.gradients) >= len(times) // 6 and all(dropped == 0 < kept for dropped, kept in trainer.gradients),
           f"{says}: no ignored pixel has a gradient, every other one has", trainer.gradients)
    tap.ok(all(torch.isfinite(one).all() for one in trainer.model.parameters()) and
           any(not torch.equal(one, before[name]) for name, one in trainer.model.named_parameters()), f"{says}: the network was trained")


if __name__ == "__main__":
    os.chdir(os.path.dirname(tap.path("x")))
    make_data()
    test_training()
    os.chdir("/")
    tap.done()
