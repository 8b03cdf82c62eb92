#!/usr/bin/env python3
# engines/test_kills.py - workers killed at random moments: of a job in one process, on Dask and on Ray.
# SPDX-License-Identifier: MIT
"""FREEMASK_TEST_KILLS: how many in each (default 2; ./dev engines --kills 10 kills); FREEMASK_TEST_SEED: when, and which."""
import os
import random
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
import kit  # noqa: F401 - finds the package
import tap

tap.need("numpy", "PIL", "distributed", "ray")
os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_DATA_DISABLE_PROGRESS_BARS="1", RAY_worker_niceness="0", PYTHONWARNINGS="ignore")
import freemask as fm

import engine_world as world

os.environ["PYTHONPATH"] = os.pathsep.join([os.environ["PYTHONPATH"], os.path.dirname(world.__file__), os.path.join(tap.SOURCE, "tests", "support")])
KILLS = int(os.environ.get("FREEMASK_TEST_KILLS", "2"))
SCRIPT = """
import sys, freemask as fm, engine_world as world
sets = [fm.FolderParts(fm.Folder(top + "/images", top + "/masks"), 4) for top in sys.argv[1:3]]
fm.Job(world.Mortal(sys.argv[4]), *sets, "camvid", sys.argv[3], version="1").run()
"""


def one_process(sets, out, folder):
    return not subprocess.run([sys.executable, "-c", SCRIPT, tap.path("real"), tap.path("syn"), out, folder], stderr=subprocess.DEVNULL).returncode


def on_dask(sets, out, folder):
    from dask import config
    from dask.distributed import Client, LocalCluster, wait

    job = fm.Job(world.Mortal(folder), *sets, "camvid", out)
    config.set({"distributed.scheduler.allowed-failures": 100})
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster, Client(cluster) as client:
        try:
            for stage in job.stages:
                tasks = client.map(lambda number, job=job, stage=stage: job.work(stage, number), range(job.tasks(stage)), pure=False)
                wait(tasks, timeout=120)  # a worker that does not come up in time is given up: then nobody is left to wait for
                client.gather(tasks)
                job.join(stage)
            job.finish()
        except Exception as error:  # noqa: BLE001 - the job goes on when it is begun again
            print("#", repr(error)[:200])
            return False
    return True


def on_ray(sets, out, folder):
    import freemask.ray
    import ray

    if not ray.is_initialized():
        world.patiently(lambda: ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error"), ray.shutdown)
    try:
        freemask.ray.run(fm.Job(world.Mortal(folder), *sets, "camvid", out), workers=2)
    except ray.exceptions.RayError as error:
        print("#", repr(error)[:200])
        return False
    return True


def main():
    sets = [fm.FolderParts(fm.Folder(*world.folder(tap.path(name), world.samples(seed, count, name[0]))), 4)
            for name, seed, count in (("real", 1, 20), ("syn", 2, 30))]
    fm.Job(world.segmenter, *sets, "camvid", tap.path("one")).run()
    truth = world.content(tap.path("one"))
    for name, run in (("one process", one_process), ("Dask", on_dask), ("Ray", on_ray)):
        out, folder, wrong = tap.path(run.__name__), tap.path("alive-" + run.__name__), []

        def again(ended, out=out, wrong=wrong):
            if ended:
                wrong.extend(set(world.content(out).items()) ^ set(truth.items()))
                shutil.rmtree(out)

        chance = random.Random(int(os.environ.get("FREEMASK_TEST_SEED", "7")))
        runs = world.killed_at_random(lambda out=out, folder=folder, run=run: run(sets, out, folder), folder, KILLS, chance, again)
        wrong.extend(set(world.content(out).items()) ^ set(truth.items()))
        tap.ok(not wrong, f"{name}, {KILLS} kills at random: the bytes of one process", sorted(wrong)[:9])
        print(f"# begun {runs} times", flush=True)
    tap.done()


if __name__ == "__main__":
    main()
