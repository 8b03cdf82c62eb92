#!/usr/bin/env python3
# python/test_curate.py - the whole method in one call, against the method step by step.
# SPDX-License-Identifier: MIT
import csv
import os
import signal
import subprocess
import sys
import threading
import traceback

import kit
import tap

tap.need("numpy", "PIL")
import freemask as fm  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

rng = np.random.default_rng(3)
SHAPE = (24, 32)


def sample(name):
    return fm.Sample(name, rng.gamma(1.5, 0.7, SHAPE).astype(np.float32), rng.integers(0, 12, SHAPE).astype(np.uint8))


REAL = [sample(f"r{i}") for i in range(7)]
SYNTHETIC = [sample(f"sub/s{i}") for i in range(9)]
calls, threads = [], set()


def provider(images):
    """The images are the loss maps themselves."""
    calls.append(len(images))
    threads.add(threading.current_thread())
    return images


stats = fm.ClassStats("camvid")
for one in REAL:
    stats.add(one.mask, one.image)
noise, measure = fm.NoiseFilter(stats), fm.Hardness(stats)
plan = fm.plan([one.id for one in REAL], [measure.score(one.mask) for one in REAL])
made = fm.curate(provider, REAL, SYNTHETIC, "camvid", batch=4, threads=3, progress=False)
tap.equal(calls, [4, 3, 4, 4, 1], "the provider gets batches")
tap.equal(threads, {threading.current_thread()}, "on the caller's thread")
tap.ok(np.array_equal(made.stats.state, stats.state), "statistics")
tap.ok(made.plan == plan and made.hardness == {row.mask: row.hardness for row in plan}, "plan and hardness")
tap.ok(all(np.array_equal(made.masks[one.id], noise.apply(one.mask, one.image)) for one in SYNTHETIC), "filtered masks")
tap.equal((made.report.valid, made.report.dropped), (sum((one.mask < 11).sum() for one in SYNTHETIC),
          sum((made.masks[one.id] != one.mask).sum() for one in SYNTHETIC)), "the report of all")
written = fm.curate(provider, REAL, SYNTHETIC, "camvid", out=tap.path("out"), progress=False)
tap.ok(written.masks is None and all(np.array_equal(np.array(Image.open(tap.path("out/masks", one.id + ".png"))), made.masks[one.id])
                                     for one in SYNTHETIC), "masks as PNG")
tap.ok(fm.Plan.from_csv(tap.path("out/plan.csv")) == plan and np.array_equal(fm.ClassStats.load(tap.path("out/stats.json")).state, stats.state),
       "plan.csv and stats.json")
with open(tap.path("out/filter.csv"), encoding="utf-8", newline="") as file:
    rows = list(csv.DictReader(file))
tap.equal([(row["stem"], int(row["dropped"])) for row in rows], [(one.id, made.reports[one.id].dropped) for one in SYNTHETIC], "filter.csv")

logits = {one.id: rng.normal(0, 2, (11, 12, 16)).astype(np.float32) for one in [*REAL, *SYNTHETIC]}
asked = fm.curate(lambda ids: [logits[one] for one in ids], [(one.id, one.id, one.mask) for one in REAL],
                  [(one.id, one.id, one.mask) for one in SYNTHETIC], "camvid", kind="logits", progress=False)
direct = fm.ClassStats("camvid")
for one in REAL:
    direct.add(one.mask, fm.loss_map(logits[one.id], one.mask, labels="camvid"))
tap.ok(np.array_equal(asked.stats.state, direct.state), "a provider of logits")


class Broken(Exception):
    pass


def fails(images):
    if len(calls) > 2:
        raise Broken("the segmenter is broken")
    calls.append(len(images))
    return images


calls.clear()
try:
    fm.curate(fails, REAL, SYNTHETIC, "camvid", progress=False)
    tap.ok(False, "an exception of the provider comes out")
except Broken as error:
    tap.ok("in fails" in "".join(traceback.format_tb(error.__traceback__)), "an exception of the provider comes out, with its traceback")


class Unreadable(list):
    def __getitem__(self, index):
        if index == 5:
            raise OSError("no such image")
        return super().__getitem__(index)


tap.ok(kit.raises(OSError, lambda: fm.curate(provider, Unreadable(REAL), SYNTHETIC, "camvid", progress=False), "no such image"),
       "an exception of a data set comes out")
bad = [*SYNTHETIC[:3], fm.Sample("bad", SYNTHETIC[0].image, np.full(SHAPE, 99, np.uint8))]
tap.ok(kit.raises(fm.LabelError, lambda: fm.curate(provider, REAL, bad, "camvid", progress=False), "99"), "a bad mask is named")
tap.ok(kit.raises(ValueError, lambda: fm.curate(lambda images: images[:-1], REAL, SYNTHETIC, "camvid", progress=False), "0 results for 1"),
       "a provider that returns too little")
tap.ok(kit.raises(ValueError, lambda: fm.curate(provider, [], SYNTHETIC, "camvid", progress=False), "real"), "no real image")

# ---- Folders ------------------------------------------------------------------------------------------------
for kind, samples in (("real", REAL), ("syn", SYNTHETIC)):
    for one in samples:
        for part, array, suffix in (("images", (np.stack([one.image] * 3, 2) * 20).astype(np.uint8), ".png"), ("masks", one.mask, "_label.png")):
            os.makedirs(os.path.dirname(tap.path(kind, part, one.id)), exist_ok=True)
            Image.fromarray(array).save(tap.path(kind, part, one.id + suffix))
folder = fm.Folder(tap.path("syn/images"), tap.path("syn/masks"), mask_suffix="_label")
tap.equal([one.id for one in (folder[i] for i in range(len(folder)))], sorted(one.id for one in SYNTHETIC), "a folder's ids")
tap.ok(np.array_equal(folder[0].mask, SYNTHETIC[0].mask) and folder[0].image.shape == (*SHAPE, 3)
       and np.array_equal(folder[0].image, np.array(Image.open(tap.path("syn/images", SYNTHETIC[0].id + ".png")))), "its images and masks")
by_folder = fm.curate(lambda images: [image[..., 0] / np.float32(20) for image in images], fm.Folder(tap.path("real/images"), tap.path("real/masks"),
                      mask_suffix="_label"), folder, "camvid", progress=False)
tap.equal(by_folder.report.valid, made.report.valid, "curate of folders")
tap.ok(kit.raises(ValueError, lambda: fm.Folder(tap.path("syn/images"), tap.path("real/masks")), "r0_label"), "a mask without an image is named")

# ---- Ctrl-C ---------------------------------------------------------------------------------------------------
LONG = """
import signal, time, numpy as np, freemask as fm
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs begin with it ignored
class Endless:
    def __len__(self): return 10**6
    def __getitem__(self, i): return str(i), np.zeros((8, 8), np.float32), np.zeros((8, 8), np.uint8)
def provider(images):
    print("running", flush=True)
    time.sleep(0.02)
    return images
try:
    fm.curate(provider, Endless(), Endless(), "camvid", progress=False)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
process = subprocess.Popen([sys.executable, "-c", LONG], stdout=subprocess.PIPE, text=True)
process.stdout.readline()
process.send_signal(signal.SIGINT)
output = process.communicate(timeout=300)[0]
tap.ok("interrupted" in output and process.returncode == 0, "Ctrl-C ends it", output[-200:])

tap.done()
