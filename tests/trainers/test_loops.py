#!/usr/bin/env python3
# trainers/test_loops.py - filtered masks and schedules in segmentation_models.pytorch and Lightning.
# SPDX-License-Identifier: MIT
import os
import warnings

import kit  # finds the package
import tap

tap.need("numpy", "torch", "segmentation_models_pytorch", "pytorch_lightning")
import freemask as fm
import numpy as np
import pytorch_lightning as pl
import segmentation_models_pytorch as smp
import torch
from torch.utils.data import ConcatDataset, DataLoader, TensorDataset

import freemask.torch as fmt

warnings.filterwarnings("error", module="freemask")
CLASSES, SIZE = 3, 32
assert kit


def pictures(count, seed):
    draw = torch.Generator().manual_seed(seed)
    masks = torch.randint(CLASSES, (count, 4, 4), generator=draw).repeat_interleave(8, 1).repeat_interleave(8, 2)
    return TensorDataset(torch.nn.functional.one_hot(masks, CLASSES).permute(0, 3, 1, 2).float(), masks.to(torch.uint8))


class Segmenter(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = smp.Unet("resnet18", encoder_weights=None, classes=CLASSES, encoder_depth=3, decoder_channels=(16, 16, 8))
        self.loss = smp.losses.DiceLoss("multiclass", ignore_index=255)
        self.ignored = 0

    def training_step(self, batch, _):
        images, masks = batch
        self.ignored += int((masks == 255).sum())
        logits = self.net(images)
        return self.loss(logits, masks.long()) + torch.nn.functional.cross_entropy(logits, masks.long(), ignore_index=255)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 1e-3)


def main():
    torch.manual_seed(0)
    real, synthetic = pictures(6, 1), pictures(10, 2)
    model = Segmenter().eval()
    stats = fm.ClassStats(fm.Labels.from_classes(CLASSES))
    with torch.no_grad():
        images, masks = real.tensors
        logits = model.net(images)
        losses = fm.loss_map(logits, masks)
        want = torch.nn.functional.cross_entropy(logits, masks.long(), reduction="none")
        tap.ok(torch.allclose(losses, want, atol=1e-5), f"segmentation_models.pytorch {smp.__version__}: losses of a Unet")
        stats.add(masks, losses)
        noise = fm.NoiseFilter(stats, 1.0)  # an untrained network has no larger losses
        expected = 0
        with fmt.IgnoreMapWriter("ignore.npz", stats) as out:
            for i, (image, mask) in enumerate(synthetic):
                loss = fm.loss_map(model.net(image[None])[0], mask)
                out.add(str(i), mask, loss)
                expected += int((noise.apply(mask, loss) == 255).sum())
    data = ConcatDataset([real, fmt.FilteredDataset(synthetic, "ignore.npz", tolerance=1.0)])
    sampler = fmt.DistributedScheduleSampler(data, num_replicas=1, rank=0, real=len(real), synthetic=len(synthetic), real_repeats=1)
    order = []

    class Seen(torch.utils.data.Dataset):
        def __len__(self):
            return len(data)

        def __getitem__(self, i):
            order.append(i)
            return data[i]

    trainer = pl.Trainer(max_epochs=2, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
                         enable_model_summary=False, num_sanity_val_steps=0)
    trainer.fit(model.train(), DataLoader(Seen(), batch_size=4, sampler=sampler, num_workers=0))
    schedule = fm.Schedule(real=len(real), synthetic=len(synthetic), real_repeats=1)
    tap.equal(order, [*map(int, schedule.epoch(0)), *map(int, schedule.epoch(1))], f"Lightning {pl.__version__}: two epochs in the schedule's order")
    tap.ok(0 < expected == model.ignored // 2 and model.ignored % 2 == 0, "every synthetic mask was filtered, once in each epoch",
           f"{model.ignored} {expected}")
    tap.ok(all(np.isfinite(p.detach().numpy()).all() for p in model.parameters()), "the network is finite")


if __name__ == "__main__":
    os.chdir(os.path.dirname(tap.path("x")))
    main()
    os.chdir("/")
    tap.done()
