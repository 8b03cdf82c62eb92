# ablation/supply.py - draws the batches of a setting, and counts what was in them.
# SPDX-License-Identifier: MIT
from __future__ import annotations

import freemask
import network
import numpy as np
from settings import Setting
from targets import Targets, classes_of, loss_stats
from teacher import Judged
from worlds import World


def plans(world: World, judged: Judged, n_max: int, seed: int) -> dict[str, freemask.Plan]:
    """The paper's plan, and one of as many images that has no favorites."""
    hardness = freemask.Hardness(loss_stats(world, judged)).score(world.masks)
    rank = freemask.plan(world.ids, hardness, n_max, world.seeds, seed)
    return {"rank": rank, "uniform": freemask.plan(world.ids, hardness, n_max, world.seeds, seed, policy="uniform",
                                                   budget=rank.images)}


class Supply:
    """`draw(step)` is what `network.train` asks for. Steps go up by one, from 0."""

    def __init__(self, setting: Setting, world: World, plan: freemask.Plan, targets: Targets, steps: int, batch: int,
                 seed: int) -> None:
        self.world, self.targets, self.batch = world, targets, batch
        self.real_targets = classes_of(world, world.masks)
        mixes = ["synthetic", "real"] if setting.mix == "pretrain" else [setting.mix]
        self.orders = [freemask.Schedule(plan, None if mix == "synthetic" else world.ids, mix=mix, seed=seed)
                       for mix in mixes]
        self.steps_each = -(-steps // len(mixes))
        self.index = {(world.ids[mask], made_seed): i for i, (mask, made_seed) in enumerate(world.made)}
        self.rows = [row.mask for row in plan]
        self.real = self.synthetic = 0  # images drawn
        self.pixels = self.ignored = 0  # of the synthetic ones
        self.drawn: set[int] = set()  # synthetic images

    def draw(self, step: int) -> network.Batch:
        order, parts = self.orders[step // self.steps_each], []
        first = step % self.steps_each * self.batch
        for entry in (order[first + i] for i in range(self.batch)):
            parts.append(self.synthetic_one(entry) if entry.synthetic else self.real_one(entry.index))
        images, targets, weights = (np.stack(part) for part in zip(*parts))
        return images, targets, weights

    def real_one(self, i: int) -> tuple[np.ndarray, ...]:
        self.real += 1
        return self.world.images[i], self.real_targets[i], np.ones(self.real_targets[i].shape, np.float32)

    def synthetic_one(self, entry: freemask.ScheduleEntry) -> tuple[np.ndarray, ...]:
        i = self.index[self.rows[entry.mask], entry.seed]
        target = self.targets.classes[i]
        self.synthetic += 1
        self.drawn.add(i)
        self.pixels += target.size
        self.ignored += int((target == network.IGNORED).sum())
        weight = np.ones(target.shape, np.float32) if self.targets.weights is None else self.targets.weights[i]
        return self.world.made_images[i], target, weight
