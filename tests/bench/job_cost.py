#!/usr/bin/env python3
# bench/job_cost.py - what a job costs: a model made of small runs of the tool, against runs of other sizes.
# SPDX-License-Identifier: MIT
"""Each step of the tool is run on 100 and on 400 images of 512x512, three times, on one thread; the least processor time of each
gives `fixed + n * each`. Steps that read tables alone take microseconds for an image, so they are run on ten times as many. Then
all are run on N images and compared with what the model says. Images are 50 different ones under many names (hard links), in the
page cache: the time is that of processors, not of disks."""
import argparse
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image

SIDE, CLASSES, DISTINCT = 512, 19, 50
SMALL, REPEATS = (100, 400), 3
TABLES, TABLES_SMALL = {"plan", "export"}, (1000, 4000)
FOR_TABLES = {"stats", "hardness"} | TABLES
WITHIN = 1.6  # times; others compute on the machine, and two threads of a core share it
SHARDS = 4  # that the merges join
TOOL = os.environ.get("FREEMASK_TOOL", "build/tool/freemask")


def smooth(rng, size):
    """Noise of patches, as losses are: neighbours fail together."""
    coarse = Image.fromarray(rng.normal(size=(32, 32)).astype("f4"))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC)) + 0.15 * rng.normal(size=(size, size))


def one_image(rng):
    """A mask of forty regions, its losses, and logits of a quarter of the size."""
    points, labels = rng.uniform(0, SIDE, (40, 2)), rng.integers(0, CLASSES, 40)
    y, x = np.mgrid[:SIDE, :SIDE]
    bend = 12 * smooth(rng, SIDE)
    nearest = np.argmin([(y + bend - a) ** 2 + (x - bend - b) ** 2 for a, b in points], axis=0)
    mask = labels[nearest].astype(np.uint8)
    loss = np.exp(0.9 * smooth(rng, SIDE) - 1.5).astype("f2")
    logits = rng.normal(size=(CLASSES, SIDE // 4, SIDE // 4)).astype("f2")
    np.put_along_axis(logits, mask[None, ::4, ::4].astype(int), 4, 0)
    return mask, loss, logits


def world(top):
    """The different files; returns the bytes of each kind in the mean."""
    rng, kinds = np.random.default_rng(3), ("masks", "losses", "logits")
    for kind in kinds:
        os.makedirs(os.path.join(top, kind))
    for i in range(DISTINCT):
        mask, loss, logits = one_image(rng)
        Image.fromarray(mask).save(f"{top}/masks/{i}.png")
        np.save(f"{top}/losses/{i}.npy", loss)
        np.save(f"{top}/logits/{i}.npy", logits)
    return {kind: size_of(os.path.join(top, kind)) / DISTINCT for kind in kinds}


def size_of(folder):
    return sum(entry.stat().st_size for entry in os.scandir(folder))


def named(top, count):
    """A set of so many images: names of the different files, in folders of a thousand."""
    made = os.path.join(top, str(count))
    for kind, end in (("masks", "png"), ("losses", "npy"), ("logits", "npy")):
        for i in range(count):
            if i % 1000 == 0:
                os.makedirs(f"{made}/{kind}/{i // 1000:06d}")
            os.link(f"{top}/{kind}/{i % DISTINCT}.{end}", f"{made}/{kind}/{i // 1000:06d}/img_{i:09d}.{end}")
    return made


class Cost:
    """Processor seconds, and the most memory that the process had, in bytes."""

    def __init__(self, command):
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen([TOOL, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
            self.memory = peak_of(process.pid)
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode not in (0, 1):  # 1: findings of check
                out.seek(0)
                sys.exit(f"{' '.join(command)}\n{out.read().decode()}")
        self.seconds = used.ru_utime + used.ru_stime


def peak_of(process):
    """Waits for its end. (ru_maxrss would be this script's own memory, which a child starts with.)"""
    peak, pause = 0, 0.002
    while os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        with open(f"/proc/{process}/status", encoding="utf-8") as file:
            found = re.search(r"VmHWM:\s+(\d+) kB", file.read())
        peak = max(peak, int(found[1]) * 1024 if found else 0)
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)
    return peak


def steps(at, threads):
    """{step: its commands} on the set in a folder, in the order in which they need each other."""
    made = f"{at}/made"
    data = ["--labels", "cityscapes", "--masks", f"{at}/masks"]
    losses, flags = [*data, "--losses", f"{at}/losses"], [f"-j{threads}", "--quiet"]
    parts = [[f"--shard={i}/{SHARDS}", *flags] for i in range(SHARDS)]
    stats = ["--stats", f"{made}/stats.json"]
    return {
        "check": [["check", *losses, *flags]],
        "stats": [["stats", *losses, "-o", f"{made}/stats.json", *flags]],
        "stats of logits": [["stats", *data, "--logits", f"{at}/logits", "-o", f"{made}/logits.json", *flags]],
        "hardness": [["hardness", *stats, *data, "-o", f"{made}/hardness.csv", *flags]],
        "filter": [["filter", *stats, *losses, "-o", f"{made}/filtered", *flags]],
        "plan": [["plan", "--hardness", f"{made}/hardness.csv", "-o", f"{made}/plan.csv", "--quiet"]],
        "export": [["export", "--plan", f"{made}/plan.csv", "--to", "list", "-o", f"{made}/export", "--quiet"]],
        "": [["filter", *stats, *losses, "-o", f"{made}/part-{i}", *part] for i, part in enumerate(parts)],
        "merge (links)": [["merge", "--link", "-o", f"{made}/joined", *(f"{made}/part-{i}" for i in range(SHARDS))]],
    }


def costs(top, count, threads=1, without=()):
    """({step: its cost}, {artefact: bytes of an image}) of a set of so many images."""
    at = named(top, count)
    os.makedirs(f"{at}/made")
    found = {}
    for step, commands in steps(at, threads).items():
        if step not in without:
            runs = [Cost(command) for command in commands]
            found[step] = runs[0]
            found[step].seconds = sum(run.seconds for run in runs)
    found.pop("", None)
    sizes = sizes_of(at, count)
    shutil.rmtree(at)
    return found, sizes


def sizes_of(at, count):
    """{artefact: bytes of an image}, of those that were made."""
    sizes, filtered = {}, f"{at}/made/filtered/masks"
    if os.path.exists(filtered):
        sizes["filtered mask"] = sum(size_of(f"{filtered}/{folder}") for folder in os.listdir(filtered)) / count
        sizes["ignore map"] = size_of_ignore_maps(at)
    for name in ("hardness.csv", "plan.csv", "filtered/filter.csv"):
        if os.path.exists(f"{at}/made/{name}"):
            sizes["row of " + os.path.basename(name)] = os.path.getsize(f"{at}/made/{name}") / count
    if os.path.exists(f"{at}/made/stats.json"):
        sizes["stats.json (all images)"] = os.path.getsize(f"{at}/made/stats.json")
    return sizes


def size_of_ignore_maps(at):
    """Bytes of a PNG that is 255 where the filter dropped a pixel."""
    total = 0
    for i in range(DISTINCT):
        name = f"masks/000000/img_{i:09d}.png"
        before, after = (np.asarray(Image.open(f"{folder}/{name}")) for folder in (at, f"{at}/made/filtered"))
        out = io.BytesIO()
        Image.fromarray(np.where(before != after, 255, 0).astype(np.uint8)).save(out, "png")
        total += len(out.getvalue())
    return total / DISTINCT


def fit(top, counts, repeats, without):
    """{step: (fixed, each)} of processor seconds, through the least times of two numbers of images."""
    least = {}
    for _ in range(repeats):
        for count in counts:
            for step, cost in costs(top, count, without=without)[0].items():
                least[step, count] = min(cost.seconds, least.get((step, count), cost.seconds))
    model = {}
    for step in dict.fromkeys(step for step, _ in least):
        few, many = (least[step, count] for count in counts)
        each = max(many - few, 0) / (counts[1] - counts[0])
        model[step] = max(few - each * counts[0], 0), each
    return model


def model_of(top, repeats):
    """{step: (fixed, each)}, in the order in which they are run."""
    of_pixels = fit(top, SMALL, repeats, ())
    of_tables = fit(top, TABLES_SMALL, repeats, set(of_pixels) - FOR_TABLES | {""})
    return of_pixels | {step: of_tables[step] for step in TABLES}


def compare(model, found, count):
    """Prints a table; returns the steps that are not as the model says, and take long enough to tell."""
    print(f"\n| {count:,} images | predicted s | measured s | ratio | images a second and core | memory MB |\n|---|---|---|---|---|---|")
    off = []
    for step, cost in found.items():
        fixed, each = model[step]
        predicted = fixed + each * count
        ratio = cost.seconds / predicted if predicted else float("inf")
        print(f"| {step} | {predicted:.2f} | {cost.seconds:.2f} | {ratio:.2f} | {count / max(cost.seconds, 0.001):,.0f} | {cost.memory / 1e6:.0f} |", flush=True)
        if max(predicted, cost.seconds) > 0.5 and not 1 / WITHIN < ratio < WITHIN:
            off.append(step)
    return off


def main():
    parser = argparse.ArgumentParser(prog="./dev cost", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("counts", metavar="N", type=int, nargs="*", help="images (default: 1000; quick: 500)")
    parser.add_argument("--quick", action="store_true", help="once, and whatever comes out is no error: does it run?")
    parser.add_argument("--without", metavar="STEP", action="append", default=[], help="a step that is not run on N images")
    options = parser.parse_args()
    top = tempfile.mkdtemp(prefix="freemask-cost-", dir=os.environ.get("TMPDIR"))
    off = []
    try:
        sizes = world(top)
        model = model_of(top, 1 if options.quick else REPEATS)
        print(f"images of {SIDE}x{SIDE}, {CLASSES} classes; processor time: fixed ms, ms for each image")
        for step, (fixed, each) in model.items():
            print(f"  {step:16} {1e3 * fixed:7.1f} {1e3 * each:8.3f}")
        for count in options.counts or [500 if options.quick else 1000]:
            found, made = costs(top, count, without=options.without)
            off += [f"{step} at {count:,} images" for step in compare(model, found, count)]
            sizes.update(made)
        print("\nbytes of an image, in files")
        for name, size in sizes.items():
            print(f"  {name:24} {size:12,.0f}")
    finally:
        shutil.rmtree(top, ignore_errors=True)
    if off and not options.quick:
        sys.exit(f"more than {WITHIN} times off what the model says: {', '.join(off)}")


if __name__ == "__main__":
    main()
