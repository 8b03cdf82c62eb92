#!/usr/bin/env python3
# cli/test_results.py - whole jobs on random folders against NumPy and Pillow.
# SPDX-License-Identifier: MIT
import csv
import json

from kit import *

SEEDS = list(range(42, 62))


def palette(entries, rng):
    return bytes(rng.integers(0, 256, 3 * entries, np.uint8))


class World:
    """Real and synthetic masks with losses, written in many kinds of files."""

    def __init__(self, name, space, seed, labels=None, suffix="", depth=8, real=7, synthetic=9):
        self.name, self.space, self.suffix = name, space, suffix
        self.folder = tap.path(name)
        self.labels = labels or space.name
        self.rng = np.random.default_rng(seed)
        self.depth = depth
        present = set(range(0, space.classes, 2)) | {space.classes - 1}
        self.real = self.make("real", real, present)
        self.synthetic = self.make("synthetic", synthetic, None)

    def stem(self, kind, i):
        # Names with blanks, dots, umlauts, in folders; not in the order of their numbers.
        return [f"{kind} {i}", f"b/{kind}.{i}", f"b/c/\u00e4{kind}-{i}", f"{kind}{i:04d}"][i % 4]

    def make(self, kind, count, present):
        found = {}
        for i in range(count):
            shape = tuple(self.rng.integers(5, 90, 2))
            largest = (1 << self.depth) - 1
            mask = random_mask(self.rng, self.space, shape, present, largest)
            dtype = [np.float32, np.float16, np.float64][i % 3]
            loss = random_loss(self.rng, self.space, mask, dtype)
            stem = self.stem(kind, i)
            data = self.mask_file(i, mask)
            write(f"{self.folder}/{kind}/masks/{stem}{self.suffix}.png", data)
            write(f"{self.folder}/{kind}/losses/{stem}.npy", self.loss_file(i, loss))
            found[stem] = (mask, loss, data)
        return found

    def mask_file(self, i, mask):
        if i % 2:
            return png(mask, self.depth, interlaced=i % 4 == 3)
        if self.depth == 16:
            return png(mask, 16)
        entries = min(1 << self.depth, 256)
        return png(mask, self.depth, palette(entries, self.rng))

    def loss_file(self, i, loss):
        if i % 5 == 1:
            loss = loss.astype(loss.dtype.newbyteorder(">"))
        if i % 5 == 2:
            loss = np.asfortranarray(loss)
        if i % 5 == 3:
            loss = loss[None]
        return npy(loss, [(1, 0), (2, 0), (3, 0)][i % 3])

    def run(self, *arguments, **more):
        return run(*arguments, cwd=self.folder, **more)


def check_stats(world):
    result = world.run("stats", "--labels", world.labels, "--masks", "real/masks",
                       "--losses", "real/losses", "-o", "stats.json")
    if not tap.ok(result.code == 0, f"{world.name}: stats runs", result):
        return False
    file = json.loads(read(f"{world.folder}/stats.json"))
    means, pixels = ref.class_means(world.space, [(m, l) for m, l, _ in world.real.values()])
    world.means = means
    classes = file["classes"]
    tap.equal([c["pixels"] for c in classes], pixels.tolist(), f"{world.name}: pixels of classes")
    worst = max(abs(c["mean_loss"] - h) / (h or 1) for c, h in zip(classes, means))
    tap.ok(worst <= 1e-6, f"{world.name}: means to 1e-6", worst)
    tap.ok(all(same_bits(c["mean_loss"], h) for c, h in zip(classes, means)),
           f"{world.name}: means to the last bit", worst)
    sums = [sum(d << 32 * i for i, d in enumerate(numbers_of(c["words"])[1:12])) for c in classes]
    exact = [0] * world.space.classes
    for mask, loss, _ in world.real.values():
        k, v = world.space.to_classes(mask), ref.as_float32(loss).astype(np.float64)
        for c, value in zip(k[k >= 0].tolist(), v[k >= 0].tolist()):
            numerator, denominator = value.as_integer_ratio()
            exact[c] += numerator * (1 << 149) // denominator
    tap.equal(sums, exact, f"{world.name}: words are the exact sums")
    tap.equal([c["index"] for c in classes], list(range(world.space.classes)),
              f"{world.name}: classes in order")
    if world.space.class_names:
        tap.equal([c["name"] for c in classes], world.space.class_names, f"{world.name}: class names")
    return True


def expected_masks(world, tolerance):
    limits = ref.thresholds(world.means, tolerance)
    return {stem: ref.filter_mask(world.space, mask, loss, limits)
            for stem, (mask, loss, _) in world.synthetic.items()}


def check_one_mask(world, stem, original, expected):
    made = Png(read(f"{world.folder}/out/masks/{stem}{world.suffix}.png"))
    if not np.array_equal(made.pixels, expected):
        y, x = np.argwhere(made.pixels != expected)[0]
        return f"{stem}: pixel x {x}, y {y} is {made.pixels[y, x]}, expected {expected[y, x]}"
    head = struct.unpack(">IIBBBBB", original[16:29])
    depth = head[2] if expected.max() < 1 << head[2] else (8 if expected.max() < 256 else 16)
    if made.depth != depth or made.color != head[3]:
        return f"{stem}: {made.depth} bits, color type {made.color}; was {head[2]}, {head[3]}"
    if head[3] == 3:
        at = original.index(b"PLTE")
        length = struct.unpack(">I", original[at - 4:at])[0]
        if made.palette[:length] != original[at + 4:at + 4 + length]:
            return f"{stem}: another palette"
    return ""


def check_filter(world, tolerance, *flags):
    before = tree(f"{world.folder}/synthetic")
    result = world.run("filter", "--stats", "stats.json", "--labels", world.labels, "--masks",
                       "synthetic/masks", "--losses", "synthetic/losses", "-o", "out", *flags)
    if not tap.ok(result.code == 0, f"{world.name}: filter runs", result):
        return
    expected = expected_masks(world, tolerance)
    problems = [check_one_mask(world, stem, world.synthetic[stem][2], filtered)
                for stem, (filtered, _, _) in expected.items()]
    tap.equal([p for p in problems if p], [], f"{world.name}: filtered masks, pixel for pixel")
    tap.equal(sorted(n for n in tree(f"{world.folder}/out/masks")),
              sorted(f"{stem}{world.suffix}.png" for stem in expected), f"{world.name}: names of masks")
    tap.equal(tree(f"{world.folder}/synthetic"), before, f"{world.name}: inputs untouched")
    rows = list(csv.DictReader(read(f"{world.folder}/out/filter.csv").decode().splitlines()))
    wanted = [(stem, int((classes >= 0).sum()), int(dropped.sum()))
              for stem, (_, classes, dropped) in expected.items()]
    wanted.sort(key=lambda row: os.fsencode(row[0]))
    tap.equal([(r["stem"], int(r["valid"]), int(r["dropped"])) for r in rows], wanted,
              f"{world.name}: filter.csv counts")
    shares = [abs(float(r["kept_share"]) - (1 - d / v if v else 0)) for r, (_, v, d) in zip(rows, wanted)]
    tap.ok(max(shares) < 1e-6, f"{world.name}: kept_share", shares)
    tap.ok(0 < sum(d for _, _, d in wanted) < sum(v for _, v, _ in wanted), f"{world.name}: some, not all")


def check_hardness(world, resize, size):
    flags = ["--resize", resize] if resize else []
    result = world.run("hardness", "--stats", "stats.json", "--labels", world.labels, "--masks",
                       "real/masks", "-o", "hardness.csv", *flags)
    if not tap.ok(result.code == 0, f"{world.name}: hardness {resize} runs", result):
        return
    rows = list(csv.DictReader(read(f"{world.folder}/hardness.csv").decode().splitlines()))
    world.hardness = {r["mask"]: float(r["hardness"]) for r in rows}
    tap.equal([r["mask"] for r in rows], sorted(world.real, key=os.fsencode),
              f"{world.name}: hardness {resize} sorted by mask")
    expected = {stem: ref.hardness(world.space, mask, world.means, size)
                for stem, (mask, _, _) in world.real.items()}
    worst = max(abs(world.hardness[s] - h) / (h or 1) for s, (h, _) in expected.items())
    tap.ok(worst <= 1e-12, f"{world.name}: hardness {resize} to 1e-12", worst)
    tap.equal({r["mask"]: int(r["valid_pixels"]) for r in rows}, {s: v for s, (_, v) in expected.items()},
              f"{world.name}: valid pixels {resize}")


def check_plan(world, n_max, seed, seeds, flags):
    result = world.run("plan", "--hardness", "hardness.csv", "--n-max", n_max, "--seed", seed,
                       "-o", "plan.csv", *flags)
    if not tap.ok(result.code == 0, f"{world.name}: plan {n_max} runs", result):
        return
    rows = list(csv.DictReader(read(f"{world.folder}/plan.csv").decode().splitlines()))
    ranks = ref.ranks(world.hardness, n_max)
    tap.equal({r["mask"]: (int(r["rank"]), int(r["count"])) for r in rows}, ranks,
              f"{world.name}: ranks and counts {n_max}")
    tap.equal([r["mask"] for r in rows], sorted(ranks, key=os.fsencode), f"{world.name}: plan sorted by mask")
    tap.equal({r["mask"]: [int(s) for s in r["seeds"].split(" ")] for r in rows},
              {m: ref.chosen_seeds(seed, m, seeds, c) for m, (_, c) in ranks.items()},
              f"{world.name}: seeds {seed}")


def whole_job(world, tolerance=1.25, filter_flags=(), resizes=((None, (512, 512)),)):
    if not check_stats(world):
        return
    check_filter(world, tolerance, *filter_flags)
    for resize, size in resizes:
        check_hardness(world, resize, size)
    check_plan(world, 20, 0, SEEDS, [])
    check_plan(world, 6, 2**64 - 1, list(range(5, 25)), ["--seeds", "5:25"])


def check_wide_ignore():
    """The ignore label does not fit the masks' dtypes: what is written is wider."""
    space = ref.Space("wide", 2, 40000, {0: 0, 1: 1})
    write(tap.path("wide/space.csv"), labels_csv(space))
    rng = np.random.default_rng(40)
    mask, loss = rng.integers(0, 2, (9, 13)), rng.random((9, 13)).astype(np.float32)
    masks = {"gray.png": png(mask, 1), "palette.png": png(mask, 1, bytes(range(6))), "bytes.npy": npy(mask.astype("u1")),
             "short.npy": npy(mask.astype("<i2")), "long.npy": npy(mask.astype(">i8")), "none.png": png(mask, 1)}
    for name, data in masks.items():
        write(tap.path("wide/masks", name), data)
        write(tap.path("wide/losses", name[:-4] + ".npy"), npy(loss * (name != "none.png")))
    inputs = ["--labels", "space.csv", "--masks", "masks", "--losses", "losses"]
    for job in (["stats", *inputs, "-o", "stats.json"], ["filter", "--stats", "stats.json", *inputs, "-o", "out"]):
        result = run(*job, cwd=tap.path("wide"))
        tap.ok(result.code == 0, f"wide ignore label: {job[0]} runs", result)
    rows = json.loads(read(tap.path("wide/stats.json")))["classes"]
    limit = np.array([1.25 * row["mean_loss"] for row in rows]).astype(np.float32)[mask]
    for name in masks:
        expected = mask if name == "none.png" else np.where(loss > limit, 40000, mask)
        got = Png(read(tap.path("wide/out/masks", name[:-4] + ".png")))
        tap.ok(np.array_equal(got.pixels, expected), f"wide ignore label: {name}", got.pixels)
        if name == "none.png":
            tap.equal(got.depth, 1, "nothing dropped, nothing widened")


def main():
    resizes = ((None, (512, 512)), ("none", None), ("256x64", (256, 64)), ("512x512", (512, 512)))
    whole_job(World("ade20k", ref.preset("ade20k"), 1), resizes=resizes)
    whole_job(World("cityscapes-ids", ref.preset("cityscapes-ids"), 2, suffix="_gtFine_labelIds"),
              0.8, ["--tolerance", "0.8"])
    whole_job(World("cocostuff164k-raw", ref.preset("cocostuff164k-raw"), 3), 2,
              ["--tolerance=2", "-j1"])
    whole_job(World("camvid", ref.preset("camvid"), 4, depth=4), 0.3, ["--tolerance", "3e-1"])
    own = own_space()
    write(tap.path("own", "space.csv"), labels_csv(own))
    whole_job(World("own", own, 5, labels="space.csv", depth=16))
    two = ref.Space("two", 2, 3, {0: 0, 1: 1})
    write(tap.path("two", "space.csv"), labels_csv(two))
    whole_job(World("two", two, 6, labels="space.csv", depth=2))
    check_wide_ignore()
    tap.done()


main()
