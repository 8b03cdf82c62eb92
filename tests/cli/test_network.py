#!/usr/bin/env python3
# cli/test_network.py - stats, filter, check and run on the outputs of networks, against NumPy float64.
# SPDX-License-Identifier: MIT
"""Losses are within 5e-6 nats of float64, so class means are, too, and the filter may decide otherwise
only where a loss lies so near to its threshold."""
import io
import json
import re

import network_truth as truth  # noqa: E402 - kit says what is missing
from kit import *

rng = np.random.default_rng(31)
BOUND = 5e-6


def ids(space):
    return np.arange(space.classes)


class World:
    """Masks of several sizes with an output each; `make` returns (files of the output, truth)."""

    def __init__(self, name, space, make, count=4, suffix="", labels=None):
        self.name, self.space, self.folder = name, space, tap.path(name)
        self.labels = labels or space.name
        if labels:
            write(tap.path(name, labels), labels_csv(space))
        self.sets = {}
        for part in ("real", "syn"):
            self.sets[part] = {}
            for i in range(count):
                shape = tuple(int(n) for n in rng.integers(9, 60, 2))
                mask = random_mask(rng, space, shape)
                files, loss = make(space.to_classes(mask), i)
                stem = ["a 1", "b/c.2", "d_3", "e"][i % 4] + ("" if i < 4 else str(i))
                write(f"{self.folder}/{part}/m/{stem}{suffix}.png", png(mask, 8 if mask.max() < 256 else 16))
                for ending, data in files.items():
                    write(f"{self.folder}/{part}/o/{stem}{ending}", data)
                self.sets[part][stem + suffix] = (mask, loss)

    def run(self, *arguments, **more):
        return run(*arguments, cwd=self.folder, **more)

    def sums(self):
        """Class means of the real set, by float64."""
        total, pixels = np.zeros(self.space.classes), np.zeros(self.space.classes)
        for mask, loss in self.sets["real"].values():
            classes = self.space.to_classes(mask)
            total += np.bincount(classes[classes >= 0], loss[classes >= 0], self.space.classes)
            pixels += np.bincount(classes[classes >= 0], None, self.space.classes)
        return total / (pixels + 1e-5), pixels

    def check(self, flags):
        """check, stats and filter with these flags."""
        L = ["--labels", self.labels]
        result = self.run("check", *L, "--masks", "real/m", *flags("real"))
        tap.ok(result.code == 0, f"{self.name}: check finds nothing", result)
        result = self.run("stats", *L, "--masks", "real/m", *flags("real"), "-o", "s.json")
        if not tap.ok(result.code == 0, f"{self.name}: stats", result):
            return
        means, pixels = self.sums()
        made = json.loads(read(f"{self.folder}/s.json"))
        tap.equal([c["pixels"] for c in made["classes"]], pixels.astype(int).tolist(), f"{self.name}: pixels")
        worst = max(abs(c["mean_loss"] - h) for c, h in zip(made["classes"], means))
        tap.ok(worst <= BOUND, f"{self.name}: class means within 5e-6 nats", worst)
        result = self.run("filter", "--stats", "s.json", *L, "--masks", "syn/m", *flags("syn"), "-o", "out")
        if tap.ok(result.code == 0, f"{self.name}: filter", result):
            self.compare([c["mean_loss"] for c in made["classes"]])

    def compare(self, means):
        limits = np.float32(1.25 * np.asarray(means))
        dropped, problems = 0, []
        for stem, (mask, loss) in self.sets["syn"].items():
            classes = self.space.to_classes(mask)
            limit = np.where(classes >= 0, limits[np.maximum(classes, 0)], np.inf).astype(np.float64)
            expected = np.where(loss > limit, self.space.written, mask)
            got = Png(read(f"{self.folder}/out/masks/{stem}.png")).pixels
            near = np.abs(loss - limit) <= BOUND + 1e-5 * np.where(np.isfinite(limit), limit, 0) * (loss > 20)
            if not np.array_equal(got[~near], expected[~near]):
                problems.append(stem)
            if near.sum() > 0.01 * near.size:
                problems.append(f"{stem}: too many near the threshold to tell")
            dropped += (got != mask).sum()
        tap.equal(problems, [], f"{self.name}: filtered masks")
        tap.ok(dropped > 0, f"{self.name}: something is dropped")


def small(shape):
    return tuple(int(n) for n in (max(1, shape[0] // 4 + rng.integers(0, 2)), max(1, shape[1] // 4)))


def stored(x, i, last=False):
    """The array in one of many forms, and the values that it then has."""
    if last:
        x = np.ascontiguousarray(x.transpose(1, 2, 0))
    dtype = ["<f4", "<f2", "<f8", ">f4"][i % 4]
    value = x.astype(dtype)
    held = value.astype(np.float32).astype(np.float64)
    if i % 3 == 1:
        value = np.asfortranarray(value)
    if i % 3 == 2:
        value = value[None]
    data = npy(value, [(1, 0), (2, 0), (3, 0)][i % 3])
    return {".npy": data}, (held.transpose(2, 0, 1) if last else held)


def maker(kind, space, channels=None, extra=0, corners=False, last=False, sizes=small):
    channels = ids(space) if channels is None else channels

    def make(classes, i):
        x = rng.normal(size=(space.classes + extra, *sizes(classes.shape))) * 4
        if kind != "logits":
            x = np.exp(x)
            x = x / x.sum(0) if kind == "probs" else x / x.max()
        files, value = stored(x, i, last)
        return files, getattr(truth, kind)(value, classes, channels, corners)
    return make


def dirs(option, *more):
    return lambda part: [f"--{option}", f"{part}/o", *more]


def check_logits():
    ade, camvid, coco = ref.preset("ade20k"), ref.preset("camvid"), ref.preset("cocostuff164k")
    World("quarter", ade, maker("logits", ade)).check(dirs("logits"))
    World("full", camvid, maker("logits", camvid, sizes=lambda s: s)).check(dirs("logits", "--kind", "logits"))
    World("smaller", camvid, maker("logits", camvid, sizes=lambda s: (2 * s[0] + 1, s[1] + 7))).check(dirs("logits"))
    World("one", camvid, maker("logits", camvid, sizes=lambda s: (1, 1))).check(dirs("logits"))
    World("corners", camvid, maker("logits", camvid, corners=True)).check(dirs("logits", "--align-corners"))
    World("last", camvid, maker("logits", camvid, last=True)).check(dirs("logits", "--channels-last"))
    World("background", ade, maker("logits", ade, 1 + ids(ade), 1)).check(dirs("logits", "--channels", "1:151"))
    order = rng.permutation(13)[:11]
    World("order", camvid, maker("logits", camvid, order, 2)).check(
        dirs("logits", "--channels", ",".join(map(str, order))))
    World("suffix", coco, maker("logits", coco), suffix="_labelTrainIds").check(dirs("logits"))
    World("probs", ade, maker("probs", ade)).check(dirs("logits", "--kind", "probs"))
    World("scores", ade, maker("scores", ade)).check(dirs("logits", "--kind=scores"))


def check_binary():
    two = ref.Space("two", 2, 9, {0: 0, 1: 1})

    def make(kind):
        def one(classes, i):
            x = rng.normal(size=(1, *small(classes.shape))) * 3
            files, value = stored(x if kind == "binary" else 1 / (1 + np.exp(-x)), i)
            if i == 3:  # [h, w] without a channel axis
                files = {".npy": npy(value[0].astype("<f8"))}
            return files, getattr(truth, kind)(value, classes, 1)
        return one
    World("binary", two, make("binary"), labels="two.csv").check(dirs("logits", "--kind", "binary"))
    World("binary-probs", two, make("binary_probs"), labels="two.csv").check(dirs("logits", "--kind", "binary-probs"))


def npz(compressed, **arrays):
    out = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(out, **arrays)
    return out.getvalue()


NAMES = (("class_logits", "mask_logits"), ("class_queries_logits", "masks_queries_logits"),
         ("pred_logits", "pred_masks"))


def query_maker(space, channels=None, extra=0, corners=False, compose_first=False):
    channels = ids(space) if channels is None else channels

    def make(classes, i):
        c = (rng.normal(size=(20, space.classes + extra + 1)) * 3).astype(["<f4", "<f2"][i % 2])
        m = (rng.normal(size=(20, *small(classes.shape))) * 4).astype(["<f4", "<f2", ">f4"][i % 3])
        loss = truth.queries(c, m.astype(np.float64), classes, channels, corners, compose_first)
        if i == 3:
            return {".class.npy": npy(c), ".mask.npy": npy(m)}, loss
        one, two = NAMES[i % 3]
        return {".npz": npz(i % 2 and INFLATES, **{two: m, "other": np.arange(3), one: c[None]})}, loss
    return make


def check_queries():
    ade, camvid = ref.preset("ade20k"), ref.preset("camvid")
    World("queries", ade, query_maker(ade)).check(dirs("queries"))
    World("queries corners", camvid, query_maker(camvid, corners=True)).check(dirs("queries", "--align-corners"))
    World("queries composed", camvid, query_maker(camvid, compose_first=True)).check(dirs("queries", "--compose-first"))
    World("queries background", camvid, query_maker(camvid, 1 + ids(camvid), 1)).check(
        dirs("queries", "--channels", "1:12"))


def check_run():
    """run on logits: the same files as command by command, and a page that shows losses."""
    camvid = ref.preset("camvid")
    world = World("whole", camvid, maker("logits", camvid, 1 + ids(camvid), 1, corners=True))
    flags = ["--channels", "1:12", "--align-corners"]
    world.check(dirs("logits", *flags))
    job = ["run", "--labels", "camvid", "--real-masks", "real/m", "--real-logits", "real/o", "--synthetic-masks",
           "syn/m", "--synthetic-logits", "syn/o", *flags, "--n-max", "1", "--seeds", "1:2", "-o", "all"]
    result = world.run(*job)
    tap.ok(result.code == 0, "run on logits", result)
    made = tree(f"{world.folder}/all")
    world.run("stats", "--labels", "camvid", "--masks", "real/m", "--logits", "real/o", *flags, "--histogram", "32",
              "-o", "bins.json")
    tap.equal(made.get("stats.json"), read(f"{world.folder}/bins.json"), "run: the same statistics, with a histogram")
    alone = tree(f"{world.folder}/out/masks")
    tap.equal({n: made.get(f"masks/{n}") for n in alone}, alone, "run: the same masks")
    page = made.get("report.html", b"").decode()
    tap.ok("Loss of " in page and "Pictures are left out" not in page, "the report shows losses")
    tap.ok(re.search(r"--real-logits (\S*/)?real/o ", page) and "--channels 1:12" in page and "--align-corners" in page,
           "the report says how it was made")
    result = world.run(*job, "--resume")
    tap.ok(result.code == 0, "run --resume", result)
    result = world.run(*[f for f in job if f != "--align-corners"], "--resume")
    tap.ok(result.code == 2 and "other flags" in result.err, "run --resume with another flag is refused", result)
    result = world.run("report", "all")
    again = read(f"{world.folder}/all/report.html").decode()
    tap.ok(result.code == 0 and "Loss of " in again, "report by itself shows losses, too", result)
    base = ["filter", "--stats", "s.json", "--labels", "camvid", "--masks", "syn/m", "--logits", "syn/o"]
    result = world.run(*base, *flags, "-o", "out", "--resume")
    tap.ok(result.code == 0 and "finished already" in result.out, "filter --resume of the same", result)
    result = world.run(*base, "--channels", "1:12", "-o", "out", "--resume")
    tap.ok(result.code == 2, "filter --resume with another flag is refused", result)


def check_silent_failure():
    """Outputs trusted to be logits that are scores: losses that hardly differ. The tool drops nothing, and says
    so even if it is quiet, hidden by classes that are dropped because they are unseen, or only in the page."""
    ade = ref.preset("ade20k")

    def make(classes, i):
        s = np.maximum(rng.random((150, *small(classes.shape))) - 0.9, 0)
        return {".npy": npy(s.astype(np.float32))}, None
    world = World("silent", ade, make)
    L = ["--labels", "ade20k", "--trust-kind"]
    SAYS = "warning: the filter can drop nothing"
    for histogram in ([], ["--histogram", "32"]):
        result = world.run("stats", *L, "--masks", "real/m", "--logits", "real/o", "-o", "s.json", *histogram)
        tap.ok(result.code == 0, "scores that are trusted", result)
        job = ["filter", "--stats", "s.json", *L, "--masks", "syn/m", "--logits", "syn/o", "-o", "out", "--overwrite"]
        for more in ([], ["--quiet"], ["--json"], ["--unseen", "keep"], ["--unseen", "global-mean"]):
            result = world.run(*job, *more)
            tap.ok(result.code == 0 and result.err.count(SAYS) == 1 and "--kind scores" in result.err,
                   f"filter {more} {histogram} warns once and says what to do", result)
            set_of = "real" if histogram else "synthetic"
            tap.ok(f"of the {set_of} set" in result.err, f"filter {more} {histogram}: of the {set_of} set", result)
            if more == ["--json"]:
                tap.ok("can drop nothing" in json.loads(result.out)["warning"], "filter --json: the warning")
        result = world.run("report", "out")
        page = read(f"{world.folder}/out/report.html").decode()
        tap.ok(result.code == 0 and "he filter can drop nothing" in page and "--kind scores" in page,
               "the report warns", result)
        tap.ok("Not one pixel above" not in page, "the report names the cause once")
    result = world.run(*job, "--tolerance", "1.001")
    tap.ok(result.code == 0 and SAYS not in result.err, "no warning where the tolerance is exceeded", result)


def check_silent_losses():
    """The same from loss maps: -log softmax(softmax(x)) of 150 classes is between 4.02 and 5.02 nats, so its
    largest is at most 1.249 times a mean."""
    ade = ref.preset("ade20k")

    def make(twice):
        def one(classes, i):
            x = np.exp(rng.normal(size=(150, *classes.shape)) * 4)
            x /= x.sum(0)
            x = np.exp(x) / np.exp(x).sum(0) if twice else x
            loss = -np.log(np.take_along_axis(x, np.maximum(classes, 0)[None], 0)[0])
            return {".npy": npy(loss.astype(np.float32))}, None
        return one
    for twice in (True, False):
        world = World(f"losses {twice}", ade, make(twice))
        world.run("stats", "--labels", "ade20k", "--masks", "real/m", "--losses", "real/o", "-o", "s.json")
        result = world.run("filter", "--labels", "ade20k", "--stats", "s.json", "--masks", "syn/m", "--losses", "syn/o",
                           "-o", "out", "--quiet")
        tap.ok(result.code == 0 and ("can drop nothing" in result.err) == twice
               and ("give the outputs themselves (--logits" in result.err) == twice,
               f"loss maps of {'probabilities taken for logits: a warning' if twice else 'logits: none'}", result)
        result = world.run("report", "out")
        page = read(f"{world.folder}/out/report.html").decode()
        tap.ok(("he filter can drop nothing" in page) == twice, "and in the report", result)


check_logits()
check_silent_failure()
check_silent_losses()
check_binary()
check_queries()
check_run()
tap.done()
