#!/usr/bin/env python3
# engines/test_mpi.py - the example for MPI: any number of ranks has the bytes of one, which are the tool's.
# SPDX-License-Identifier: MIT
import csv
import glob
import os
import subprocess

import numpy as np
import tap
from PIL import Image

RANKS = (1, 3, 40)  # 40: more than there are images, so some have none
os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_rmaps_base_oversubscribe="1",
                  OMPI_MCA_plm_rsh_agent="false", OMPI_MCA_btl_vader_single_copy_mechanism="none")
TOOL, LIBRARY = (os.path.join(tap.BUILD, *path) for path in (("tool", "freemask"), ("lib",)))
LABELS = "cityscapes"


def done(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def make_set(name, seed, count):
    """Masks of a few sizes with their losses; each third mask is the one before under another name, so as hard."""
    rng, stems = np.random.default_rng(seed), []
    for i in range(count):
        if i % 3 != 2:
            mask = rng.choice(np.array([0, 1, 11, 13, 18, 255], np.uint8), rng.integers(20, 60, 2))
        loss = rng.gamma(1, 1, mask.shape).astype(np.float32)
        stems.append(f"{name}_{i * 37 % count}")
        for kind in ("masks", "losses"):
            os.makedirs(tap.path(name, kind), exist_ok=True)
        Image.fromarray(mask).save(tap.path(name, "masks", stems[-1] + ".png"))
        np.save(tap.path(name, "losses", stems[-1] + ".npy"), loss)
    with open(tap.path(name, "stems.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(stems) + "\n")
    return tap.path(name)


def content(folder, pattern):
    names = sorted(glob.glob(os.path.join(folder, pattern)))
    return {os.path.basename(name): open(name, "rb").read() for name in names}


def rows(*files):
    """What plans say, but for the rank, which a part of a plan counts among its own masks."""
    table = {}
    for name in files:
        with open(name, encoding="utf-8") as file:
            for row in csv.DictReader(file):
                tap.ok(row["mask"] not in table, f"{row['mask']} is in one part of the plan") if row["mask"] in table else None
                table[row["mask"]] = (row["hardness"], row["count"], row["seeds"])
    return table


program = tap.path("mpi")
built = done("mpicc", "-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror", "-I" + os.path.join(tap.SOURCE, "include"),
             os.path.join(tap.SOURCE, "examples", "07_mpi.c"), "-o", program, "-L" + LIBRARY, "-Wl,-rpath," + LIBRARY, "-lfreemask")
if not tap.ok(built.returncode == 0, "the example is compiled by mpicc, without a warning", built.stdout):
    raise SystemExit(1)
real, synthetic = make_set("real", 1, 24), make_set("synthetic", 2, 17)

# The tool alone.
tool = tap.path("tool")
os.makedirs(tool)
sets = {name: ["--labels", LABELS, "--masks", tap.path(name, "masks")] for name in ("real", "synthetic")}
for command in (["stats", *sets["real"], "--losses", tap.path("real", "losses"), "-o", f"{tool}/stats.json"],
                ["filter", "-s", f"{tool}/stats.json", *sets["synthetic"], "--losses", tap.path("synthetic", "losses"), "-o", f"{tool}/filtered"],
                ["hardness", "-s", f"{tool}/stats.json", *sets["real"], "-o", f"{tool}/hardness.csv"],
                ["plan", "--hardness", f"{tool}/hardness.csv", "-o", f"{tool}/plan.csv"]):
    ended = done(TOOL, *command, "--quiet")
    tap.ok(ended.returncode == 0, f"the tool: {command[0]}", ended.stdout)
plan, masks = rows(f"{tool}/plan.csv"), content(f"{tool}/filtered/masks", "*.png")
tap.ok(len({row[0] for row in plan.values()}) < len(plan), "some masks are as hard as others")

outs = {}
for ranks in RANKS:
    out = outs[ranks] = tap.path(f"out{ranks}")
    os.makedirs(out + "/masks")
    ended = done("mpirun", "-n", str(ranks), program, LABELS, real, synthetic, out)
    tap.ok(ended.returncode == 0, f"{ranks} ranks end well", ended.stdout)
    tap.equal(content(out, "stats.json"), content(outs[1], "stats.json"), f"{ranks} ranks: the statistics of one, to the byte")
    tap.equal(content(out + "/masks", "*"), masks, f"{ranks} ranks: the masks that the tool filters, to the byte")
    tap.equal(rows(*glob.glob(out + f"/plan-*-of-{ranks}.csv")), plan, f"{ranks} ranks: counts and seeds of the tool's plan")
    tap.ok(f"{sum(int(row[1]) for row in plan.values())} images for {len(plan)} masks" in ended.stdout, f"{ranks} ranks know all images",
           ended.stdout)
tap.ok(len(glob.glob(outs[3] + "/plan-*")) == 3, "each of 3 ranks has a part of the plan")
tool_words = [line for line in open(f"{tool}/stats.json", encoding="utf-8") if '"words"' in line]
words = [line for line in open(f"{outs[3]}/stats.json", encoding="utf-8") if '"words"' in line]
tap.ok(words and [line.strip().rstrip(",") for line in words] == [line.strip().rstrip(",") for line in tool_words],
       "the statistics hold the numbers of the tool's")

os.remove(glob.glob(real + "/losses/*")[0])
ended = done("mpirun", "-n", "2", program, LABELS, real, synthetic, tap.path("out1"))
tap.ok(ended.returncode != 0 and "losses/real_" in ended.stdout, "a loss that is missing ends all ranks, and is named", ended.stdout)
tap.done()
