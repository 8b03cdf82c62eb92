#!/usr/bin/env python3
# engines/speed_slurm.py - how much faster two nodes of Slurm are than one, and what a task of an array costs.
# SPDX-License-Identifier: MIT
"""The recipe's tasks know nothing of each other, so what Slurm adds is what it takes to start one: measured with tasks that sleep."""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
os.environ["PATH"] += os.pathsep + "/usr/sbin"
import tap

tap.need_programs("munged", "slurmctld", "slurmd", "sbatch")
from slurm_cluster import Cluster


def array(cluster, tasks, seconds):
    """How long an array of so many tasks takes that sleep."""
    begin = time.monotonic()
    job = cluster.call("sbatch", "--parsable", f"--array=0-{tasks - 1}", "--output=/dev/null", "--wrap", f"sleep {seconds}").strip()
    cluster.wait(lambda: all(state == "COMPLETED" for number, _, state in cluster.tasks() if number.startswith(job + "_")), "end of the array", 600)
    return time.monotonic() - begin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5, help="of each task")
    options = parser.parse_args()
    took = []
    for nodes in (("n0",), ("n0", "n1")):
        with Cluster(tap.path(f"s{len(nodes)}"), nodes) as cluster:
            took.append(array(cluster, options.tasks, options.seconds))
    each = took[0] / options.tasks - options.seconds
    tap.ok(took[0] / took[1] >= 1.8, f"Slurm: {options.tasks} tasks of {options.seconds:g} s of sleep: one node {took[0]:.1f} s, two nodes {took[1]:.1f} s, "
                                     f"{took[0] / took[1]:.2f} times as fast; {each:.2f} s to start each")
    tap.done()


if __name__ == "__main__":
    main()
