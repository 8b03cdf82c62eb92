#!/usr/bin/env python3
# engines/test_dask.py - the snippet of doc/engines.md on a local cluster of Dask.
# SPDX-License-Identifier: MIT
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
import kit  # noqa: F401 - finds the package
import tap

tap.need("numpy", "PIL", "distributed")
import freemask
from dask.distributed import Client, LocalCluster

import engine_world as world

os.environ["PYTHONPATH"] = os.pathsep.join([os.environ["PYTHONPATH"], os.path.dirname(world.__file__)])
with open(os.path.join(tap.SOURCE, "doc", "engines.md"), encoding="utf-8") as page:
    SNIPPET = re.search(r"```python\n(# Dask.*?)```", page.read(), re.S).group(1)


def _images(result):
    return result.plan.images, result.stats.images


def main():
    sets = [freemask.FolderParts(freemask.Folder(*world.folder(tap.path(name), world.samples(seed, count, name[0]))), 4)
            for name, seed, count in (("real", 1, 9), ("syn", 2, 13))]
    freemask.Job(world.segmenter, *sets, "camvid", tap.path("one")).run()
    job = freemask.Job(world.Slow, *sets, "camvid", tap.path("dask"))
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        names = {"client": client, "job": job}
        exec(SNIPPET, names)
        made = client.submit(_images, names["result"]).result()
        tap.equal(made, (names["result"].plan.images, 9), "a result travels, with its plan and statistics")
    tap.equal(world.content(tap.path("dask")), world.content(tap.path("one")), "Dask: the bytes of one process")
    tap.equal(names["result"].images, 13, "its result")
    tap.done()


if __name__ == "__main__":
    main()
