# python/engine_world.py - a small set as folders, tars and Parquet files, and its segmenter, for the tests of jobs.
# SPDX-License-Identifier: MIT
import hashlib
import io
import os
import signal
import tarfile
import threading
import time

import numpy as np
from PIL import Image

SHAPE = (40, 56)


def segmenter(images):
    """Losses that depend on the image alone: a stand-in for a network."""
    return [image[..., 0].astype(np.float32) / np.float32(64) for image in images]


class Slow:
    """A segmenter with a state of its own, which takes its time and may be killed: by itself, at the images whose
    numbers are in a file, each once."""

    def __init__(self, deadly=None):
        self.deadly = deadly

    def __call__(self, images):
        for image in images:
            name = self.deadly and os.path.join(self.deadly, hashlib.sha256(image.tobytes()).hexdigest()[:16])
            if name and os.path.exists(name):
                os.unlink(name)
                os.kill(os.getpid(), signal.SIGKILL)
        return segmenter(images)


class Mortal:
    """A segmenter that takes its time without computing, and tells by a file who it is, so that it can be killed."""

    def __init__(self, folder, pause=0.05, held=lambda: False):
        self.folder, self.pause, self.held = folder, pause, held

    def __call__(self, images):
        with open(os.path.join(self.folder, str(os.getpid())), "w", encoding="utf-8"):
            time.sleep(self.pause * len(images))
            while self.held():
                time.sleep(self.pause)
        return segmenter(images)


class Begun:
    """Whether a job has done `count` parts of its filter, until the file `over` is there. Held by this, it goes no further until
    whoever kills it has seen that, however late."""

    def __init__(self, out, count, over=""):
        self.parts, self.count, self.over = os.path.join(out, ".parts"), count, over

    def __call__(self):
        names = os.listdir(self.parts) if os.path.isdir(self.parts) else []
        return sum(name.startswith("filter") for name in names) >= self.count and not os.path.exists(self.over)


STARTS = 10  # Ray gives a node 30 seconds to come up, which a machine may be too busy for


def patiently(start, stop):
    """What start() returns, which is tried again after stop() where it raises."""
    for attempt in range(STARTS):
        try:
            return start()
        except Exception as error:  # noqa: BLE001 - whatever an engine says of a node that is not there
            print(f"# start {attempt + 1}: {error!r}", flush=True)
            stop()
    raise TimeoutError(f"no start in {STARTS} attempts")


def killed_at_random(run, folder, kills, chance, again):
    """Calls run() while processes that Mortal named in the folder are killed at random moments; a run that ends by that is begun again
    by again(), and so is one that was done before all kills were. Returns how often run() was called."""
    os.makedirs(folder, exist_ok=True)
    done, left, runs = threading.Event(), [kills], 0

    def killer():
        while left[0] and not done.wait(chance.uniform(0, 0.4)):
            names = os.listdir(folder)
            for name in chance.sample(sorted(names), min(1, len(names))):
                os.unlink(os.path.join(folder, name))
                try:
                    os.kill(int(name), signal.SIGKILL)
                    left[0] -= 1
                except ProcessLookupError:
                    pass

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        ended = False
        while left[0] or not ended:
            if runs:
                again(ended)
            ended, runs = run(), runs + 1
            if runs > 2 * kills + 2:
                raise RuntimeError(f"{runs} runs, and {left[0]} of {kills} kills are left")
    finally:
        done.set()
        thread.join()
    return runs


def png(array):
    out = io.BytesIO()
    Image.fromarray(array).save(out, "png")
    return out.getvalue()


def npy(array):
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def samples(seed, count, name):
    """[(id, image, mask)]"""
    rng = np.random.default_rng(seed)
    return [(f"{name}{i:04d}", rng.integers(0, 256, (*SHAPE, 3)).astype(np.uint8), rng.integers(0, 12, SHAPE).astype(np.uint8))
            for i in range(count)]


def folder(top, some):
    for id, image, mask in some:
        for kind, array in (("images", image), ("masks", mask)):
            os.makedirs(os.path.join(top, kind), exist_ok=True)
            with open(os.path.join(top, kind, id + ".png"), "wb") as file:
                file.write(png(array))
    return os.path.join(top, "images"), os.path.join(top, "masks")


def tar_bytes(members):
    """A tar of (name, bytes) by Python's own tarfile, with owners and times as tars have them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in members:
            header = tarfile.TarInfo(name)
            header.size, header.mtime, header.uid, header.uname = len(data), 1700000000, 1000, "somebody"
            tar.addfile(header, io.BytesIO(data))
    return out.getvalue()


def tars(top, name, some, each, losses=False):
    """Tars of `each` samples; returns their paths."""
    os.makedirs(top, exist_ok=True)
    paths = []
    for i in range(0, len(some), each):
        members = []
        for id, image, mask in some[i:i + each]:
            members += [(id + ".png", png(image)), (id + ".seg.png", png(mask)), (id + ".json", b"{}")]
            if losses:
                members.append((id + ".loss.npy", npy(segmenter([image])[0])))
        paths.append(os.path.join(top, f"{name}-{i // each:03d}.tar"))
        with open(paths[-1], "wb") as file:
            file.write(tar_bytes(members))
    return paths


def content(top):
    """{path below top: hash} of all files."""
    return {os.path.relpath(os.path.join(base, name), top): hashlib.sha256(open(os.path.join(base, name), "rb").read()).hexdigest()
            for base, _, names in os.walk(top) for name in names}
