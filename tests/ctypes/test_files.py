# ctypes/test_files.py - files against Python's json, csv and fractions, and against NumPy.
import csv
import ctypes
import fractions
import io
import json
import os

import tap
from counts import numbers_of, text_of
from freemask_ctypes import Interface

tap.need("numpy")
import numpy as np  # noqa: E402

LIB = Interface(os.environ["FM_SHARED"])
ERROR = LIB.struct("fm_error")
CONTEXT = ctypes.c_void_p()
LIB.fm_context_create(None, ctypes.byref(CONTEXT), None)
rng = np.random.default_rng(99)


class Failure(Exception):
    pass


def call(function, *arguments):
    err = ERROR()
    if function(*arguments, ctypes.byref(err)):
        raise Failure(err.message.decode())


def made(function, *arguments):
    """What a creator makes."""
    out = ctypes.c_void_p()
    call(function, *arguments, ctypes.byref(out))
    return out


def encoded(function, handle):
    pieces = []
    keep = LIB.callback("fm_write_fn")(lambda data, size, user: pieces.append(ctypes.string_at(data, size)) or 0)
    call(function, handle, keep, None)
    return b"".join(pieces)


def fnv(data, value=0xCBF29CE484222325):
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def u64(number):
    return int(number).to_bytes(8, "little")


# ---- Statistics: JSON --------------------------------------------------------------------------------

def digits_of(total):
    """The eleven digits of a sum of losses in units of 2^-149."""
    units = total * 2**149
    assert units.denominator == 1
    return [int(units) >> (32 * i) & 0xFFFFFFFF for i in range(11)]


def bins_of(losses, per_octave):
    counts = [0] * (32 * per_octave + 2)
    for x in losses:
        if x < 2.0**-24:
            counts[0] += 1
        elif x >= 2.0**8:
            counts[-1] += 1
        else:
            mantissa, exponent = np.frexp(x)  # x = mantissa * 2^exponent, mantissa from 0.5 on
            counts[1 + (int(exponent) - 1 + 24) * per_octave + int((2 * float(mantissa) - 1) * per_octave)] += 1
    return counts


def mean_of(losses):
    total = float(sum(map(fractions.Fraction, losses), fractions.Fraction(0)))
    return total / (len(losses) + 1e-5)


def check_stats(histogram, name):
    labels = made(LIB.fm_labels_create_from_preset, CONTEXT, b"camvid")
    stats = made(LIB.fm_class_stats_create, labels, LIB.make("fm_class_stats_options", histogram=histogram))
    seen = [[] for _ in range(11)]
    for _ in range(3):
        mask = rng.integers(0, 12, (13, 17)).astype(np.uint8)
        mask[mask == 4] = 5  # class 4 is never seen
        loss = (rng.standard_gamma(1, mask.shape) * 10.0**rng.integers(-9, 3, mask.shape)).astype(np.float32)
        add(stats, mask, loss)
        for k in range(11):
            seen[k] += [float(x) for x in loss[mask == k]]
    text = encoded(LIB.fm_class_stats_encode, stats)
    data = json.loads(text)
    fingerprint = LIB.fm_labels_fingerprint(labels)
    tap.equal(data["labels"], {"name": "camvid", "fingerprint": f"{fingerprint:016x}", "classes": 11,
                               "ignored": [11], "runs": [[0, 0, 11]]}, f"{name}: the label space")
    tap.equal([data[key] for key in ("format", "version", "strata", "histogram", "score", "images")],
              ["freemask-stats", 2, 1, histogram, "loss", 3], f"{name}: the head")
    words = [data["images"]]
    for k, row in enumerate(data["classes"]):
        expected = [len(seen[k])] + digits_of(sum(map(fractions.Fraction, seen[k]), fractions.Fraction(0)))
        expected += bins_of(seen[k], histogram) if histogram else []
        good = row["words"] == text_of(expected) and row["pixels"] == len(seen[k]) and row["index"] == k
        words += numbers_of(row["words"])
        tap.ok(good and row["mean_loss"] == mean_of(seen[k]), f"{name}: class {k} by exact fractions", row)
    hashed = u64(fingerprint) + u64(1) + u64(32 * histogram + 2 if histogram else 0) + b"loss\0"
    tap.equal(data["checksum"], f"{fnv(hashed + b''.join(map(u64, words))):016x}", f"{name}: the checksum")

    # Written by others: other blanks and order, zeros one by one, members of the host's own.
    data["model"] = {"name": "x", "words": [1, {"classes": []}]}
    data["classes"][0]["color"] = "#102030"
    data["classes"][0]["words"] = " ".join(map(str, numbers_of(data["classes"][0]["words"])))
    other = json.dumps(data, indent=3, sort_keys=True).encode()
    back = made(LIB.fm_class_stats_decode, labels, other, len(other))
    tap.equal(encoded(LIB.fm_class_stats_encode, back), text, f"{name}: read from other JSON to the same bytes")
    own = made(LIB.fm_labels_decode, CONTEXT, other, len(other), b"unused")
    tap.equal((LIB.fm_labels_fingerprint(own), LIB.fm_labels_name(own)), (fingerprint, b"camvid"),
              f"{name}: its label space is read from it")
    spliced = text[:-2] + b', "model": [1, 2]}\n'
    back = made(LIB.fm_class_stats_decode, own, spliced, len(spliced))
    tap.equal(encoded(LIB.fm_class_stats_encode, back), text, f"{name}: members before the last brace")


def add(stats, mask, loss):
    call(LIB.fm_class_stats_add, stats, LIB.fm_plane_make(mask.ctypes.data, LIB.FM_U8, *mask.shape),
         LIB.fm_plane_make(loss.ctypes.data, LIB.FM_F32, *loss.shape), None)


check_stats(0, "sums")
check_stats(4, "histograms")

# ---- Tables: CSV --------------------------------------------------------------------------------------

labels = made(LIB.fm_labels_create_from_preset, CONTEXT, b"cityscapes-ids")
rows = list(csv.DictReader(io.StringIO(encoded(LIB.fm_labels_encode, labels).decode())))
tap.ok(all(LIB.fm_labels_class_of(labels, int(r["label"])) == (-1 if r["class"] == "ignore" else int(r["class"]))
           and (r["class"] == "ignore" or r["name"].encode() == LIB.fm_labels_class_name(labels, int(r["class"])))
           for r in rows) and len(rows) == sum(LIB.fm_labels_class_of(labels, i) != -2 for i in range(65536)),
       "a table of labels as Python's csv reads it", rows)
tap.equal(int(rows[0]["label"]), LIB.fm_labels_ignore_label(labels), "the label that the filter writes comes first")

ids = ["img_10", "a,b", 'quoted "name"', "two\nlines", " blank", "stra\u00dfe", "x" * 4095]
hardness = [float(x) for x in rng.standard_normal(len(ids))]
ranks = [int(r) + 1 for r in np.argsort(np.argsort(hardness))]
seeds = [sorted(int(s) for s in rng.choice(10**9, n % 4, replace=False)) for n in range(len(ids))]
out = io.StringIO()
writer = csv.writer(out, lineterminator="\r\n")
writer.writerow(["mask", "hardness", "rank", "count", "seeds"])
for i, name in enumerate(ids):
    writer.writerow([name, repr(hardness[i]), ranks[i], len(seeds[i]), " ".join(map(str, seeds[i]))])
table = out.getvalue().encode()
plan = made(LIB.fm_plan_decode, CONTEXT, table, len(table))
got = [row for row in csv.reader(io.StringIO(encoded(LIB.fm_plan_encode, plan).decode(), newline=""))][1:]
expected = sorted(range(len(ids)), key=lambda i: ids[i].encode())
tap.equal([row[0] for row in got], [ids[i] for i in expected], "a plan's ids through csv and back")
tap.equal([(float(r[1]), int(r[2]), int(r[3]), [int(s) for s in r[4].split()]) for r in got],
          [(hardness[i], ranks[i], len(seeds[i]), seeds[i]) for i in expected], "a plan's numbers")

# ---- Arrays: NPY and NPZ ------------------------------------------------------------------------------

READERS = {"mask": LIB.fm_mask_decode, "loss": LIB.fm_loss_decode}


def as_array(plane):
    """A copy of a plane, through its strides."""
    size = LIB.fm_dtype_size(plane.dtype)
    kind = next(k for k in ("uint8 int8 uint16 int16 uint32 int32 uint64 int64 float16 float32").split()
                if LIB.dtype(k) == plane.dtype)
    array = np.empty((plane.height, plane.width), kind)
    for y in range(plane.height):
        for x in range(plane.width):
            at = plane.data + y * plane.row_stride + x * plane.col_stride
            array[y, x] = np.frombuffer(ctypes.string_at(at, size), kind)[0]
    return array


def check_array(array, reader, expected, name):
    for order in "CF":
        stored = io.BytesIO()
        np.save(stored, np.asarray(array, order=order))
        packed = io.BytesIO()
        np.savez(packed, it=np.asarray(array, order=order))
        for data in (stored.getvalue(), packed.getvalue()):
            raster = made(READERS[reader], CONTEXT, data, len(data), None)
            got = as_array(LIB.fm_raster_plane(raster))
            if not tap.ok(got.dtype == expected.dtype and np.array_equal(got, expected), f"{name}, {order}", got):
                return
            path = tap.path("back.npy")
            call(LIB.fm_npy_write, CONTEXT, path.encode(), LIB.fm_raster_plane(raster), None)
            back = np.load(path)
            tap.ok(back.dtype == expected.dtype and np.array_equal(back, expected), f"{name}, {order}, written", back)
            LIB.fm_raster_destroy(raster)


for kind in "u1 i1 u2 i2 u4 i4 u8 i8".split():
    for byte_order in "<>":
        info = np.iinfo(kind)
        array = rng.integers(info.min, info.max, (3, 5), dtype=kind, endpoint=True).astype(byte_order + kind)
        check_array(array, "mask", array.astype(kind), f"a mask of {byte_order}{kind}")
flags = rng.integers(0, 2, (3, 5)).astype(bool)
check_array(flags, "mask", flags.astype("u1"), "a mask of bool")
for kind in "f2 f4 f8".split():
    for byte_order in "<>":
        array = (rng.standard_normal((3, 5)) * 3).astype(byte_order + kind)
        check_array(array, "loss", array.astype("f4" if kind == "f8" else kind), f"losses of {byte_order}{kind}")

tap.done()
