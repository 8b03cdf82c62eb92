#!/usr/bin/env python3
# engines/test_nodes.py - a job on a cluster of Ray with two nodes, one of which is lost in the middle.
# SPDX-License-Identifier: MIT
"""Both nodes are on this machine: each has a raylet, an object store and workers of its own."""
import contextlib
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
import kit  # noqa: F401 - finds the package
import tap

tap.need("numpy", "PIL", "ray", "pyarrow")
os.environ.update(RAY_USAGE_STATS_ENABLED="0", RAY_DATA_DISABLE_PROGRESS_BARS="1", RAY_worker_niceness="0", PYTHONWARNINGS="ignore")
import freemask as fm

import engine_world as world

os.environ["PYTHONPATH"] = os.pathsep.join([os.environ["PYTHONPATH"], os.path.dirname(world.__file__), os.path.join(tap.SOURCE, "tests", "support")])
import freemask.ray
import ray
from ray.cluster_utils import Cluster

STORE = 100 << 20  # bytes of each node's objects, in /dev/shm
PART, SYNTHETIC = 4, 80  # images of a task, of the synthetic set


def started():
    """(cluster, its second node), with this process as its driver."""
    clusters = []

    def start():
        clusters.append(Cluster())
        clusters[-1].add_node(num_cpus=1, object_store_memory=STORE, include_dashboard=False)
        second = clusters[-1].add_node(num_cpus=1, object_store_memory=STORE)
        ray.init(address=clusters[-1].address, log_to_driver=False, logging_level="error")
        return clusters[-1], second

    def stop():
        ray.shutdown()
        clusters[-1].shutdown()
    return world.patiently(start, stop)


def alive():
    return sum(node["Alive"] for node in ray.nodes())


def with_children(processes):
    """These, and all that they have started."""
    parent, found = {}, list(processes)
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8") as file:
                parent[int(name)] = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            pass
    for one in found:
        found += [child for child, of in parent.items() if of == one]
    return found


class Loss(threading.Thread):
    """Kills all processes of a node at once, in the middle of the stage "filter", which waits for it."""

    def __init__(self, node, out, working, over):
        super().__init__(daemon=True)
        self.node, self.parts, self.working, self.over = node, os.path.join(out, ".parts"), working, over
        self.found = None  # (records of the stage, workers of the node)

    def run(self):
        while self.found is None:
            time.sleep(0.02)
            records = [name for name in (os.listdir(self.parts) if os.path.isdir(self.parts) else []) if name.startswith("filter")]
            killed = with_children([one.process.pid for some in self.node.all_processes.values() for one in some])
            workers = {int(name) for name in os.listdir(self.working)} & set(killed)
            if len(records) > 2 and workers:
                for process in killed:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
                self.found = len(records), len(workers)
                with open(self.over, "w", encoding="utf-8"):
                    pass


def main():
    sets = [fm.FolderParts(fm.Folder(*world.folder(tap.path(name), world.samples(seed, count, name[0]))), PART)
            for name, seed, count in (("real", 1, 20), ("syn", 2, SYNTHETIC))]
    fm.Job(world.segmenter, *sets, "camvid", tap.path("one")).run()
    os.makedirs(tap.path("alive"))
    cluster, second = started()
    try:
        tap.equal(alive(), 2, "a cluster of two nodes")
        loss = Loss(second, tap.path("nodes"), tap.path("alive"), tap.path("lost"))
        loss.start()
        mortal = world.Mortal(tap.path("alive"), held=world.Begun(tap.path("nodes"), 3, tap.path("lost")))
        made = freemask.ray.run(fm.Job(mortal, *sets, "camvid", tap.path("nodes")), workers=2)
        tap.ok(loss.found and loss.found[0] < SYNTHETIC // PART - 2 and loss.found[1] == 1, "one is lost in the middle, with a worker", loss.found)
        tap.equal((alive(), made.images), (1, SYNTHETIC), "the other one ends the job")
        tap.equal(world.content(tap.path("nodes")), world.content(tap.path("one")), "with the bytes of one process")
    finally:
        ray.shutdown()
        cluster.shutdown()
    tap.done()


if __name__ == "__main__":
    main()
