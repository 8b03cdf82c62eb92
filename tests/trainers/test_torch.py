#!/usr/bin/env python3
# trainers/test_torch.py - freemask.torch with PyTorch's and torchdata's own loaders. Run by ./dev trainers.
# SPDX-License-Identifier: MIT
import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
import warnings

import kit  # tests/python's: finds the package
import tap

tap.need("numpy", "torch", "torchdata", "PIL")
import freemask as fm
import numpy as np
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Dataset, DistributedSampler

TORCH_NOT_LOADED = subprocess.run([sys.executable, "-c", "import freemask, sys; sys.exit('torch' in sys.modules)"]).returncode == 0
import freemask.torch as fmt

warnings.filterwarnings("error", module="freemask")
rng = np.random.default_rng(5)
SHAPE, CLASSES, IMAGES = (24, 31), 6, 8


class Masks(Dataset):
    """(image, mask) pairs; `kind` says what a mask is."""

    def __init__(self, masks, kind="tensor"):
        self.masks, self.kind = masks, kind

    def __len__(self):
        return len(self.masks)

    def __getitem__(self, i):
        mask = self.masks[i]
        if self.kind == "raises" and i == 3:
            raise RuntimeError("image 3 is damaged")
        if self.kind == "labels" and i == 3:
            fm.ClassStats(fm.Labels.from_classes(2)).add(mask, np.zeros(SHAPE, np.float32))
        return i, {"tensor": torch.from_numpy, "raises": torch.from_numpy, "labels": torch.from_numpy,
                   "numpy": lambda m: m, "pillow": Image.fromarray,
                   "int64": lambda m: torch.from_numpy(m.astype(np.int64))[None]}[self.kind](mask)


masks = [rng.integers(0, CLASSES + 1, SHAPE).astype(np.uint8) for _ in range(IMAGES)]
for mask in masks:
    mask[mask == CLASSES] = 255
losses = [rng.gamma(1.0, 1.0, SHAPE).astype(np.float32) for _ in range(IMAGES)]
labels = fm.Labels.from_classes(CLASSES)
stats = fm.ClassStats(labels)
for mask, loss in zip(masks, losses):
    stats.add(mask, loss)
MEANS = np.append(stats.mean_loss, [0] * 250)


def filtered(i, tolerance):
    """The paper's rule in NumPy."""
    drop = (masks[i] != 255) & (losses[i] > np.float32(1) * (tolerance * MEANS[masks[i]]).astype(np.float32))
    return np.where(drop, 255, masks[i])


def asked(tolerance):
    return [filtered(i, tolerance) for i in range(IMAGES)]


def came(samples):
    return [np.asarray(mask).reshape(SHAPE) for _, mask in samples]


def same(a, b):
    return len(a) == len(b) and all(np.array_equal(x, y) for x, y in zip(a, b))


def written():
    with fmt.IgnoreMapWriter("ignore.npz", stats) as out:
        for i in range(IMAGES):
            out.add(str(i), masks[i], losses[i])
    return fmt.IgnoreMaps("ignore.npz")


def test_maps():
    tap.ok(TORCH_NOT_LOADED, "import freemask does not import torch")
    maps = written()
    tap.equal((maps.tolerances, len(maps), sorted(maps), "3" in maps, "8" in maps),
              ((1.0, 1.25, 1.5, 2.0), IMAGES, [str(i) for i in range(IMAGES)], True, False), "what a file of maps has")
    tap.ok(all(np.array_equal(maps.of(str(i), t), filtered(i, t) != masks[i]) for i in range(IMAGES) for t in maps.tolerances),
           "a map is what the paper's rule drops")
    tap.ok(same([np.load("ignore.npz")["2"]], [maps.bits("2")]), "NumPy reads the file")
    bfloat = [torch.from_numpy(loss).bfloat16().T.contiguous().T for loss in losses]
    with fmt.IgnoreMapWriter("bf16.npz", stats) as out:
        for i in range(IMAGES):
            out.add(str(i), torch.from_numpy(masks[i]), bfloat[i])
    exact = [fm.NoiseFilter(stats).apply(mask, loss.float().numpy()) for mask, loss in zip(masks, bfloat)]
    other = fmt.IgnoreMaps("bf16.npz")
    tap.ok(all(np.array_equal(other.of(str(i), 1.25), exact[i] != masks[i]) for i in range(IMAGES)), "bfloat16 losses, transposed")
    tap.ok(kit.raises(FileNotFoundError, lambda: fmt.IgnoreMaps("nothing.npz")), "a file that is not there")
    with open("text.npz", "w", encoding="utf-8") as text:
        text.write("no zip")
    tap.ok(kit.raises(fm.FormatError, lambda: fmt.IgnoreMaps("text.npz"), "text.npz", "IgnoreMapWriter"), "a file of something else")
    tap.ok(kit.raises(ValueError, lambda: maps.of("0", 1.3), "1.3", "1.25"), "a tolerance that is not there: the others are named")
    tap.ok(kit.raises(KeyError, lambda: maps.bits("x"), "'x'"), "an id that is not there")

    def twice():
        with fmt.IgnoreMapWriter("twice.npz", stats) as out:
            out.add("a", masks[0], losses[0])
            out.add("a", masks[0], losses[0])
    tap.ok(kit.raises(fm.DuplicateError, twice, "'a'") and not os.path.exists("twice.npz") and not os.path.exists("twice.npz.part"),
           "an id twice: nothing is left behind")


def test_dataset():
    maps = written()
    for kind in ("tensor", "numpy", "pillow", "int64"):
        data = fmt.FilteredDataset(Masks(masks, kind), maps)
        tap.ok(same(came(data), asked(1.25)), f"masks as {kind}")
        data.tolerance = 2.0
        tap.ok(same(came(data), asked(2.0)) and data.tolerance == 2.0, f"masks as {kind}: another tolerance")
        data.tolerance = 0
        tap.ok(same(came(data), masks) and data.tolerance == 0, f"masks as {kind}: none")
    tap.ok(same(masks, [mask.copy() for mask in masks]) and isinstance(fmt.FilteredDataset(Masks(masks, "pillow"), maps)[0][1], Image.Image),
           "a Pillow image stays one")
    palette = Image.fromarray(masks[1]).convert("P")
    palette.putpalette([i // 3 for i in range(768)])
    palette = fmt.FilteredDataset([{"image": 0, "mask": palette}], maps, mask="mask", ids=["1"])[0]["mask"]
    tap.ok(palette.mode == "P" and palette.getpalette() is not None, "a palette stays, in a dictionary")
    expanded = torch.zeros(1, 1, dtype=torch.int64).expand(SHAPE)
    got = fmt.FilteredDataset([(0, expanded)], maps, ignore=-100)[0][1]
    tap.ok(np.array_equal(got.numpy(), np.where(filtered(0, 1.25) != masks[0], -100, 0)) and not expanded.any(),
           "an expanded tensor is copied; another ignore value")
    got = fmt.FilteredDataset([(0, torch.from_numpy(masks[0].T.copy()).T)], maps)[0][1]
    tap.ok(np.array_equal(got.numpy(), filtered(0, 1.25)), "a transposed tensor")
    data = fmt.FilteredDataset(Masks([mask[:, :20] for mask in masks]), maps)
    tap.ok(kit.raises(fm.ShapeError, lambda: data[0], "[24, 20]", "[24, 31]", "transform="), "a mask that was cropped before the filter")
    data = fmt.FilteredDataset(Masks(masks), maps, transform=lambda sample: sample[1][::2])
    tap.ok(np.array_equal(data[0].numpy(), filtered(0, 1.25)[::2]), "what transforms comes after the filter")
    for method in ("fork", "spawn"):
        data = pickle.loads(pickle.dumps(fmt.FilteredDataset(Masks(masks), maps))) if method == "fork" else \
            fmt.FilteredDataset(Masks(masks), maps)
        data[0]  # the parent has the file open
        loader = DataLoader(data, batch_size=1, num_workers=2, persistent_workers=True,
                            multiprocessing_context=multiprocessing.get_context(method))
        first = came(loader)
        data.tolerance = 1.5
        tap.ok(same(first, asked(1.25)) and same(came(loader), asked(1.5)), f"workers that {method}: a new tolerance counts in them")
        del loader
        gc.collect()  # no child may inherit a loader with workers
    for kind, error, says in (("raises", RuntimeError, "image 3 is damaged"), ("labels", fm.LabelError, "(x ")):
        loader = DataLoader(fmt.FilteredDataset(Masks(masks, kind), maps), batch_size=2, num_workers=1)
        try:
            list(loader)
            tap.ok(False, f"{kind} in a worker")
        except error as caught:
            tap.ok(says in str(caught), f"{error.__name__} in a worker comes out", caught)
    gc.collect()
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(50):
        fmt.FilteredDataset(Masks(masks), "ignore.npz")[0]
    gc.collect()
    after = len(os.listdir("/proc/self/fd")) if before else 0
    tap.ok(after - before < 10, "data sets that go close their files", f"{before} descriptors, then {after}")


PLAN = fm.plan([f"m{i}" for i in range(5)], [0.1 * i for i in range(5)], n_max=4, seeds=range(10))
SYNTHETIC = PLAN.images


def both():
    return ConcatDataset([range(5), range(100, 100 + SYNTHETIC)])


def test_samplers():
    one = fmt.ScheduleSampler(fm.Schedule(PLAN), both())
    epochs = [list(one) for _ in range(3)]
    whole = fm.Schedule(PLAN)
    tap.ok(all(epochs[e] == list(whole.epoch(e)) for e in range(3)) and epochs[0] != epochs[1], "epochs go on by themselves")
    tap.equal(len(one), whole.epoch_length(3), "len() is that of the epoch")
    one.set_epoch(1)
    tap.ok(list(one) == epochs[1], "set_epoch")
    iterator = iter(one)
    next(iterator)
    tap.ok(list(one) == list(whole.epoch(2)), "an epoch that was left begins again")
    tap.ok(kit.raises(fm.MismatchError, lambda: fmt.ScheduleSampler(fm.Schedule(PLAN), range(7)), "7 images", "ConcatDataset"),
           "a data set of another size")
    ranks = [fmt.DistributedScheduleSampler(both(), PLAN, 3, rank, seed=9) for rank in range(3)]
    tap.ok(all(isinstance(one, DistributedSampler) for one in ranks), "a DistributedSampler")
    for epoch in (0, 4):
        for sampler in ranks:
            sampler.set_epoch(epoch)
        parts = [list(sampler) for sampler in ranks]
        order = list(fm.Schedule(PLAN, seed=9).epoch(epoch))
        joined = [number for row in zip(*parts) for number in row]
        tap.ok(joined[:len(order)] == order and len(joined) - len(order) < 3, f"ranks share epoch {epoch}, and are padded")
    tap.equal((ranks[0].num_samples, ranks[0].total_size), (len(ranks[0]), 3 * len(ranks[0])), "what Lightning looks at")
    dropped = [len(fmt.DistributedScheduleSampler(both(), PLAN, 3, rank, drop_last=True)) for rank in range(3)]
    tap.equal(dropped, [fm.Schedule(PLAN).epoch_length(0) // 3] * 3, "drop_last truncates")
    tap.ok(kit.raises(RuntimeError, lambda: fmt.DistributedScheduleSampler(both(), PLAN), "num_replicas"), "without torch.distributed")
    for consumed in (0, 3, len(ranks[0])):
        sampler = fmt.DistributedScheduleSampler(both(), PLAN, 3, 1, seed=9)
        sampler.set_epoch(2)
        expected = list(sampler)
        sampler.set_epoch(2)
        got = iter(sampler)
        for _ in range(consumed):
            next(got)
        state = torch_saved(sampler.state_dict())
        other = fmt.DistributedScheduleSampler(both(), PLAN, 3, 1, seed=9)
        other.load_state_dict(state)
        if consumed < len(expected):
            other.set_epoch(2)  # as training loops do
            tap.ok(list(other) == expected[consumed:], f"a state after {consumed} samples; set_epoch keeps it")
        else:
            tap.ok(other.epoch == 3 and list(other) == list(other.schedule.epoch(3)), "a state at the end: the next epoch, whole")
        other.seek(2, consumed)
        tap.ok(list(other) == (expected[consumed:] or list(other.schedule.epoch(3))), f"seek: {consumed} samples were done")
    more = fmt.DistributedScheduleSampler(both(), PLAN, 2, 0, seed=9)
    more.load_state_dict(state)
    tap.equal(more.epoch, 3, "a state of 3 ranks in one of 2")
    tap.ok(kit.raises(fm.MismatchError, lambda: fmt.DistributedScheduleSampler(both(), PLAN, 2, 0, seed=8).load_state_dict(state)),
           "a state of another order")
    tap.ok(kit.raises(ValueError, lambda: more.seek(0, 1000), "1000"), "more samples than an epoch has")


def torch_saved(state):
    """Through torch.save and torch.load, which takes plain types alone."""
    torch.save(state, "state.pt")
    return torch.load("state.pt", weights_only=True)


def test_torchdata():
    from torchdata.stateful_dataloader import StatefulDataLoader

    def loader(workers, rank=0):
        sampler = fmt.DistributedScheduleSampler(both(), PLAN, 2, rank)
        return StatefulDataLoader(both(), batch_size=2, sampler=sampler, num_workers=workers)

    for workers in (0, 2):
        whole = [[batch.tolist() for batch in one] for one in [loader(workers)] for _ in range(2)]
        tap.ok(whole[0] != whole[1] and sum(map(len, whole[0])) == len(loader(0).sampler), f"StatefulDataLoader, {workers} workers")
        for batches in (1, 3, len(whole[0])):
            one = loader(workers)
            running = iter(one)
            for _ in range(batches):
                next(running)
            if batches == len(whole[0]):
                tap.ok(next(running, None) is None, "the epoch ends")
            state = pickle.loads(pickle.dumps(one.state_dict()))
            del running, one
            other = loader(workers)
            other.load_state_dict(state)
            rest = [batch.tolist() for batch in other]
            expected = whole[0][batches:] or whole[1]
            tap.ok(rest == expected, f"StatefulDataLoader, {workers} workers: goes on after {batches} batches", f"{rest}\n{expected}")


def test_distributed():
    np.savez("parts.npz", masks=np.stack(masks), losses=np.stack(losses))
    stats.save("whole.json")
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ranks.py")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=4", script]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300,
                         env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)})
    tap.ok(ran.returncode == 0, "torchrun of 4 gloo ranks", ran.stderr[-2000:])
    whole = stats.state.tobytes()
    for rank in range(4):
        merged = np.fromfile(f"merged-{rank}", np.int64) if os.path.exists(f"merged-{rank}") else np.empty(0)
        tap.ok(merged.tobytes() == whole, f"rank {rank}: merged statistics are those of one process, to the bit")
    tap.ok(all(os.path.exists(f"refused-{rank}") for rank in range(4)), "different options are refused in every rank")
    alone = stats.copy()
    tap.ok(fmt.all_reduce(alone) is alone and np.array_equal(alone.state, stats.state), "without torch.distributed: one process")


if __name__ == "__main__":
    os.makedirs(tap.path("work"))
    os.chdir(tap.path("work"))
    for test in (test_maps, test_dataset, test_samplers, test_torchdata, test_distributed):
        test()
    os.chdir("/")
    tap.done()
