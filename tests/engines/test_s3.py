#!/usr/bin/env python3
# engines/test_s3.py - a job on an S3 interface: tars and folders in a bucket of moto's server.
# SPDX-License-Identifier: MIT
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
import kit
import tap

tap.need("numpy", "PIL", "s3fs", "moto")
import freemask as fm
from moto.server import ThreadedMotoServer

import engine_world as world

REAL, SYNTHETIC = world.samples(1, 6, "r"), world.samples(2, 8, "s")
server = ThreadedMotoServer(port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
ACCESS = {"key": "k", "secret": "s", "endpoint_url": f"http://{host}:{port}"}
import s3fs

bucket = s3fs.S3FileSystem(**ACCESS, use_listings_cache=False)
bucket.mkdir("set")
for name, some in (("real", REAL), ("syn", SYNTHETIC)):
    world.folder(tap.path("set", name), some)
    world.tars(tap.path("set"), name, some, 3)
bucket.put(tap.path("set"), "set", recursive=True)
top = "s3://set/set" if bucket.exists("set/set/real-000.tar") else "s3://set"


def fetched(folder):
    """{path: bytes} of a folder in the bucket."""
    return {path.partition(folder + "/")[2]: bucket.cat_file(path) for path in bucket.find(f"set/{folder}")}


def local(folder):
    return {os.path.relpath(os.path.join(base, name), folder): open(os.path.join(base, name), "rb").read()
            for base, _, names in os.walk(folder) for name in names}


fm.Job(world.segmenter, fm.Tars(tap.path("set/real-*.tar")), fm.Tars(tap.path("set/syn-*.tar")), "camvid", tap.path("one")).run()
TRUTH = local(tap.path("one"))
remote = [fm.Tars(f"{top}/real-{{000..001}}.tar", storage=ACCESS), fm.Tars(f"{top}/syn-*.tar", storage=ACCESS)]
for out in ("first", "again"):
    job = fm.Job(world.segmenter, *remote, "camvid", f"s3://set/{out}", storage=ACCESS)
    if out == "again":  # an attempt that ended in the middle
        for number in range(job.tasks("stats")):
            job.work("stats", number)
        job.join("stats")
        job.work("filter", 1)
        job = fm.Job(world.segmenter, *remote, "camvid", f"s3://set/{out}", storage=ACCESS)
    job.run()
    tap.equal(fetched(out), TRUTH, f"tars in a bucket, {out}: the bytes of a local job, and nothing else")


def breaks():
    with fm.TarWriter("s3://set/broken.tar", ACCESS) as tar:
        tar.add("a", {"b": b"c"})
        raise KeyError("mine")


tap.ok(kit.raises(KeyError, breaks, "mine") and not bucket.exists("set/broken.tar"), "an exception leaves no object")
cut = bucket.cat_file(f"{top[5:]}/real-000.tar")[:2000]
bucket.pipe_file("set/cut.tar", cut)
tap.ok(kit.raises(fm.FormatError, lambda: list(fm.read_tar("s3://set/cut.tar", storage=ACCESS)), "s3://set/cut.tar"), "a tar that was cut is named")
tap.ok(kit.raises(FileNotFoundError, lambda: list(fm.read_tar("s3://set/none.tar", storage=ACCESS))), "one that is not there")

folders = [fm.FolderParts(fm.Folder(f"{top}/{name}/images", f"{top}/{name}/masks", storage=ACCESS), 3) for name in ("real", "syn")]
fm.Job(world.segmenter, *folders, "camvid", "s3://set/folders", storage=ACCESS).run()
got = fetched("folders")
tap.equal({name: got[name] for name in got if name.endswith(("csv", "json"))}, {name: TRUTH[name] for name in TRUTH if name.endswith(("csv", "json"))},
          "folders in a bucket: the same tables")
tap.equal(sorted(name for name in got if "/" in name), [f"masks/{id}.png" for id, _, _ in SYNTHETIC], "and a mask for each image")
server.stop()
tap.done()
