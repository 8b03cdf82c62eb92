# python/engine_world.py - a small set as folders, tars and Parquet files, and its segmenter, for the tests of jobs.
# SPDX-License-Identifier: MIT
import hashlib
import io
import os
import signal
import tarfile

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
