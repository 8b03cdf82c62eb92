#!/usr/bin/env python3
# python/test_values.py - what callers hand over that is not quite what was meant, and what they may expect to work.
# SPDX-License-Identifier: MIT
import contextlib
import copy
import errno
import gc
import os
import pathlib
import pickle
import subprocess
import sys

import kit
import tap

tap.need("numpy")
import freemask as fm
import numpy as np

rng = np.random.default_rng(5)
MASK = rng.integers(0, 19, (37, 53)).astype(np.uint8)
LOSS = rng.gamma(1.5, 0.7, MASK.shape).astype(np.float32)
STATS = fm.ClassStats("cityscapes", histogram=8).add(MASK, LOSS)
NOISE = fm.NoiseFilter(STATS)
PLAN = fm.plan(["c", "a", "b"], [3.0, 1.0, 2.0], n_max=3)
OUTPUT = rng.normal(0, 3, (19, 9, 13)).astype(np.float32)


def refuses(kind, work, name, *says):
    """Is it refused with a kind that has a code and one sentence?"""
    try:
        got = work()
    except kind as error:
        good = isinstance(error, fm.Error) and error.code < 0 and error.name.startswith("FM_ERR_") and all(one in str(error) for one in says)
        return tap.ok(good and "\n" not in str(error), name, f"{type(error).__name__} {error.args}")
    except Exception as error:  # pylint: disable=broad-except
        return tap.ok(False, name, f"{type(error).__name__}: {error}")
    return tap.ok(False, name, f"got {got!r}")


# ---- Copies have handles of their own -------------------------------------------------------------------
def order(schedule):
    return [next(schedule).number for _ in range(20)]


schedule = fm.Schedule(PLAN, real=["c", "b", "a"], mix="weighted", weights=np.arange(1, 4 + PLAN.images), seed=3)
schedule.position = 7
network = fm.NetworkLoss("cityscapes", "probs", channels=range(19), channel_count=20, trust_kind=True)
WAYS = {"pickle": lambda one: pickle.loads(pickle.dumps(one)), "copy": copy.copy, "deepcopy": copy.deepcopy}
for name, way in WAYS.items():
    again, other = way(schedule), way(network)
    tap.ok(again._pointer != schedule._pointer and other._pointer != network._pointer, f"{name}: handles of their own")
    wanted = order(schedule)
    schedule.position = 7
    tap.ok(again.position == 7 and order(again) == wanted and again.fingerprint == schedule.fingerprint, f"{name}: a schedule goes on")
    probs = np.concatenate([np.abs(OUTPUT), np.abs(OUTPUT[:1])])
    tap.ok(np.array_equal(other.loss_map(probs, MASK), network.loss_map(probs, MASK)), f"{name}: a network's loss")
    refuses(TypeError, lambda way=way: way(fm.Ranking(5)), f"{name}: a ranking is refused", "Ranking")
    tap.ok(np.array_equal(way(fm.Schedule(real=3, synthetic=4)).epoch(2), fm.Schedule(real=3, synthetic=4).epoch(2)), f"{name}: without a plan")
for way in WAYS.values():  # handles that were given up twice would end the process by now
    way(schedule), way(network)
del again, other
gc.collect()
tap.equal([one.number for one in (schedule[0], schedule[1])], [wanted.number for wanted in (schedule[0], schedule[1])], "what was copied works")
ran = subprocess.run([sys.executable, "-c", "import pickle, sys; print(next(pickle.load(sys.stdin.buffer)).number)"], input=pickle.dumps(schedule),
                     stdout=subprocess.PIPE, check=False)
tap.ok(ran.returncode == 0 and int(ran.stdout) == schedule[7].number, "a schedule in another process", ran)

# ---- Tables come in their own order, not in that of their index -----------------------------------------


class Column:
    """As pandas.Series has it: iterated in its order, but asked by its index."""

    def __init__(self, values, index):
        self.values, self.index = values, index

    def __len__(self):
        return len(self.values)

    def __iter__(self):
        return iter(self.values)

    def __getitem__(self, key):
        return self.values[self.index.index(key)]


class Frame:
    """As pandas.DataFrame: iterated by its columns."""

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __iter__(self):
        return iter(range(len(self.rows[0])))

    def __getitem__(self, column):
        return self.rows[:, column]

    def to_numpy(self):
        return self.rows


ids, hardness = ["c", "a", "b"], [3.0, 1.0, 2.0]
for name, one, other in (("columns that were sorted", Column(ids, [2, 0, 1]), Column(hardness, [2, 0, 1])),
                         ("columns that were filtered", Column(ids, [5, 7, 9]), Column(hardness, [5, 7, 9])),
                         ("generators", (one for one in ids), (one for one in hardness)),
                         ("a dictionary's views", dict(zip(ids, hardness)).keys(), dict(zip(ids, hardness)).values()),
                         ("NumPy", np.array(ids), np.array(hardness, np.float32))):
    tap.equal(fm.plan(one, other, n_max=3), PLAN, f"plan of {name}")
pixels = np.array([[0, 0, 90], [50, 0, 0], [0, 70, 0]])
tap.equal(fm.plan(ids, hardness, policy="rare-class", class_pixels=Frame(pixels), budget=7),
          fm.plan(ids, hardness, policy="rare-class", class_pixels=pixels.tolist(), budget=7), "class_pixels of a frame are its rows")
shares = dict(policy="yield", kept_shares=[0.9, 0.5, 0.1], budget=7)
tap.equal(fm.plan(ids, hardness, class_pixels=Frame(pixels), **shares), fm.plan(ids, hardness, class_pixels=pixels, **shares), "of yield, too")
refuses(ValueError, lambda: fm.plan(ids, hardness, policy="rare-class", class_pixels=pixels[:2]), "rows for two of three masks", "2 masks")
tap.ok(kit.raises(TypeError, lambda: fm.plan(ids, {"1": 1, "2": 2, "3": 3})), "names are no hardness")
tap.equal((PLAN.rows, PLAN[1:], fm.Plan.from_rows(PLAN.rows)), (list(PLAN), list(PLAN)[1:], PLAN), "rows and slices of a plan")

# ---- Numbers --------------------------------------------------------------------------------------------
number = np.int64
tap.equal((len(fm.Labels.from_classes(number(3), number(9))), fm.Labels.from_classes((one for one in "ab"), (one for one in (8, 9))).class_names),
          (3, ["a", "b"]), "label spaces of NumPy's integers and generators")
tap.equal(fm.Hardness(STATS, size=number(64)).score(MASK), fm.Hardness(STATS, size=64).score(MASK), "a size of NumPy's")
tap.ok(np.array_equal(fm.Schedule(PLAN, real=number(3)).epoch(0), fm.Schedule(PLAN).epoch(0)), "real images of NumPy's")
for name, work in (
        ("classes", lambda: fm.Labels.from_classes((1 << 32) + 3)), ("ignored", lambda: fm.Labels.from_classes(300, (1 << 64) + 300)),
        ("strata", lambda: fm.ClassStats("cityscapes", strata=(1 << 32) + 1)), ("n_max", lambda: fm.plan(ids, hardness, n_max=(1 << 32) + 5)),
        ("seeds", lambda: fm.plan(ids, hardness, n_max=1, seeds=[1 << 64])), ("seed", lambda: fm.plan(ids, hardness, n_max=3, seed=-1)),
        ("seeds of rows", lambda: fm.Plan.from_rows([fm.PlanRow("a", 1.0, 1, 1, (1 << 64,))])),
        ("a position", lambda: schedule[1 << 64]), ("an epoch", lambda: schedule.epoch_start(1 << 64)),
        ("a schedule's seed", lambda: fm.Schedule(PLAN, seed=1 << 64)), ("a radius", lambda: fm.window_mean(MASK, LOSS, (1 << 32) + 1)),
        ("a class", lambda: STATS.quantile(1 << 32, 0.5)), ("channels", lambda: fm.NetworkLoss("cityscapes", channels=[1 << 32] * 19, channel_count=19)),
        ("ignored classes", lambda: fm.Labels("cityscapes").to_classes(MASK, ignored=1 << 64)), ("parts", lambda: fm.shard_of("a", 1 << 64)),
        ("a ranking's n_max", lambda: fm.Ranking((1 << 32) + 5))):
    refuses(ValueError, work, f"{name}: not cut to the bits of C's type")
tap.ok(kit.raises(KeyError, lambda: fm.Labels("ade20k").class_of((1 << 64) + 1)), "a label beyond all labels is in no space")
for name, work in (("n_max", lambda: fm.plan(ids, hardness, n_max=0)), ("size", lambda: fm.Hardness(STATS, size=0)),
                   ("strata", lambda: fm.ClassStats("cityscapes", strata=0)), ("world", lambda: fm.Schedule(PLAN, world=0)),
                   ("ratio", lambda: fm.Schedule(PLAN, mix="ratio", ratio=(0, 0)))):
    refuses(ValueError, work, f"{name}: 0 is not the default")
refuses(ValueError, lambda: fm.NetworkLoss("cityscapes", channels=[0, 1], channel_count=19), "channels of two of 19 classes", "2", "19")
for work in (lambda: schedule["a"], lambda: PLAN[1.0], lambda: fm.Labels("ade20k").class_of("wall"), lambda: fm.Labels.from_classes([1, 2]),
             lambda: fm.Labels(None), lambda: fm.Labels.from_classes("abc")):
    refuses(TypeError, work, "another type is a TypeError")

# ---- Texts -----------------------------------------------------------------------------------------------
for name, work in (("ids", lambda: fm.plan(["a\0b", "c"], [1, 2])), ("a label space", lambda: fm.Labels("ade20k\0")),
                   ("classes", lambda: fm.Labels.from_classes(["a\0b"])), ("stems", lambda: fm.shard_of("a\0b", 4)),
                   ("paths", lambda: fm.read_mask("/dev/null\0.png"))):
    refuses(ValueError, work, f"{name}: nothing is cut at a byte 0", "byte 0")

# ---- Options that do not count ------------------------------------------------------------------------------
for name, work, says in (
        ("real_share of the paper's filter", lambda: fm.NoiseFilter(STATS, real_share=0.1), "real_share is 0.1"),
        ("a tolerance of another policy's", lambda: fm.NoiseFilter(STATS, tolerance=2, policy="quantile"), "tolerance is 2"),
        ("references of the paper's filter", lambda: fm.NoiseFilter(STATS, without_reference="strata"), "has no references"),
        ("a ratio of joint training", lambda: fm.Schedule(PLAN, ratio=(1, 3)), "real_share"),
        ("a policy", lambda: fm.NoiseFilter(STATS, policy="Paper"), "policy is 'Paper', expected one of paper"),
        ("unseen", lambda: fm.NoiseFilter(STATS, unseen=None), "unseen is None"),
        ("a tail", lambda: fm.Schedule(PLAN, tail="x"), "tail is 'x', expected one of pad")):
    refuses(ValueError, work, f"refused: {name}", says)

# ---- Errors --------------------------------------------------------------------------------------------------
LIKE = np.zeros((4, 4), np.uint8)
for name, kind, code in (("ShapeError", fm.ShapeError, -4), ("LabelError", fm.LabelError, -5), ("DuplicateError", fm.DuplicateError, -12)):
    tap.ok(kind("x").code == code and kind.__module__ == "freemask", f"{name} has its code, and the module that users know")
refuses(ValueError, lambda: STATS.copy().add(type("Odd", (), {"shape": (4, 4, 3), "__array_interface__": np.zeros((4, 4, 3), "u1").__array_interface__})(), LIKE),
        "an array without a length", "[4, 4, 3]")
for name, path, kind in (("none", tap.path("none.csv"), FileNotFoundError), ("a folder", os.path.dirname(tap.path("none.csv")), IsADirectoryError)):
    try:
        fm.Labels.from_csv(path)
        tap.ok(False, name)
    except fm.FileError as error:
        again = pickle.loads(pickle.dumps(error))
        tap.ok(isinstance(error, kind) and isinstance(error, OSError) and type(error).__name__ == "FileError" and error.name == "FM_ERR_IO" and
               error.errno in (errno.ENOENT, errno.EISDIR) and isinstance(again, kind) and str(again) == str(error), f"a path to {name} is a {kind.__name__}")
words = STATS.state
for name, given in (("float64", words.astype(float)), ("strides [16]", np.repeat(words, 2)[::2])):
    refuses(ValueError, lambda given=given: setattr(STATS.copy(), "state", given), f"a state of {name}", name)
refuses(ValueError, lambda: fm.Hardness(STATS).score(np.stack([MASK, MASK]), LOSS[None]), "two masks, one loss map", "2 masks")

# ---- Types of new arrays, bytes, kinds ---------------------------------------------------------------------
for dtype in (np.int64, np.dtype("int64"), "i8", "int64", ">i8"):
    tap.equal(NOISE.apply(MASK, LOSS, dtype=dtype).dtype, np.dtype("int64"), f"dtype={dtype!r}")
refuses(TypeError, lambda: NOISE.apply(MASK, LOSS, dtype="nope"), "no element type", "nope")
refuses(TypeError, lambda: NOISE.weights(MASK, LOSS, dtype="bfloat16"), "NumPy has no bfloat16", "bfloat16")
try:
    import torch
except ImportError:
    tap.skip("dtype=torch.int64", "no PyTorch here", excused=True)
else:
    tensors = torch.from_numpy(MASK.copy()), torch.from_numpy(LOSS.copy())
    tap.equal([NOISE.apply(*tensors, dtype=dtype).dtype for dtype in (torch.int64, np.int64, "int64")], [torch.int64] * 3, "dtype=torch.int64")
    tap.equal(NOISE.weights(*tensors, dtype=torch.bfloat16).dtype, torch.bfloat16, "dtype=torch.bfloat16")
data = fm.encode_mask(MASK)
tap.ok(all(np.array_equal(fm.decode_mask(kind(data)), MASK) for kind in (bytes, bytearray, memoryview)), "decode_mask of any bytes")
probs = np.exp(OUTPUT) / np.exp(OUTPUT).sum(0)
refuses(ValueError, lambda: fm.loss_map(probs, MASK), "probabilities as logits", "trust_kind")
exact = fm.loss_map(probs, MASK, trust_kind=True)
tap.ok(exact.max() < np.log(19) + 1, "trust_kind=True takes them")
tap.ok(all("object at" not in repr(one) for one in (schedule, network, fm.Ranking(5), fm.plane(MASK), PLAN, STATS, NOISE)), "everything says what it is")

without = [f"{name}.{member}" for name in fm.__all__ if isinstance(getattr(fm, name), type) for member, value in vars(getattr(fm, name)).items()
           if not member.startswith("_") and (callable(value) or isinstance(value, (property, classmethod, staticmethod))) and not value.__doc__]
tap.equal(without + [name for name in fm.__all__ if not getattr(fm, name).__doc__], [], "every name has a docstring")

# ---- Planes and paths -------------------------------------------------------------------------------------
ramp = np.arange(12, dtype=np.uint16).reshape(3, 4)
for name, array in (("turned", ramp.T), ("backwards", ramp[::-1, ::-1]), ("floats", ramp / 2)):
    tap.ok(np.array_equal(np.asarray(fm.plane(array + 0)), array) and np.shares_memory(np.asarray(fm.plane(array)), array), f"a plane as an array: {name}")
with fm.IgnoreMapWriter(pathlib.Path(tap.path("ignore.npz")), STATS) as maps:
    maps.add("a", fm.plane(MASK), fm.plane(LOSS * 2))
    refuses(ValueError, lambda: maps.add("a\0b", MASK, LOSS), "a zip's name would end at a byte 0", "byte 0")
    refuses(TypeError, lambda: maps.add(3, MASK, LOSS), "the id of an ignore map", "int")
tap.ok(np.array_equal(fm.IgnoreMaps(tap.path("ignore.npz")).of("a", 1.25), NOISE.apply(MASK, LOSS * 2) != MASK), "ignore maps of planes")
maps = fm.IgnoreMapWriter(tap.path("dropped/ignore.npz"), STATS)
maps.add("a", MASK, LOSS)
there = os.listdir(tap.path("dropped"))
del maps
gc.collect()
tap.equal((len(there), os.listdir(tap.path("dropped"))), (1, []), "ignore maps that nobody finishes leave nothing")
with fm.IgnoreMapWriter(tap.path("dropped/ignore.npz"), STATS) as maps:
    maps.add("a", MASK, LOSS)
    maps.close()
tap.equal((os.listdir(tap.path("dropped")), len(fm.IgnoreMaps(tap.path("dropped/ignore.npz")))), (["ignore.npz"], 1), "closed within the block")
with contextlib.suppress(KeyboardInterrupt), fm.IgnoreMapWriter(tap.path("dropped/ignore.npz"), STATS) as maps:
    raise KeyboardInterrupt
tap.equal((os.listdir(tap.path("dropped")), len(fm.IgnoreMaps(tap.path("dropped/ignore.npz")))), (["ignore.npz"], 1), "an interrupted one leaves the old file")
with fm.IgnoreMapWriter(tap.path("dropped/ignore.npz"), STATS) as maps, fm.TarWriter(tap.path("dropped/t.tar")) as tar:
    for id in ("a", "b"):
        maps.add(id, MASK, LOSS)
        tar.add(id, {"seg.png": fm.encode_mask(MASK)})
        for leaves in (True, False):
            child = os.fork()
            if not child:  # as one that a library forks, and that ends as Python does
                del maps, tar
                gc.collect()
                sys.exit(0) if leaves else os._exit(0)
            os.waitpid(child, 0)
tap.equal((sorted(os.listdir(tap.path("dropped"))), list(fm.IgnoreMaps(tap.path("dropped/ignore.npz"))), [one.key for one in fm.read_tar(tap.path("dropped/t.tar"))]),
          (["ignore.npz", "t.tar"], ["a", "b"], ["a", "b"]), "forked children leave unfinished files to their parent")
for name, call in (("stats", lambda: fm.ClassStats("cityscapes").add(MASK[..., None], LOSS[..., None])), ("filter", lambda: NOISE.apply(MASK[..., None], LOSS[..., None])),
                   ("weights", lambda: NOISE.weights(MASK[..., None], LOSS[..., None])), ("hardness", lambda: fm.Hardness(STATS).score(MASK[..., None], LOSS[..., None])),
                   ("classes", lambda: STATS.labels.to_classes(MASK[..., None])), ("strata", lambda: fm.boundary_strata(MASK[..., None])),
                   ("loss maps", lambda: fm.loss_map(np.zeros((8, 19, 2, 2), np.float32), MASK[..., None]))):
    tap.ok(kit.raises(fm.ShapeError, call, "last channel", "array[..., 0]"), f"a mask with a last channel is not a batch of columns: {name}")
folder = pathlib.Path(tap.path("pairs"))
folder.mkdir()
fm.write_mask(folder / "a.png", MASK)
with fm.TarWriter(folder / "t.tar") as tar:
    tar.add("a", {"seg.png": fm.encode_mask(MASK), "jpg": b"image"})
both = fm.Folder(folder, folder)
tap.equal((len(both), len(fm.Tars(folder / "t.tar").parts), len(fm.Parquet([folder / "t.parquet"]).parts), next(iter(fm.read_tar(folder / "t.tar"))).key),
          (1, 1, 1, "a"), "paths of pathlib: Folder, Tars, Parquet, read_tar")
done = fm.Job(lambda images: [image[..., 0] / np.float32(9) for image in images], both, both, "cityscapes", folder / "job").run()
tap.ok(done.images == 1 and (folder / "job" / "masks" / "a.png").exists(), "paths of pathlib: Job")
tap.ok(kit.raises(FileNotFoundError, lambda: fm.Folder(folder / "none", folder), "none"), "a folder that is not there")

# ---- One call ---------------------------------------------------------------------------------------------
real = [(f"r{i}", LOSS + i, MASK) for i in range(4)]
synthetic = [(f"s{i}", LOSS * i, MASK) for i in range(5)]
calls = []


def losses(images):
    calls.append(len(images))
    return images


def curated(first=real, second=synthetic, **options):
    return fm.curate(losses, first, second, "cityscapes", **options)


for name, work, says in (
        ("n_max", lambda: curated(n_max=30), "n_max is 30"), ("tolerance", lambda: curated(tolerance=0), "tolerance is 0"),
        ("seeds", lambda: curated(seeds=[1, 1]), ""), ("kind", lambda: curated(kind="loss"), "kind is 'loss'"),
        ("batch", lambda: curated(batch=0), "batch is 0"), ("threads", lambda: curated(threads=-1), "threads is -1")):
    refuses(ValueError, work, f"curate: {name} is refused before the provider is called", says)
refuses(TypeError, lambda: curated(tolerence=2.0), "curate: an option that there is none of", "tolerence")
tap.equal(calls, [], "no call of the provider")
refuses(ValueError, lambda: curated(real + real[:1]), "curate: a real id twice", "'r0' twice")
refuses(ValueError, lambda: curated(second=synthetic + synthetic[:1]), "curate: a synthetic id twice", "'s0' twice")
refuses(TypeError, lambda: curated([(1, LOSS, MASK)]), "curate: an id that is a number", "int")
refuses(TypeError, lambda: curated([(LOSS, MASK)]), "curate: samples without an id", "(id, image, mask)")
refuses(TypeError, lambda: fm.curate(lambda images: None, real, synthetic, "cityscapes"), "curate: a provider that returns nothing", "NoneType")
refuses(fm.LabelError, lambda: curated(second=[("s7", LOSS, MASK + 100)]), "curate: an error names the sample", "'s7'")
refuses(fm.LossError, lambda: curated([("r7", LOSS - 100, MASK)]), "curate: of the real set, too", "'r7'")
for name in ("../s", "/s", "a//s", "a/../../s"):
    refuses(ValueError, lambda name=name: curated(second=[(name, LOSS, MASK)], out=tap.path("out")), f"curate: '{name}' is outside of masks/", name)
tap.ok(not os.path.exists(tap.path("s.png")) and not os.path.exists(tap.path("out", "s.png")), "nothing was written there")
made = curated(second=[("a/b.c", LOSS, MASK)], out=pathlib.Path(tap.path("curated")), seeds=(one for one in range(42, 62)))
tap.ok(np.array_equal(fm.read_mask(tap.path("curated", "masks", "a/b.c.png")), made.filter.apply(MASK, LOSS)), "curate: folders in ids, a Path, a generator")
for options, says in ((dict(n_max=30), "n_max is 30"), (dict(tolerance=-1), "tolerance is -1"), (dict(kind="x"), "kind is 'x'"),
                      (dict(batch=0), "batch is 0"), (dict(tolerance=2, policy="quantile"), "tolerance is 2")):
    folder = tap.path("images")
    os.makedirs(folder, exist_ok=True)
    fm.write_mask(os.path.join(folder, "a.png"), MASK)
    refuses(ValueError, lambda options=options, folder=folder: fm.Job(losses, fm.Folder(folder, folder), fm.Folder(folder, folder), "cityscapes",
                                                                      tap.path("job"), **options), f"a job refuses at once: {says}", says)
refuses(TypeError, lambda: fm.Job(losses, fm.Folder(folder, folder), fm.Folder(folder, folder), "cityscapes", tap.path("job"), tolerence=2),
        "a job: an option that there is none of", "tolerence")

tap.done()
