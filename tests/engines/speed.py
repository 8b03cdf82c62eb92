#!/usr/bin/env python3
# engines/speed.py - how much faster two workers are than one, and what an engine adds to a job.
# SPDX-License-Identifier: MIT
"""A job on N small images (64x64, a tenth of them real), in parts of 64, with a segmenter that takes so many milliseconds an image:
in one process; then on each engine with one worker and with two, on an engine that has been started. `overhead` is what one
worker takes longer than one process. The stand-in sleeps, or with --compute computes, so that other users of a machine count."""
import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
import kit  # noqa: F401 - finds the package
import tap

os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_DATA_DISABLE_PROGRESS_BARS="1", RAY_worker_niceness="0", PYTHONWARNINGS="ignore", OMP_NUM_THREADS="1")
import freemask as fm
import numpy as np

import engine_world as world

os.environ["PYTHONPATH"] = os.pathsep.join([os.environ["PYTHONPATH"], os.path.dirname(os.path.abspath(__file__)), os.path.dirname(world.__file__),
                                            os.path.join(tap.SOURCE, "tests", "support")])
SIDE, DISTINCT, PART = 64, 40, 64
ENOUGH, MOST = 1.8, 0.1  # what two workers have to be, and what an engine may add


class StandIn:
    """A segmenter that takes `seconds` for each image: of sleep, or of computing."""

    def __init__(self, seconds, compute):
        self.seconds, self.compute = seconds, compute

    def __call__(self, images):
        end, clock = self.seconds * len(images), time.thread_time if self.compute else None
        if clock is None:
            time.sleep(end)
        else:
            end += clock()
            while clock() < end:
                pass
        return world.segmenter(images)


def images_of(top, name, count):
    """A folder of that many images under names of their own: links to a few different ones."""
    rng = np.random.default_rng(len(name))
    for kind in ("images", "masks"):
        os.makedirs(os.path.join(top, name, kind))
    for i in range(count):
        for kind, shape, labels in (("images", (SIDE, SIDE, 3), 256), ("masks", (SIDE, SIDE), 11)):
            path, first = (os.path.join(top, name, kind, f"{name}_{n:08d}.png") for n in (i, i % DISTINCT))
            if i < DISTINCT:
                with open(path, "wb") as file:
                    file.write(world.png(rng.integers(0, labels, shape).astype(np.uint8)))
            else:
                os.link(first, path)
    return fm.FolderParts(fm.Folder(os.path.join(top, name, "images"), os.path.join(top, name, "masks")), PART)


def job_in(top, out, stand_in):
    sets = [fm.FolderParts(fm.Folder(os.path.join(top, name, "images"), os.path.join(top, name, "masks")), PART) for name in ("real", "synthetic")]
    return fm.Job(stand_in, *sets, "camvid", os.path.join(top, out))


def timed(work):
    begin = time.monotonic()
    work()
    return time.monotonic() - begin


# ---- Engines: the seconds of a job by so many workers, without the start of the engine ------------------------
def on_dask(job, workers):
    from dask.distributed import Client, LocalCluster

    def work():
        held = client.scatter(job, broadcast=True)
        for stage in job.stages:
            client.gather(client.map(lambda number, job, stage: job.work(stage, number), range(job.tasks(stage)), job=held, stage=stage, pure=False))
            job.join(stage)
        job.finish()

    with LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster, Client(cluster) as client:
        client.wait_for_workers(workers)
        return timed(work)


def on_ray(job, workers):
    import freemask.ray
    import ray

    if not ray.is_initialized():
        ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    return timed(lambda: freemask.ray.run(job, workers=workers))


RANK = """
import sys, time, torch.distributed, freemask.distributed, speed
torch.distributed.init_process_group("gloo")
job = speed.job_in(sys.argv[1], sys.argv[2], speed.StandIn(float(sys.argv[3]), sys.argv[4] == "True"))
torch.distributed.barrier()
begin = time.monotonic()
freemask.distributed.run(job)
if torch.distributed.get_rank() == 0:
    print("seconds", time.monotonic() - begin)
torch.distributed.destroy_process_group()
"""


def on_torchrun(job, workers):
    top, out = os.path.split(job.out)
    stand_in, script = job._segmenter, os.path.join(top, "rank.py")
    with open(script, "w", encoding="utf-8") as file:
        file.write(RANK)
    done = subprocess.run([sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={workers}", script, top, out,
                           repr(stand_in.seconds), str(stand_in.compute)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(done.stdout)
    return float(done.stdout.split("seconds ")[1].split()[0])


ENGINES = {"Ray": (on_ray, "ray"), "Dask": (on_dask, "distributed"), "torchrun": (on_torchrun, "torch")}


def main():
    parser = argparse.ArgumentParser(prog="./dev engines --speed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000, help="real and synthetic ones (default 1000)")
    parser.add_argument("--milliseconds", type=float, default=50, help="of the segmenter for each image (default 50)")
    parser.add_argument("--compute", action="store_true", help="it computes; else it sleeps")
    parser.add_argument("--only", metavar="ENGINE", action="append", choices=list(ENGINES))
    options = parser.parse_args()
    top, failed = tempfile.mkdtemp(prefix="freemask-speed-"), []
    stand_in = StandIn(options.milliseconds / 1000, options.compute)
    real = options.images // 10
    try:
        images_of(top, "real", real)
        images_of(top, "synthetic", options.images - real)
        alone = timed(job_in(top, "alone", stand_in).run)
        truth = world.content(os.path.join(top, "alone"))
        print(f"{options.images:,} images, {options.milliseconds:g} ms of {'computing' if options.compute else 'sleep'} each, one process {alone:.1f} s, "
              f"load {os.getloadavg()[0]:.1f}\n\n| engine | 1 worker s | 2 workers s | ratio | overhead |\n|---|---|---|---|---|")
        for name in options.only or ENGINES:
            run, module = ENGINES[name]
            if importlib.util.find_spec(module) is None:
                print(f"| {name} | not in {sys.prefix} | | | |", flush=True)
                continue
            seconds = []
            for workers in (1, 2):
                seconds.append(run(job_in(top, "out", stand_in), workers))
                if world.content(os.path.join(top, "out")) != truth:
                    failed.append(f"{name} with {workers}: other bytes than those of one process")
                shutil.rmtree(os.path.join(top, "out"))
            ratio, overhead = seconds[0] / seconds[1], seconds[0] / alone - 1
            print(f"| {name} | {seconds[0]:.1f} | {seconds[1]:.1f} | {ratio:.2f} | {100 * overhead:.1f} % |", flush=True)
            failed += [f"{name}: {ratio:.2f} times as fast, expected {ENOUGH}"] * (ratio < ENOUGH)
            failed += [f"{name}: an overhead of {100 * overhead:.1f} %, expected at most {100 * MOST:.0f} %"] * (overhead > MOST)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    if failed:
        sys.exit("\n".join(failed))


if __name__ == "__main__":
    main()
