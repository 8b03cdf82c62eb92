#!/usr/bin/env python3
# trainers/lightning_joint.py - the method in Lightning: lightning_joint.py [EPOCHS [DEVICES]]
# SPDX-License-Identifier: MIT
"""A network is trained on real images; a data module measures what it loses on them, each process its part, and filters
the synthetic masks; a second network is trained on both in the order of a schedule, with a tolerance that a callback
changes from epoch to epoch. The images and the network are those of pytorch.py: replace them by your own."""
import logging
import os
import sys
import tempfile
import warnings

import freemask
import freemask.torch
import pytorch_lightning as pl
import torch
from pytorch import LABELS, Pictures, losses, network
from torch.nn.functional import cross_entropy
from torch.utils.data import ConcatDataset, DataLoader


class Segmenter(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = network()

    def training_step(self, batch, _):
        images, masks = batch
        self.log("ignored", (masks == 255).float().mean(), on_step=False, on_epoch=True, sync_dist=True)
        return cross_entropy(self.net(images), masks.long(), ignore_index=255)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 0.01)


class Joint(pl.LightningDataModule):
    """Real images, and synthetic ones that a trained network filters."""

    def __init__(self, real, synthetic, teacher):
        super().__init__()
        self.real, self.synthetic, self.teacher = real, synthetic, teacher
        self.filtered = None

    def setup(self, stage):
        rank, world = self.trainer.global_rank, self.trainer.world_size
        stats = freemask.ClassStats(LABELS)
        with torch.inference_mode():
            for i in range(rank, len(self.real), world):
                image, mask = self.real[i]
                stats.add(mask, freemask.loss_map(self.teacher(image[None])[0], mask))
        freemask.torch.all_reduce(stats)
        # One process writes the ignore maps, where all of them can read.
        path = self.trainer.strategy.broadcast(os.path.join(tempfile.mkdtemp(), "ignore.npz") if rank == 0 else None)
        if rank == 0:
            with freemask.IgnoreMapWriter(path, stats) as maps:
                for stem, mask, loss in losses(self.teacher, self.synthetic):
                    maps.add(stem, mask, loss)
        self.trainer.strategy.barrier()
        self.filtered = freemask.torch.FilteredDataset(self.synthetic, path, tolerance=1.25, ids=self.synthetic.stems)

    def train_dataloader(self):
        both = ConcatDataset([self.real, self.filtered])
        # Made here, as only here it is known how many processes there are.
        sampler = freemask.torch.DistributedScheduleSampler(both, num_replicas=self.trainer.world_size, rank=self.trainer.global_rank,
                                                            real=len(self.real), synthetic=len(self.filtered))
        return DataLoader(both, batch_size=8, sampler=sampler)


class Tolerances(pl.Callback):
    """Another tolerance in each epoch: strict first."""

    def __init__(self, *tolerances):
        self.tolerances = tolerances

    def on_train_epoch_start(self, trainer, _):
        trainer.datamodule.filtered.tolerance = self.tolerances[min(trainer.current_epoch, len(self.tolerances) - 1)]

    def on_train_epoch_end(self, trainer, _):
        if trainer.is_global_zero:
            print(f"epoch {trainer.current_epoch}: tolerance {trainer.datamodule.filtered.tolerance}, "
                  f"{float(trainer.callback_metrics['ignored']):.2%} of the pixels are ignored")


def trainer(epochs, devices, *callbacks):
    # Without use_distributed_sampler=False Lightning may put a sampler of its own in the place of the schedule's.
    return pl.Trainer(max_epochs=epochs, accelerator="cpu", devices=devices, strategy="ddp" if devices > 1 else "auto",
                      use_distributed_sampler=False, callbacks=[*callbacks], logger=False, enable_checkpointing=False,
                      enable_progress_bar=False, enable_model_summary=False)


def main(epochs=3, devices=1):
    pl.seed_everything(0, verbose=False)
    real, synthetic = Pictures(16, 1), Pictures(32, 2, noisy=True)
    teacher, student = Segmenter(), Segmenter()
    trainer(10 * epochs, devices).fit(teacher, DataLoader(real, batch_size=8, shuffle=True))
    last = trainer(epochs, devices, Tolerances(1.0, 1.25, 2.0))
    last.fit(student, datamodule=Joint(real, synthetic, teacher.net))
    if last.is_global_zero:
        other = Pictures(16, 3)
        with torch.inference_mode():
            right = (student.net(other.images).argmax(1) == other.masks).float().mean()
        print(f"{right:.1%} of the pixels of other images are right")


if __name__ == "__main__":
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="pytorch_lightning")
    main(*map(int, sys.argv[1:]))
