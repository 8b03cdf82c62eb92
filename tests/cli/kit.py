# cli/kit.py - what the tests of the tool share: running it, PNG by hand, random worlds.
# SPDX-License-Identifier: MIT
"""FREEMASK_TOOL names the tool. `from kit import *` also gives the TAP kit as `tap`."""
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
import time
import zlib

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GOLDEN = os.path.join(TESTS, "golden")
sys.path[:0] = [os.path.join(TESTS, "support"), GOLDEN]

import tap  # noqa: E402
from counts import numbers_of, text_of  # noqa: E402, F401

tap.need("numpy", "PIL")
import numpy as np  # noqa: E402
import PIL.Image  # noqa: E402, F401
import reference as ref  # noqa: E402

if not os.environ.get("FREEMASK_TOOL"):
    tap.skip_all("FREEMASK_TOOL does not name the tool")
TOOL = os.path.abspath(os.environ["FREEMASK_TOOL"])

GIB = 1 << 30
HANGS = 300  # seconds after which the tool is said to hang, on however slow a machine
PATIENCE = int(os.environ.get("FREEMASK_TEST_PATIENCE", "1"))  # times the usual limits: under wine all takes longer
INFLATES = os.environ.get("FREEMASK_INFLATES") != "false"  # the tool reads compressed NPZ


def _limits(address_space):
    def apply():
        resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return apply


def start(*arguments, address_space=2 * GIB, **more):
    """The running tool. Everything here runs within 2 GiB of address space."""
    limits = None if os.environ.get("FREEMASK_TEST_NO_LIMIT") else _limits(address_space)
    return subprocess.Popen([TOOL, *map(str, arguments)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limits, **more)


class Result:
    def __init__(self, process):
        try:
            self.out, self.err = (data.decode("utf-8", "replace")
                                  for data in process.communicate(timeout=HANGS * PATIENCE))
            self.code = process.returncode
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            self.out, self.err, self.code = "", f"no end within {HANGS * PATIENCE} s", None

    def __str__(self):
        return f"exit {self.code}\nstdout: {self.out[-600:]}\nstderr: {self.err[-600:]}"


def run(*arguments, **more):
    return Result(start(*arguments, **more))


# ---- Stopping it in the middle --------------------------------------------------------------------

MOST_BEGINS = 100  # one is too few where this process gets no processor while the tool has one


def stop(process):
    """SIGSTOP. Returns when it has come to rest, or has ended."""
    process.send_signal(signal.SIGSTOP)
    while process.poll() is None and open(f"/proc/{process.pid}/stat").read().rsplit(")", 1)[1].split()[0] != "T":
        time.sleep(0.001)


def stopped_midway(begin, done, first, last):
    """A process of begin() that is stopped where done(), which grows, is `first` at least and less than `last`. One that
    was faster than this process looks is begun again: begin() has to clear away what it left."""
    for _ in range(MOST_BEGINS):
        process = begin()
        while process.poll() is None and done() < first:
            time.sleep(0.0005)
        stop(process)
        if process.poll() is None and first <= done() < last:
            return process
        process.kill()
        Result(process)
    raise TimeoutError(f"none of {MOST_BEGINS} processes was met between {first} and {last}")


def ended_midway(begin, done, first, last, how=signal.SIGKILL):
    """The Result of such a process to which the signal comes while it is stopped, so that it has not done all by then."""
    process = stopped_midway(begin, done, first, last)
    process.send_signal(how)
    process.send_signal(signal.SIGCONT)
    return Result(process)


# ---- What it leaves ---------------------------------------------------------------------------------

LEADS_NOWHERE = b"a link that leads nowhere: "


def commands(root):
    """tool, good and refused: runs in a folder, unless `cwd` names another; the second must end well, the third with
    a code and words that its sentence has."""
    def tool(*arguments, **more):
        return run(*arguments, **{"cwd": root, **more})

    def good(name, *arguments, **more):
        result = tool(*arguments, **more)
        tap.ok(result.code == 0, name, result)
        return result

    def refused(name, code, words, *arguments):
        result = tool(*arguments)
        tap.ok(result.code == code and all(word in result.err for word in words), name, result)

    return tool, good, refused


def tree(folder):
    """{relative path: content} of all files below; of a link that leads nowhere, that."""
    found = {}
    for base, _, files in os.walk(folder):
        for name in files:
            path = os.path.join(base, name)
            if not os.path.exists(path):
                found[os.path.relpath(path, folder)] = LEADS_NOWHERE + os.fsencode(os.readlink(path))
                continue
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def everything(folder):
    """All names below, folders included."""
    return sorted(os.path.relpath(os.path.join(base, name), folder)
                  for base, folders, files in os.walk(folder) for name in folders + files)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def dead_process():
    """The number of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def left_by_a_crash(name):
    """Unfinished files, and the lock of a process that was killed."""
    return name.endswith((".fm-part", ".freemask.lock"))


# ---- PNG by hand: the stored numbers, whatever a library makes of them -------------------------

def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width, height, depth, color, interlace=0):
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace))


def _pack_rows(pixels, depth):
    height, width = pixels.shape
    if depth == 16:
        rows = pixels.astype(">u2").tobytes()
        size = 2 * width
    elif depth == 8:
        rows = pixels.astype(np.uint8).tobytes()
        size = width
    else:
        bits = ((pixels[..., None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
        packed = np.packbits(bits.reshape(height, -1), axis=1)
        rows, size = packed.tobytes(), packed.shape[1]
    return b"".join(b"\0" + rows[y * size:(y + 1) * size] for y in range(height))


ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def png(pixels, depth=8, palette=None, interlaced=False, extra=b""):
    """A gray or palette PNG. `palette` is bytes of RGB triples."""
    pixels = np.asarray(pixels).astype(np.int64)
    assert pixels.min() >= 0 and pixels.max() < 1 << depth
    height, width = pixels.shape
    if interlaced:
        parts = [pixels[y::dy, x::dx] for x, y, dx, dy in ADAM7]
        rows = b"".join(_pack_rows(part, depth) for part in parts if part.size)
    else:
        rows = _pack_rows(pixels, depth)
    color = 0 if palette is None else 3
    out = b"\x89PNG\r\n\x1a\n" + header(width, height, depth, color, int(interlaced))
    if palette is not None:
        out += chunk(b"PLTE", palette)
    return out + extra + chunk(b"IDAT", zlib.compress(rows, 6)) + chunk(b"IEND", b"")


class Png:
    """A PNG taken apart: size, depth, color, palette, pixels. Chunk sums are checked."""

    def __init__(self, data):
        assert data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG"
        at, stream, self.palette = 8, b"", None
        while at < len(data):
            length, kind = struct.unpack(">I4s", data[at:at + 8])
            body = data[at + 8:at + 8 + length]
            assert struct.pack(">I", zlib.crc32(kind + body)) == data[at + 8 + length:at + 12 + length]
            if kind == b"IHDR":
                (self.width, self.height, self.depth, self.color, _, _,
                 self.interlace) = struct.unpack(">IIBBBBB", body)
            elif kind == b"PLTE":
                self.palette = body
            elif kind == b"IDAT":
                stream += body
            at += 12 + length
        assert self.color in (0, 3) and not self.interlace
        self.pixels = self._rows(zlib.decompress(stream))

    def _rows(self, raw):
        size = (self.width * self.depth + 7) // 8
        step = max(1, self.depth // 8)
        assert len(raw) == self.height * (size + 1)
        rows = np.zeros((self.height, size), np.uint8)
        above = np.zeros(size, np.int64)
        for y in range(self.height):
            kind = raw[y * (size + 1)]
            line = np.frombuffer(raw, np.uint8, size, y * (size + 1) + 1).astype(np.int64)
            above = self._unfilter(kind, line, above, step)
            rows[y] = above
        if self.depth == 16:
            return rows.reshape(self.height, self.width, 2).astype(np.int64) @ (256, 1)
        bits = np.unpackbits(rows, axis=1)[:, :self.width * self.depth]
        weights = 1 << np.arange(self.depth - 1, -1, -1)
        return bits.reshape(self.height, self.width, self.depth).astype(np.int64) @ weights

    @staticmethod
    def _unfilter(kind, line, above, step):
        if kind == 0:
            return line
        if kind == 2:
            return (line + above) & 255
        out = np.zeros_like(line)
        for i in range(len(line)):
            a = out[i - step] if i >= step else 0
            b = above[i]
            c = above[i - step] if i >= step else 0
            if kind == 1:
                guess = a
            elif kind == 3:
                guess = (a + b) // 2
            else:
                p = a + b - c
                pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
                guess = a if pa <= pb and pa <= pc else b if pb <= pc else c
            out[i] = (line[i] + guess) & 255
        return out


# ---- NPY ----------------------------------------------------------------------------------------

def npy(array, version=(1, 0)):
    import io
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=version, allow_pickle=False)
    return out.getvalue()


def npy_lying(header_text, body=b"", version=1):
    """An NPY of any header text at all."""
    text = header_text.encode("latin-1") + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes((version, 0)) + length + text + body


# ---- Random worlds --------------------------------------------------------------------------------

def random_mask(rng, space, shape, present=None, largest=None):
    labels = [label for label in space.labels_of_classes()
              if present is None or space.table[label] in present] + space.ignored_labels()
    labels = np.array([label for label in labels if largest is None or label <= largest])
    height, width = shape
    coarse = rng.integers(0, len(labels), (height // 6 + 2, width // 9 + 2))
    block = np.kron(coarse, np.ones((6, 9), int))[:height, :width]
    noise = rng.integers(0, len(labels), shape)
    return labels[np.where(rng.random(shape) < 0.05, noise, block)]


def random_loss(rng, space, mask, dtype=np.float32):
    classes = space.to_classes(mask)
    loss = rng.gamma(1.3, 0.3 + (classes % 5) * 0.4)
    loss[rng.random(mask.shape) < 0.02] = 0
    rubbish = rng.choice([np.nan, np.inf, -1.0], mask.shape)
    with np.errstate(over="ignore"):
        return np.where(classes < 0, rubbish, loss).astype(dtype)


def labels_csv(space):
    """The label space as a file for --labels; the label that is written stands first."""
    rows = ["label,class,name", f"{space.written},ignore,"]
    for label, k in sorted(space.table.items()):
        if label != space.written:
            name = space.class_names[k] if k >= 0 and space.class_names else f"class {k}"
            rows.append(f"{label},{'ignore' if k < 0 else k},{name if k >= 0 else ''}")
    return ("\n".join(rows) + "\n").encode("utf-8")


def own_space():
    """300 classes at odd labels from 7 on: masks need 16 bits."""
    table = {7 + 2 * k: k for k in range(300)}
    table[3] = ref.IGNORED
    return ref.Space("own", 300, 1000, table)


def same_bits(a, b):
    return np.float64(a).tobytes() == np.float64(b).tobytes()


# ---- Breaking things ------------------------------------------------------------------------------

class Breaker:
    """Every case copies a good folder, breaks one thing and runs one command: the right exit code, one
    clear line on standard error, nothing left behind, no input changed."""

    def __init__(self, good):
        self.good, self.number = good, 0

    def case(self, name, arguments, code, says, break_it=None, **more):
        """`says`: texts that the one line has to contain. `code` may be a tuple."""
        self.number += 1
        folder = tap.path(f"case{self.number}")
        shutil.copytree(self.good, folder)
        if break_it:
            break_it(folder)
        before, names = tree(folder), everything(folder)
        result = run(*arguments, cwd=folder, **more)
        problems = []
        codes = code if isinstance(code, tuple) else (code,)
        if result.code not in codes:
            problems.append(f"exit code {result.code}, expected {code}")
        lines = [line for line in result.err.splitlines() if not line.startswith("freemask: note: ")]
        if len(lines) != 1 or not result.err.endswith("\n") or not lines[0].startswith("freemask: "):
            problems.append("stderr is not one line 'freemask: ...'")
        for text in [says] if isinstance(says, str) else says:
            if text not in result.err:
                problems.append(f"does not say '{text}'")
        if everything(folder) != names:
            problems.append(f"left behind: {sorted(set(everything(folder)) ^ set(names))}")
        if tree(folder) != before:
            problems.append("changed an input")
        tap.ok(not problems, f"{arguments[0] if arguments else 'nothing'}: {name}",
               "\n".join(problems) + f"\n{result}")
        shutil.rmtree(folder)


def put(relative, data):
    return lambda folder: write(f"{folder}/{relative}", data)


def change(relative, function):
    def apply(folder):
        write(f"{folder}/{relative}", function(read(f"{folder}/{relative}")))
    return apply


def remove(relative):
    return lambda folder: os.unlink(f"{folder}/{relative}")


def flip(at):
    def apply(data):
        data = bytearray(data)
        data[at if at >= 0 else len(data) + at] ^= 0x55
        return bytes(data)
    return apply
