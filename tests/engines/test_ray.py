#!/usr/bin/env python3
# engines/test_ray.py - a job on a local cluster of Ray with two CPUs: workers killed, the job killed; and its steps.
# SPDX-License-Identifier: MIT
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
import kit
import tap

tap.need("numpy", "PIL", "ray", "pyarrow")
os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_DATA_DISABLE_PROGRESS_BARS="1", RAY_worker_niceness="0", PYTHONWARNINGS="ignore")
os.environ["PYTHONPATH"] = os.pathsep.join([os.environ["PYTHONPATH"], os.path.join(tap.SOURCE, "tests", "python"), os.path.join(tap.SOURCE, "tests", "support")])
import freemask as fm
import numpy as np

import engine_world as world

REAL, SYNTHETIC = world.samples(1, 20, "r"), world.samples(2, 30, "s")
SETS = [fm.FolderParts(fm.Folder(*world.folder(tap.path(name), some)), 4) for name, some in (("real", REAL), ("syn", SYNTHETIC))]
fm.Job(world.segmenter, *SETS, "camvid", tap.path("one")).run()
TRUTH = world.content(tap.path("one"))

# ---- The driver killed in the middle: a process of its own, before there is a cluster here ---------------------
SCRIPT = """
import os, signal, sys, threading, time
import freemask as fm, engine_world as world, ray, freemask.ray
begun = world.Begun(sys.argv[3], 1)
def watch():
    while not begun():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)
sets = [fm.FolderParts(fm.Folder(top + "/images", top + "/masks"), 4) for top in sys.argv[1:3]]
job = fm.Job(world.Mortal(sys.argv[4], held=begun), *sets, "camvid", sys.argv[3], version="1")
world.patiently(lambda: ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False), ray.shutdown)
threading.Thread(target=watch, daemon=True).start()
freemask.ray.run(job)
"""
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
os.makedirs(tap.path("workers of the driver"))
killed = subprocess.run([sys.executable, "-c", SCRIPT, tap.path("real"), tap.path("syn"), tap.path("driver"), tap.path("workers of the driver")], **quiet).returncode
tap.ok(killed == -9 and os.path.exists(tap.path("driver/.parts/stats")), "the job is killed in the middle of the filter", killed)

import ray

import freemask.ray as fmr

world.patiently(lambda: ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error"), ray.shutdown)
made = fmr.run(fm.Job(world.Slow, *SETS, "camvid", tap.path("driver"), version="1"))
tap.equal(world.content(tap.path("driver")), TRUTH, "started again it ends as one process does, to the byte")
tap.equal(made.images, 30, "its result")

# ---- Workers that are killed ----------------------------------------------------------------------------------
rng = np.random.default_rng(int(os.environ.get("FREEMASK_TEST_SEED", "7")))
os.makedirs(tap.path("deadly"))
for some, count in ((REAL, 2), (SYNTHETIC, 3)):
    for i in rng.choice(len(some), count, replace=False):
        open(os.path.join(tap.path("deadly"), world.hashlib.sha256(some[i][1].tobytes()).hexdigest()[:16]), "w").close()
fmr.run(fm.Job(world.Slow(tap.path("deadly")), *SETS, "camvid", tap.path("workers"), version="1"), workers=2)
tap.equal((world.content(tap.path("workers")), os.listdir(tap.path("deadly"))), (TRUTH, []), "five workers killed: the same bytes")

# ---- Errors ---------------------------------------------------------------------------------------------------
def broken(images):
    raise ValueError("the segmenter is broken")


try:
    fmr.run(fm.Job(broken, *SETS, "camvid", tap.path("broken")))
    tap.ok(False, "an exception of the segmenter comes out")
except Exception as error:
    tap.ok("the segmenter is broken" in str(error), "an exception of the segmenter comes out", repr(error)[-300:])

# ---- Tars, and the steps ----------------------------------------------------------------------------------------
tars = [fm.Tars(world.tars(tap.path("wds"), name, some, 8)) for name, some in (("real", REAL), ("syn", SYNTHETIC))]
fm.Job(world.segmenter, *tars, "camvid", tap.path("tars-one")).run()
fmr.run(fm.Job(world.segmenter, *tars, "camvid", tap.path("tars-ray")))
tap.equal(world.content(tap.path("tars-ray")), world.content(tap.path("tars-one")), "tars in, tars out: the same bytes")

stats = fmr.class_stats(fmr.dataset(tars[0]), world.Slow, "camvid", batch=3)
tap.ok(stats.to_bytes() == fm.ClassStats.load(tap.path("one/stats.json")).to_bytes(), "step by step: statistics of a Dataset")
noise = fm.NoiseFilter(stats)
rows = {row["id"]: row for row in fmr.filter_masks(fmr.dataset(SETS[1]), world.segmenter, noise).iter_rows()}
tap.ok(len(rows) == 30 and all(np.array_equal(rows[id]["mask"], fm.read_mask(tap.path("one/masks", id + ".png"))) for id, _, _ in SYNTHETIC),
       "and filtered masks as a Dataset")

# ---- Parquet ----------------------------------------------------------------------------------------------------
import pyarrow
from pyarrow import parquet

for name, some in (("real", REAL), ("syn", SYNTHETIC)):
    for i in range(2):
        mine = some[i::2]
        parquet.write_table(pyarrow.table({"id": [id for id, _, _ in mine], "image": [{"bytes": world.png(image), "path": None} for _, image, _ in mine],
                                           "mask": [world.png(mask) for _, _, mask in mine]}), tap.path(f"{name}-{i}.parquet"))
tables = [fm.Parquet(tap.path(f"{name}-*.parquet")) for name in ("real", "syn")]
fmr.run(fm.Job(world.segmenter, *tables, "camvid", tap.path("parquet")))
got = world.content(tap.path("parquet"))
tap.equal({name: got[name] for name in TRUTH if "/" not in name}, {name: TRUTH[name] for name in TRUTH if "/" not in name}, "Parquet: the same tables")
row = parquet.read_table(tap.path("parquet/syn-0.parquet")).to_pylist()[0]
tap.ok(row["id"] == "s0000" and row["mask"] == open(tap.path("one/masks/s0000.png"), "rb").read(), "and the same masks")
tap.ok(kit.raises(fm.FormatError, lambda: fm.Job(None, *tables, "camvid", tap.path("p")).run(), "no column 'loss'", "mask"), "a column that is not there")

# Hardness tables as Parquet files, ranked without being gathered: the plan of all masks.
names, values = [f"m{i}" for i in range(40)], [i * 7 % 20 / 8 for i in range(40)]
whole = fm.plan(names, values, seed=3)
for i in range(3):
    parquet.write_table(pyarrow.table({"mask": names[i::3], "hardness": values[i::3]}), tap.path(f"hardness-{i}.parquet"))


def batches():
    for i in range(3):
        for some in parquet.ParquetFile(tap.path(f"hardness-{i}.parquet")).iter_batches(4, columns=["mask", "hardness"]):
            yield some["mask"].to_pylist(), some["hardness"].to_numpy()


ranking = fm.rank_parts(batches)
rows = {row.mask: (row.count, row.seeds) for ids, values in batches() for row in ranking.plan(ids, values, seed=3)}
tap.equal(rows, {row.mask: (row.count, row.seeds) for row in whole}, "hardness tables in Parquet files, read by Arrow: the plan of all masks")

# ---- The lines of doc/engines.md ----------------------------------------------------------------------------------
def logits(images):
    return [np.stack([np.cos(image[..., 0] / np.float32(k + 1)) for k in range(19)]) for image in images]


with open(os.path.join(tap.SOURCE, "doc", "engines.md"), encoding="utf-8") as page:
    whole, steps = re.findall(r"```python\n(# Ray.*?)```", page.read(), re.S)
folders = [fm.Folder(tap.path(name, "images"), tap.path(name, "masks")) for name in ("real", "syn")]
fm.Job(logits, *folders, "cityscapes", tap.path("page-one"), kind="logits").run()
names = {"freemask": fm, "Segmenter": logits, "job": fm.Job(logits, *folders, "cityscapes", tap.path("page"), kind="logits")}
exec(whole, names)
tap.equal(world.content(tap.path("page")), world.content(tap.path("page-one")), "the page's line does a job")
exec(steps.replace('"real/', f'"{tap.path("real")}/').replace('"synthetic/', f'"{tap.path("syn")}/'), names)
tap.ok(names["stats"].to_bytes() == names["result"].stats.to_bytes() and names["masks"].count() == 30, "and its steps what a job does")
ray.shutdown()
tap.done()
