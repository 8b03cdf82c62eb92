#!/usr/bin/env python3
# engines/test_slurm.py - examples/slurm on a Slurm of its own: tasks queued again, a node lost, a task that fails.
# SPDX-License-Identifier: MIT
"""FREEMASK_TEST_KILLS: how many tasks are queued again at random moments of one job (default 2); FREEMASK_TEST_SEED: which."""
import os
import random
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))
os.environ["PATH"] += os.pathsep + "/usr/sbin"
from kit import *

tap.need_programs("munged", "slurmctld", "slurmd", "sbatch")
from slurm_cluster import Cluster, status

RECIPE = os.path.join(tap.SOURCE, "examples", "slurm")
KILLS = int(os.environ.get("FREEMASK_TEST_KILLS", "2"))
CHANCE = random.Random(int(os.environ.get("FREEMASK_TEST_SEED", "7")))
SHARDS, REAL, SYNTHETIC = 3, 60, 900
space = ref.preset("camvid")
rng = np.random.default_rng(5)
DISTINCT = [(mask, random_loss(rng, space, mask)) for mask in (random_mask(rng, space, (90, 120)) for _ in range(30))]
for name, count in (("real", REAL), ("synthetic", SYNTHETIC)):
    for i in range(count):
        mask, loss = DISTINCT[i % len(DISTINCT)]
        write(tap.path(f"{name}/masks/img_{i}.png"), png(mask))
        write(tap.path(f"{name}/losses/img_{i}.npy"), npy(loss * np.float32(rng.uniform(0.5, 2))))
SEEDS = (42, 43)  # of a set for policies that look at the real image of each synthetic one
for i in range(REAL):
    for seed in SEEDS:
        mask, loss = DISTINCT[i % len(DISTINCT)]
        write(tap.path(f"seeds/masks/img_{i}_seed_{seed}.png"), png(mask))
        write(tap.path(f"seeds/losses/img_{i}_seed_{seed}.npy"), npy(loss * rng.uniform(0.3, 3, loss.shape).astype(np.float32)))


# ---- One process ------------------------------------------------------------------------------------------------
def inputs(name):
    return ["--labels", "camvid", "--masks", tap.path(f"{name}/masks"), "--losses", tap.path(f"{name}/losses")]


def in_one_process(out, synthetic, stats_flags, filter_flags):
    out = tap.path(out)
    os.makedirs(out)
    for arguments in (["stats", *inputs("real"), "--histogram", "32", *stats_flags, "-o", f"{out}/stats.json"],
                      ["filter", "-s", f"{out}/stats.json", *inputs(synthetic), *filter_flags, "-o", f"{out}/filtered"],
                      ["hardness", "-s", f"{out}/stats.json", *inputs("real")[:4], "-o", f"{out}/hardness.csv"],
                      ["plan", "--hardness", f"{out}/hardness.csv", "-o", f"{out}/plan.csv"],
                      ["report", f"{out}/filtered"]):
        done = run(*arguments)
        tap.ok(done.code == 0, f"{arguments[0]} in one process", done)


def content(folder):
    """What a job makes, but for the parts, the logs, and what names the folders of this run."""
    return {name: data for name, data in tree(folder).items()
            if not name.startswith(("parts", "log/")) and os.path.basename(name) not in ("filter.json", "filter.record", "report.html")}


in_one_process("one", "synthetic", [], [])
TRUTH = content(tap.path("one"))
tap.ok(len(TRUTH) == SYNTHETIC + 4, "of which the result is complete", sorted(TRUTH)[-9:])


# ---- On Slurm ---------------------------------------------------------------------------------------------------
class Job:
    """One run of submit.sh."""

    def __init__(self, cluster, out, step="stats", losses="synthetic/losses", **more):
        self.cluster, self.out, self.parts = cluster, tap.path(out), tap.path(out, f"parts-{SHARDS}")
        settings = {"FREEMASK": TOOL, "LABELS": "camvid", "REAL_MASKS": tap.path("real/masks"), "REAL_LOSSES": tap.path("real/losses"),
                    "SYNTHETIC_MASKS": tap.path("synthetic/masks"), "SYNTHETIC_LOSSES": tap.path(losses), "OUT": self.out, "SHARDS": SHARDS,
                    "SBATCH_FLAGS": "--cpus-per-task=1 --mem=100M --time=10", **more}
        with open(os.path.join(RECIPE, "job.env"), encoding="utf-8") as file:
            rows = file.read()
        rows += "".join(f"{name}='{value}'\n" for name, value in settings.items())
        write(tap.path(out + ".env"), rows.encode())
        self.submitted = subprocess.run([os.path.join(RECIPE, "submit.sh"), tap.path(out + ".env"), step], env=cluster.environment,
                                        capture_output=True, text=True)
        self.jobs = dict(row.split(": job ") for row in self.submitted.stdout.splitlines())

    def states(self):
        """{step: states of its tasks}"""
        of = {number: step for step, number in self.jobs.items()}
        found = {}
        for number, _, state in self.cluster.tasks():
            if number.split("_")[0] in of:
                found.setdefault(of[number.split("_")[0]], []).append(state)
        return found

    def finished(self):
        states = self.states()
        return states.keys() == self.jobs.keys() and all(state in ("COMPLETED", "FAILED", "CANCELLED") for some in states.values() for state in some)

    def log(self):
        return "\n".join(f"{name}: {data.decode()}" for name, data in tree(os.path.join(self.out, "log")).items())

    def ends(self, name, steps=("stats", "join", "filter", "finish"), truth=TRUTH):
        self.cluster.wait(self.finished, f"end of {name}")
        tap.equal(self.states(), {step: ["COMPLETED"] * (SHARDS if step in ("stats", "score", "filter") else 1) for step in steps},
                  f"{name}: all tasks are done")
        got = content(self.out)
        tap.ok(got == truth, f"{name}: the bytes of one process",
               [file for file in sorted({*got, *truth}) if got.get(file) != truth.get(file)][:9] or self.log())

    def caught(self, without=()):
        """A task of the filter that is stopped in the middle: (its shard, masks that it wrote, its process)."""
        for shard in set(range(SHARDS)) - set(without):
            folder = os.path.join(self.parts, f"filter-{shard:05d}")
            try:
                masks = len(os.listdir(os.path.join(folder, "masks")))
                with open(os.path.join(folder, ".freemask.lock"), encoding="utf-8") as file:
                    process = int(file.read())
                if masks:
                    os.kill(process, signal.SIGSTOP)
                    return shard, len(os.listdir(os.path.join(folder, "masks"))), process
            except (OSError, ValueError):
                pass
        return None


def caught_midway(cluster, name):
    """(job, shard, process) of a task of the filter that is stopped in the middle. A job that was faster than this process looks
    is submitted again."""
    for attempt in range(MOST_BEGINS):
        job = Job(cluster, f"{name}-{attempt}")
        tap.equal((job.submitted.returncode, job.submitted.stderr, list(job.jobs)), (0, "", ["stats", "join", "filter", "finish"]),
                  f"{name}: four jobs are submitted")
        looks = 0
        while not (found := job.caught()) and (looks % 500 or not job.finished()):  # it takes longer to ask the controller
            looks += 1
            time.sleep(0.002)
        if found and found[1] < SYNTHETIC / SHARDS * 0.8:
            return job, found[0], found[2]
        if found:
            os.kill(found[2], signal.SIGCONT)
        job.ends(job.out)
    raise TimeoutError(f"no task of {MOST_BEGINS} jobs was caught in the middle")


def requeued(cluster):
    job, shard, _ = caught_midway(cluster, "requeued")
    task = f"{job.jobs['filter']}_{shard}"
    cluster.ask("scontrol", "requeue", task)
    job.ends("a task that was queued again")
    tap.equal(cluster.restarts(task), 1, "which Slurm did once")


def node_lost(cluster):
    job, shard, process = caught_midway(cluster, "lost")
    task = f"{job.jobs['filter']}_{shard}"
    node = cluster.ask("squeue", "-h", "-r", "-j", task, "-o", "%N").strip()
    cluster.lose_node(node)
    cluster.wait(lambda: cluster.restarts(task), "restart of its task")
    tap.ok(status(process)[:1] in ("", "Z"), f"node {node} and what ran there are gone")
    job.ends("a node that was lost in the middle")
    cluster.start_node(node)
    cluster.wait(lambda: not cluster.ask("sinfo", "-h", "-N", "-t", "down", "-o", "%N").strip(), "node that is back")


def failed(cluster):
    """A loss map that is damaged: what waits for the task is removed; mended, the job goes on from there."""
    shutil.copytree(tap.path("synthetic/losses"), tap.path("damaged"))
    write(tap.path("damaged/img_77.npy"), b"\x93NUMPY nothing")
    job = Job(cluster, "failed", losses="damaged")
    cluster.wait(job.finished, "end of a job that fails")
    states = job.states()
    tap.equal((sorted(states["filter"]), states["finish"]), (["COMPLETED"] * (SHARDS - 1) + ["FAILED"], ["CANCELLED"]),
              "a damaged file fails its task, and what waits for it is removed")
    tap.ok("img_77.npy" in job.log() and not os.path.exists(os.path.join(job.out, "filtered")), "the log names the file", job.log())
    shutil.copy(tap.path("synthetic/losses/img_77.npy"), tap.path("damaged/img_77.npy"))
    again = Job(cluster, "failed", "filter", losses="damaged")
    cluster.wait(again.finished, "end of a job that is mended")
    tap.equal((again.states(), content(again.out) == TRUTH), ({"filter": ["COMPLETED"] * SHARDS, "finish": ["COMPLETED"]}, True),
              "mended and submitted from there, it ends with the bytes of one process")
    for says, words, step, more in (("a step that is not there", "fliter", "fliter", {}), ("a step of another policy", "join-score", "join-score", {}),
                                    ("a policy that is none", "papre", "stats", {"POLICY": "papre"}),
                                    ("references of another policy", "REFERENCES", "stats", {"REFERENCES": "/x"})):
        wrong = Job(cluster, "failed", step, **more)
        tap.ok(wrong.submitted.returncode == 2 and words in wrong.submitted.stderr and not wrong.jobs, says, wrong.submitted)


def policies(cluster):
    """Those of two passes, whose score is made of all losses, and quantile."""
    steps = ["stats", "join", "score", "join-score", "filter", "finish"]
    made = {"SYNTHETIC_MASKS": tap.path("seeds/masks"), "SYNTHETIC_LOSSES": tap.path("seeds/losses")}
    real = ["--real-masks", tap.path("real/masks"), "--real-losses", tap.path("real/losses")]
    codes, of_slurm = tap.path("codes"), tap.path("slurm-codes")
    jobs, steps_of = [], {"quantile": ["stats", "join", "filter", "finish"], "strata": steps, "paired": steps, "by-codes": steps}
    for name, more, stats_flags, filter_flags in (
            ("quantile", {"POLICY": "quantile"}, ["--policy", "quantile"], ["--policy", "quantile"]),
            ("strata", {"POLICY": "strata"}, ["--policy", "strata"], []),
            ("paired", {"POLICY": "paired", "FILTER_FLAGS": "--siblings"}, ["--policy", "paired"], [*real, "--siblings"]),
            ("by-codes", {"POLICY": "paired", "REFERENCES": of_slurm}, ["--policy", "paired", "--references", codes], ["--references", codes])):
        in_one_process(f"{name}-one", "seeds", stats_flags, filter_flags)
        jobs.append((name, Job(cluster, name, **made, **more)))
        tap.equal((jobs[-1][1].submitted.stderr, list(jobs[-1][1].jobs)), ("", steps_of[name]), f"{name}: the jobs are submitted")
    for name, job in jobs:
        job.ends(name, steps_of[name], content(tap.path(f"{name}-one")))
    tap.ok(len(tree(codes)) == REAL + 1 and tree(codes) == tree(of_slurm), "references, which tasks wrote side by side")
    again = Job(cluster, "paired", "score", **made, POLICY="paired", FILTER_FLAGS="--siblings")
    again.ends("again from its second pass", steps[2:], content(tap.path("paired-one")))


def killed(cluster):
    """Whatever runs is queued again, at random moments."""
    kills, jobs = [], 0
    while len(kills) < KILLS:  # more jobs than one where their tasks are short
        job, jobs = Job(cluster, f"random-{jobs}"), jobs + 1
        while len(kills) < KILLS and not job.finished():
            time.sleep(CHANCE.uniform(0, 0.5))
            running = [number for number, _, state in cluster.tasks("running") if number.split("_")[0] in job.jobs.values()]
            if running:
                task = CHANCE.choice(running)
                cluster.call("scontrol", "requeue", task)
                kills.append(task)
        job.ends(f"{len(kills)} of {KILLS} tasks queued again at random")


with Cluster(tap.path("s")) as slurm:
    for part in (requeued, node_lost, failed, killed, policies):
        try:
            part(slurm)
        except TimeoutError as error:
            tap.ok(False, part.__name__, error)
tap.done()
