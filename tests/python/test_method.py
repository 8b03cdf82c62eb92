#!/usr/bin/env python3
# python/test_method.py - the package's names against the method in NumPy and Pillow.
# SPDX-License-Identifier: MIT
import copy
import errno
import pickle
import sys
import sysconfig
import threading

import kit
import tap

tap.need("numpy", "PIL")
import freemask as fm  # noqa: E402
import numpy as np  # noqa: E402
import reference as ref  # noqa: E402

from freemask import _interface

rng = np.random.default_rng(7)
SPACE = ref.preset("ade20k")
SHAPE = (37, 53)


def mask_of(shape=SHAPE):
    return rng.integers(0, 151, shape).astype(np.uint8)


def loss_of(shape=SHAPE):
    return rng.gamma(1.5, 0.7, shape).astype(np.float32)


REAL = [(mask_of(), loss_of()) for _ in range(6)]
MEANS = ref.class_means(SPACE, REAL)
MEANS = MEANS[0] if isinstance(MEANS, tuple) else MEANS
stats = fm.ClassStats("ade20k")
for mask, loss in REAL:
    stats.add(mask, loss)

# ---- Statistics ---------------------------------------------------------------------------------------
tap.ok(np.array_equal(stats.mean_loss, MEANS), "mean_loss is the reference's, to the bit")
tap.equal(stats.images, 6, "images")
counts = sum(np.bincount(np.maximum(SPACE.to_classes(mask), -1).ravel() + 1, minlength=151)[1:] for mask, _ in REAL)
tap.ok(np.array_equal(stats.pixels, counts), "pixels of each class")
halves = [fm.ClassStats("ade20k"), fm.ClassStats("ade20k")]
for i, (mask, loss) in enumerate(REAL):
    halves[i % 2].add(mask, loss)
tap.ok(np.array_equal((halves[0] + halves[1]).state, stats.state) and np.array_equal(sum(halves).state, stats.state),
       "a + b and sum() are the whole")
loaded = fm.ClassStats("ade20k")
loaded.state = halves[0].state + halves[1].state
tap.ok(np.array_equal(loaded.state, stats.state), "a sum of states is the state of the merge")
batch = fm.ClassStats("ade20k").add(np.stack([mask for mask, _ in REAL]), np.stack([loss for _, loss in REAL]))
tap.ok(np.array_equal(batch.state, stats.state), "a batch on threads: the same bits")
shared, errors = fm.ClassStats("ade20k"), []


def add_all():
    try:
        for mask, loss in REAL:
            shared.add(mask, loss)
    except Exception as error:  # pylint: disable=broad-except
        errors.append(error)


threads = [threading.Thread(target=add_all) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
tap.ok(not errors and np.array_equal(shared.state, sum([stats] * 4).state), "four threads may add to one object", errors)
before = stats.state
bad = REAL[0][1].copy()
bad[3, 5] = np.nan
valid = np.argwhere(SPACE.to_classes(REAL[0][0]) >= 0)[0]
bad[tuple(valid)] = np.nan
tap.ok(kit.raises(fm.LossError, lambda: stats.add(REAL[0][0], bad), f"(x {valid[1]}, y {valid[0]})", "nan"), "a bad loss is named")
for code, work in (("FM_ERR_LOSS", lambda: stats.add(REAL[0][0], bad)), ("FM_ERR_SHAPE", lambda: stats.add(REAL[0][0], bad[:5])),
                   ("FM_ERR_MISMATCH", lambda: stats.merge(fm.ClassStats("camvid"))), ("FM_ERR_IO", lambda: fm.ClassStats.load(tap.path("none")))):
    try:
        work()
    except fm.Error as error:
        same = pickle.loads(pickle.dumps(error))
        tap.equal([(type(one), one.code, one.name, str(one), one.host_code) for one in (error, same)],
                  [(type(error), getattr(_interface, code), code, str(error), errno.ENOENT if code == "FM_ERR_IO" else 0)] * 2,
                  f"an exception has its code, also out of a pickle: {code}")
tap.ok(kit.raises(ValueError, lambda: stats.add(np.full(SHAPE, 200, np.uint8), bad), "200"), "a bad label is a ValueError, too")
tap.ok(kit.raises(fm.LossError, lambda: stats.add(np.stack([REAL[0][0]] * 3), np.stack([REAL[0][1], bad, bad])), "nan")
       and np.array_equal(stats.state, before), "on errors nothing is added, of a batch neither")
tap.ok(kit.raises(fm.MismatchError, lambda: stats.merge(fm.ClassStats("camvid"))), "statistics of another label space")
hist = fm.ClassStats("ade20k", histogram=32)
hist.add(*REAL[0])
k = int(np.argmax(hist.pixels))
values = REAL[0][1][SPACE.to_classes(REAL[0][0]) == k]
tap.ok(abs(hist.quantile(k, 0.5) / np.quantile(values, 0.5, method="nearest") - 1) < 0.3, "quantile")
stats.save(tap.path("stats.json"))
again = fm.ClassStats.load(tap.path("stats.json"))
tap.ok(np.array_equal(again.state, stats.state) and again.labels == stats.labels, "save and load")
for name, other in (("pickle", pickle.loads(pickle.dumps(stats))), ("deepcopy", copy.deepcopy(stats))):
    tap.ok(np.array_equal(other.state, stats.state), name)
strata = fm.ClassStats("ade20k", strata=2)
parts = rng.integers(0, 2, SHAPE).astype(np.uint8)
strata.add(*REAL[0], strata=parts)
one = fm.ClassStats("ade20k")
inside = REAL[0][0].copy()
inside[parts == 1] = 0  # ignored
one.add(inside, REAL[0][1])
tap.ok(np.array_equal(strata.mean_loss_of(0), one.mean_loss), "strata")
tap.ok(kit.raises(fm.ArgumentError, lambda: strata.add(*REAL[0]), "strata"), "strata that are missing")

# ---- Filter -------------------------------------------------------------------------------------------
noise = fm.NoiseFilter(stats)
limits = ref.thresholds(MEANS, 1.25)
tap.ok(np.array_equal(noise.thresholds, limits) and noise.thresholds.dtype == np.float32, "thresholds")
made = [(mask_of(), loss_of()) for _ in range(5)]
expected = [ref.filter_mask(SPACE, mask, loss, limits) for mask, loss in made]
expected = [one[0] if isinstance(one, tuple) else one for one in expected]
clean = [noise.apply(mask, loss) for mask, loss in made]
tap.ok(all(np.array_equal(a, b) and a.dtype == np.uint8 for a, b in zip(clean, expected)), "apply")
report = noise.report
classes = SPACE.to_classes(made[-1][0])
gone = (classes >= 0) & (expected[-1] == 0)
tap.equal((report.valid, report.dropped, report.class_dropped.sum()), ((classes >= 0).sum(), gone.sum(), gone.sum()), "report")
tap.ok(abs(report.kept_share - (1 - gone.sum() / (classes >= 0).sum())) < 1e-12, "kept_share")
many = noise.apply(np.stack([mask for mask, _ in made]), np.stack([loss for _, loss in made]))
tap.ok(np.array_equal(many, np.stack(expected)) and noise.report.valid == sum((SPACE.to_classes(mask) >= 0).sum() for mask, _ in made),
       "a batch, and its report")
place = made[0][0].copy()
tap.ok(noise.apply(place, made[0][1], out=place) is place and np.array_equal(place, expected[0]), "in place")
wide = noise.apply(made[0][0], made[0][1], dtype="int64")
tap.ok(wide.dtype == np.int64 and np.array_equal(wide, expected[0]), "into a wider type")
keep = (SPACE.to_classes(made[0][0]) >= 0) & (expected[0] != 0)
for dtype in ("float32", "float64", "float16", "uint8"):
    weights = noise.weights(*made[0], dtype=dtype)
    tap.ok(weights.dtype == dtype and np.array_equal(weights, keep.astype(dtype)), f"weights as {dtype}")
ramp = noise.weights(*made[0], kind="ramp", width=0.25, dtype="float64")
tap.ok(np.all(ramp[keep] >= .5) and np.any((ramp > 0) & (ramp < 1)), "a ramp")
power = noise.weights(*made[0], kind="power", gamma=2)
tap.ok(np.array_equal(power == 1, keep) and np.any((power > 0) & (power < 1)), "a power")
tap.ok(kit.raises(fm.UnsupportedError, lambda: noise.weights(*made[0], kind="ramp", dtype="uint8"), "floating"), "not as uint8")
half = noise.weights(*made[0], dropped=0.25)
tap.ok(np.array_equal(half, np.where(keep, 1, np.where(SPACE.to_classes(made[0][0]) >= 0, 0.25, 0)).astype(np.float32)), "soft weights")
twin = pickle.loads(pickle.dumps(noise))
tap.ok(np.array_equal(twin.apply(*made[0]), expected[0]), "a filter pickles")
for wrong in (0, -1.0, float("nan")):
    tap.ok(kit.raises(ValueError, lambda wrong=wrong: fm.NoiseFilter(stats, tolerance=wrong), "tolerance"), f"a tolerance of {wrong}")
tap.ok(kit.raises(ValueError, lambda: fm.NoiseFilter(stats, policy="magic"), "paper"), "a policy that does not exist")
tap.ok(kit.raises(fm.EmptyError, lambda: fm.NoiseFilter(fm.ClassStats("ade20k"))), "statistics of nothing")


WORKERS = """
import multiprocessing, pickle, sys

if __name__ == "__main__":
    with open(sys.argv[1], "rb") as file:
        noise, made = pickle.load(file)
    with multiprocessing.get_context(sys.argv[2]).Pool(2) as pool:
        clean = pool.starmap(noise.apply, made)
    with open(sys.argv[1] + ".out", "wb") as file:
        pickle.dump(clean, file)
"""
with open(tap.path("workers.py"), "w", encoding="utf-8") as file:
    file.write(WORKERS)
with open(tap.path("work"), "wb") as file:
    pickle.dump((noise, made), file)
for context in ("fork", "spawn"):
    ran = tap.run([sys.executable, tap.path("workers.py"), tap.path("work"), context])
    good = ran.returncode == 0
    if good:
        with open(tap.path("work.out"), "rb") as file:
            good = all(np.array_equal(a, b) for a, b in zip(pickle.load(file), expected))
    tap.ok(good, f"workers of a loader: {context}", ran.stdout)

INTERPRETER = """
import array, sys
sys.modules["numpy"] = None  # which says that it does not care for sub-interpreters
import freemask as fm
mask = memoryview(bytes(range(12))).cast("B", (3, 4))
loss = memoryview(array.array("f", range(12))).cast("B").cast("f", (3, 4))
for _ in range(50):
    stats = fm.ClassStats("camvid").add(mask, loss)
    assert fm.NoiseFilter(stats, 0.5).apply(mask, loss).tolist() == [[0] + 3 * [11], 4 * [11], 4 * [11]]
    try:
        stats.add(mask, mask)
        raise SystemExit("a loss of bytes was taken")
    except fm.UnsupportedError as error:
        assert "loss" in str(error), error
"""
INTERPRETERS = """
import sys, threading
options = {}
try:
    import _xxsubinterpreters as sub  # until Python 3.12
    if sys.version_info >= (3, 12):
        options = {"isolated": False}  # its ctypes does not load where the GIL is another
except ImportError:
    import _interpreters as sub
import freemask as fm
failed, done = [], []

def work():
    one = sub.create(**options)
    failed.append(sub.run_string(one, sys.argv[1]))  # raises, or since 3.13 returns what was raised
    sub.destroy(one)
    done.append(one)

threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
work()
assert len(done) == 5 and not any(failed), failed
print("fine")
"""
ran = tap.run([sys.executable, "-c", INTERPRETERS, INTERPRETER])
tap.ok(ran.returncode == 0 and ran.stdout.strip() == "fine", "sub-interpreters, side by side and after one another", ran.stdout)
if sysconfig.get_config_var("Py_GIL_DISABLED"):  # the threads above had none, if this is so
    tap.ok(not sys._is_gil_enabled(), "free-threaded Python: the package does not bring the GIL back")

# ---- Other policies -------------------------------------------------------------------------------------
losses = fm.ClassStats("camvid", strata=8, histogram=32)
own = ref.preset("camvid")
real = [(rng.integers(0, 11, (6, 8)).repeat(10, 0).repeat(10, 1).astype(np.uint8), loss_of((60, 80))) for _ in range(4)]
for mask, loss in real:
    losses.add(mask, loss, strata=fm.boundary_strata(mask))
ranked = fm.ClassStats("camvid", histogram=32, ranks=losses)
for mask, loss in real:
    ranked.add(mask, loss, strata=fm.boundary_strata(mask))
paired = fm.NoiseFilter(ranked, policy="paired", real_share=0.1)
mask, loss = real[0]
strata = fm.boundary_strata(mask)
alone = fm.NoiseFilter(ranked, policy="strata", real_share=0.1).apply(mask, loss, strata=strata)
share = [(fm.NoiseFilter(ranked, policy="strata", real_share=0.1).apply(m, v, strata=fm.boundary_strata(m)) == 11).mean() for m, v in real]
tap.ok(0.05 < np.mean(share) < 0.15, "strata: the stated share of real pixels is dropped", share)
with_itself = paired.apply(mask, loss, strata=strata, reference=loss)
tap.ok((with_itself == 11).sum() < (alone == 11).sum(), "paired: what the real image loses is allowed for")
tap.ok(kit.raises(fm.Error, lambda: paired.apply(mask, loss, strata=strata), "reference"), "paired: an image without a reference is refused")
batch = paired.apply(np.stack([mask] * 2), np.stack([loss] * 2), strata=np.stack([strata] * 2), reference=np.stack([loss] * 2))
tap.ok(np.array_equal(batch, np.stack([with_itself] * 2)), "paired: a batch")
codes = ranked.codes(mask, loss)
tap.ok(codes.codes.dtype == np.uint8 and codes.codes.shape == mask.shape and len(np.unique(codes.codes)) > 20,
       "codes of a reference: a byte a pixel")
by_codes = paired.apply(mask, loss, strata=strata, reference=codes)
tap.ok((by_codes != with_itself).mean() < 0.01, "paired: references of codes", (by_codes != with_itself).mean())
foreign = fm.ReferenceCodes(codes.codes, codes.ranks + 1)
tap.ok(kit.raises(fm.MismatchError, lambda: paired.apply(mask, loss, strata=strata, reference=foreign), "other statistics"),
       "codes of other statistics are refused")
easy = paired.apply(mask, loss, strata=strata, reference=loss, siblings=[np.zeros_like(loss), loss])
tap.ok((easy == 11).sum() > (with_itself == 11).sum(), "siblings lower what is expected")
tap.ok(kit.raises(fm.Error, lambda: paired.apply(mask, loss, strata=strata, siblings=[loss]), "only the real one"), "siblings alone are refused")
tap.ok(np.array_equal(paired.apply(np.stack([mask] * 2), np.stack([loss] * 2), strata=np.stack([strata] * 2), reference=[codes] * 2,
                                   siblings=[[loss]] * 2)[0], paired.apply(mask, loss, strata=strata, reference=codes, siblings=[loss])), "in a batch, too")
with fm.IgnoreMapWriter(tap.path("paired.npz"), {5.0: paired}) as maps:
    maps.add("m", mask, loss, strata, codes, [np.zeros_like(loss), loss])
lowered = paired.apply(mask, loss, strata=strata, reference=codes, siblings=[np.zeros_like(loss), loss])
tap.ok(np.array_equal(fm.IgnoreMaps(tap.path("paired.npz")).of("m", 5.0), (lowered == 11) & (mask != 11)), "ignore maps of pairs")
tap.ok(np.array_equal(pickle.loads(pickle.dumps(paired)).apply(mask, loss, strata=strata, reference=loss), with_itself), "paired: it pickles")
tap.ok(np.array_equal((ranked + ranked._empty()).state, ranked.state), "statistics of ranks add up")
tap.ok(kit.raises(fm.MismatchError, lambda: fm.NoiseFilter(losses, policy="paired")), "statistics of another score")
near = np.minimum(np.abs(np.diff(mask.astype(int), axis=1, prepend=mask[:, :1])), 1)
tap.ok((strata[near == 1] == 0).all() and strata.max() > 0, "strata: 0 beside another label")
mean = fm.window_mean(mask, loss, 3)
y, x = 30, 40
square = np.s_[y - 3:y + 4, x - 3:x + 4]
tap.ok(abs(mean[y, x] - loss[square][mask[square] == mask[y, x]].mean()) < 1e-3, "window_mean")
quantile = fm.NoiseFilter(losses, policy="quantile", real_share=0.2)
tap.ok(0.1 < np.mean([(quantile.apply(m, v, strata=fm.boundary_strata(m)) == 11).mean() for m, v in real]) < 0.3, "quantile")

# ---- Hardness, plan, schedule ---------------------------------------------------------------------------
measure = fm.Hardness(stats)
wanted = [ref.hardness(SPACE, mask, MEANS) for mask, _ in REAL]
wanted = [one[0] if isinstance(one, tuple) else one for one in wanted]
tap.equal([measure.score(mask) for mask, _ in REAL], wanted, "score is the reference's, to the bit")
tap.equal(measure.score(np.stack([mask for mask, _ in REAL])), wanted, "scores of a batch")
tap.equal(pickle.loads(pickle.dumps(measure)).score(REAL[0][0]), wanted[0], "a hardness pickles")
ids = [f"img_{i}" for i in (9, 10, 2, 1, 30, 4)]
table = fm.plan(ids, wanted, n_max=5, seeds=range(100, 120), seed=3)
order = sorted(range(6), key=lambda i: (wanted[i], ids[i]))
for i, mask in enumerate(ids):
    place = order.index(i)
    count = ref.count_at(place, 6, 5)
    row = table[mask]
    seeds = tuple(sorted(ref.chosen_seeds(3, mask, list(range(100, 120)), count)))
    tap.equal((row.rank, row.count, row.seeds, row.hardness), (place + 1, count, seeds, wanted[i]), f"plan: {mask}")
tap.equal([row.mask for row in table], sorted(ids), "rows are sorted by the bytes of ids")
table.to_csv(tap.path("plan.csv"))
tap.ok(fm.Plan.from_csv(tap.path("plan.csv")) == table == pickle.loads(pickle.dumps(table)) and "img_9" in table and "x" not in table,
       "to_csv, from_csv, pickle, in")
tap.ok(kit.raises(fm.DuplicateError, lambda: fm.plan(["a", "a"], [1.0, 2.0]), "a"), "an id that comes twice")
tap.ok(kit.raises(ValueError, lambda: fm.plan(["a"], [1.0, 2.0])), "more values than ids")
grown = fm.plan([*ids, "new"], [*wanted, 0.1], n_max=8, seeds=range(100, 120), seed=3, keep=table)
tap.ok(all(set(table[mask].seeds) <= set(grown[mask].seeds) for mask in ids), "a plan that grows withdraws nothing")
whole = fm.Schedule(table, seed=5)
epoch = whole.epoch(0)
tap.equal(sorted(epoch), sorted(list(range(6)) * table.real_repeats + list(range(6, 6 + table.images))), "an epoch of joint training")
dealt = [fm.Schedule(table, seed=5, rank=r, world=2, tail="truncate") for r in range(2)]
tap.ok(np.array_equal(np.stack([one.epoch(0) for one in dealt], 1).ravel(), epoch[:2 * dealt[0].epoch_length(0)]), "ranks deal it out")
whole.position = 11
state = whole.state_dict()
follow = [next(whole).number for _ in range(20)]
resumed = fm.Schedule(table, seed=5)
resumed.load_state_dict(pickle.loads(pickle.dumps(state)))
tap.equal([next(resumed).number for _ in range(20)], follow, "state_dict goes on where it stopped")
tap.ok(kit.raises(fm.MismatchError, lambda: fm.Schedule(table, seed=6).load_state_dict(state)), "another order refuses it")
tap.ok([entry.synthetic for entry in map(whole.__getitem__, range(len(epoch)))] == [bool(n >= 6) for n in epoch], "entries by position")

# ---- Labels and losses of networks ----------------------------------------------------------------------
labels = fm.Labels("cityscapes-ids")
space = ref.preset("cityscapes-ids")
city = rng.choice(sorted(space.table), SHAPE).astype(np.uint8)
tap.ok(np.array_equal(labels.to_classes(city), np.where(space.to_classes(city) < 0, 255, space.to_classes(city))), "to_classes")
tap.ok(labels.to_classes(city, ignored=-1, dtype="int64").min() == -1, "to_classes with -1")
tap.equal((len(labels), labels.class_names[0], labels.class_of(7), labels.class_of(0), labels.label_of(0)), (19, "road", 0, None, 7), "labels")
tap.ok(kit.raises(KeyError, lambda: labels.class_of(99)), "a label outside")
own = fm.Labels.from_classes(["a", "b"], ignored=[-1, 255])
own.to_csv(tap.path("own.csv"))
tap.ok(fm.Labels.from_csv(tap.path("own.csv")) == own == pickle.loads(pickle.dumps(own)) and own != labels, "to_csv, from_csv, pickle")
tap.ok("ade20k" in fm.Labels.presets(), "presets")
tap.ok(kit.raises(fm.ArgumentError, lambda: fm.Labels("nothing"), "ade20k"), "an unknown preset lists the names")
tap.ok(kit.raises(fm.FileError, lambda: fm.Labels.from_csv(tap.path("none.csv")), "none.csv"), "a file that is not there is an OSError")
logits = rng.normal(0, 2, (5, 40, 40)).astype(np.float32)
target = rng.integers(0, 6, (40, 40)).astype(np.uint8)
target[target == 5] = 255
shifted = logits.astype(np.float64) - logits.max(0)
truth = np.log(np.exp(shifted).sum(0)) - np.take_along_axis(shifted, np.where(target == 255, 0, target)[None].astype(int), 0)[0]
losses = fm.loss_map(logits, target)
tap.ok(losses.dtype == np.float32 and np.abs(losses - np.where(target == 255, 0, truth)).max() < 5e-6, "loss_map without labels: 255 is ignored")
tap.ok(np.array_equal(fm.loss_map(np.stack([logits] * 3), np.stack([target] * 3)), np.stack([losses] * 3)), "loss_map of a batch")
model = fm.NetworkLoss(fm.Labels.from_classes(list("abcde"), ignored=[255]))
for name, method, dtype in (("loss_map", model.loss_map, np.float32), ("class_map", model.class_map, np.int32)):
    given = np.full((3, 40, 40), 77, dtype)
    made = method(np.stack([logits] * 3), np.stack([target] * 3), given)
    tap.ok(made is given and np.array_equal(given, np.stack([method(logits, target)] * 3)), f"{name} of a batch, to a given array")
tap.ok(np.array_equal(model.class_map(logits, target), np.where(target == 255, -1, logits.argmax(0))), "class_map is the largest logit")
tap.equal(fm.loss_map(logits[:, ::2, ::2], target).shape, (40, 40), "an output of another size")
tap.ok(kit.raises(fm.ArgumentError, lambda: fm.loss_map(logits, target, kind="probs"), "LOGITS"), "values of another kind")


# ---- Without losses, and by yield -----------------------------------------------------------------------
import yield_reference  # noqa: E402

shapes = [yield_reference.complexity(SPACE.to_classes(mask).astype(np.int64), 150) for mask, _ in REAL]
tap.equal(fm.shape_complexity("ade20k", REAL[0][0]).tolist(), shapes[0], "shape_complexity")
by_shape = fm.shape_hardness("ade20k", [mask for mask, _ in REAL])
tap.equal(by_shape, yield_reference.hardness(shapes), "shape_hardness")
pixels = [[int(n) for n in np.bincount(SPACE.to_classes(mask).ravel() + 1, minlength=151)[1:]] for mask, _ in REAL]
shares = [round(float(share), 3) for share in rng.random(150)]
names = [f"m{i}" for i in range(6)]
first = fm.plan(names, by_shape, policy="yield", budget=11, n_max=4, class_pixels=pixels, kept_shares=shares)
tap.equal([row.count for row in first], yield_reference.counts(pixels, 11, 4, shares), "plan by yield")
again = fm.plan(names, by_shape, policy="yield", budget=17, n_max=4, class_pixels=pixels, kept_shares=shares, keep=first)
tap.equal([row.count for row in again], yield_reference.counts(pixels, 17, 4, shares), "and more of it")
tap.ok(kit.raises(ValueError, lambda: fm.plan(names, by_shape, policy="yield", budget=3), "kept_shares"), "it needs shares")
# ---- What is refused ----------------------------------------------------------------------------------------
def refused(work, *says):
    """An exception of the package, with a code and a sentence of one line."""
    try:
        work()
    except fm.Error as error:
        return error.code < 0 and error.name.startswith("FM_ERR_") and "\n" not in str(error) and all(word in str(error) for word in says)
    return False


mask, loss = REAL[0]
noise, hardness, network = fm.NoiseFilter(stats), fm.Hardness(stats), fm.NetworkLoss("ade20k")
takes = {"add": lambda one: stats.copy().add(one, loss), "add, loss": lambda one: stats.copy().add(mask, one), "apply": lambda one: noise.apply(one, loss),
         "apply, loss": lambda one: noise.apply(mask, one), "apply, out": lambda one: noise.apply(mask, loss, out=one),
         "weights": lambda one: noise.weights(one, loss), "weights, loss": lambda one: noise.weights(mask, one),
         "score": hardness.score, "score, loss": lambda one: hardness.score(mask, one), "count": stats.labels.count,
         "to_classes": stats.labels.to_classes, "boundary_strata": fm.boundary_strata, "window_mean": lambda one: fm.window_mean(mask, one, 1),
         "NetworkLoss": lambda one: network.loss_map(one, mask), "loss_map": lambda one: fm.loss_map(one, mask),
         "loss_map, mask": lambda one: fm.loss_map(np.zeros((150, 4, 4), np.float32), one),
         "loss_map of queries": lambda one: fm.loss_map((one, one), mask, kind="queries"), "plane": fm.plane,
         "strata": lambda one: fm.ClassStats("ade20k", strata=2).add(mask, loss, strata=one), "state": lambda one: setattr(stats.copy(), "state", one)}
for says, wrong in (("a number", 3), ("a string", "mask"), ("a list", [[1, 2], [3, 4]]), ("a scalar array", np.array(3)), ("one dimension", mask[0]),
                    ("no rows", np.zeros((0, 8), np.uint8)), ("objects", mask.astype(object)), ("complex numbers", mask.astype(np.complex64)),
                    ("strings", mask.astype("U3")), ("dates", np.zeros(SHAPE, "M8[s]")), ("a range", range(5))):
    missed = [name for name, take in takes.items() if not refused(lambda take=take, wrong=wrong: take(wrong))]
    tap.equal(missed, [], f"refused with code and sentence: {says}")
for name in ("add", "apply", "weights", "to_classes", "boundary_strata"):
    tap.ok(refused(lambda name=name: takes[name](np.zeros((0, *SHAPE), np.uint8)), "no image"), f"refused by {name}: a batch of no image")
for name, work in (("filter", lambda: fm.NoiseFilter("ade20k")), ("hardness", lambda: fm.Hardness(None)), ("labels", lambda: fm.ClassStats(150)),
                   ("merge", lambda: stats.merge("ade20k")), ("ranks", lambda: fm.ClassStats("ade20k", histogram=4, ranks=3)),
                   ("schedule", lambda: fm.Schedule(["a"], ["a"])), ("calibrated", lambda: fm.NoiseFilter.calibrated(stats))):
    tap.ok(refused(work, "expected freemask."), f"refused with what is expected: {name}")
for name, work in (("policy", lambda: fm.NoiseFilter(stats, policy="x")), ("tolerance", lambda: fm.NoiseFilter(stats, tolerance=0)),
                   ("kind", lambda: fm.loss_map(np.zeros((2, 4, 4)), mask, kind="x")), ("ids", lambda: fm.plan(["a"], [1, 2])),
                   ("ids that are none", lambda: fm.plan([["a"]], [1])), ("measure", lambda: fm.Hardness(stats, measure="x")),
                   ("batches", lambda: noise.apply(np.stack([mask] * 2), loss[None])), ("mix", lambda: fm.Schedule(None, 3, mix="x"))):
    tap.ok(refused(work), f"options that are wrong have a code, too: {name}")
blob = stats.to_bytes()
tap.ok(np.array_equal(fm.ClassStats.from_bytes("ade20k", memoryview(bytearray(blob))).state, stats.state), "bytes in any buffer")
small = np.tile(np.array([[1, 2, 3]], np.uint8), (2, 2))
tap.ok(abs(fm.Hardness(stats, size=None).score(small) / (2 * MEANS[:3].astype(float).sum() * 2 / (12 + 1e-5)) - 1) < 1e-15,
       "hardness has the 1e-5 of the paper's formula: of few pixels a millionth")
tap.done()
