# python/test_cuda.py - arrays on a CUDA device: PyTorch's where there is one, else made-up ones on the driver that is none.
# SPDX-License-Identifier: MIT
import contextlib
import ctypes
import os
import subprocess
import sys
import types

import kit
import numpy as np
import tap

try:
    driver = ctypes.CDLL("libcuda.so.1")
except OSError:
    tap.skip_all("there is no driver, nor the one that is none", excused=True)
if not os.environ.get("FREEMASK_CUDA_LIBRARY"):
    tap.skip_all("libfreemask-cuda was not built", excused=True)
fake = hasattr(driver, "fake_cuda_read")
if not fake:
    try:
        import torch
    except ImportError:
        tap.skip_all("PyTorch is not there", excused=True)
    if not torch.cuda.is_available():
        tap.skip_all("PyTorch has no CUDA, or no device", excused=True)

import freemask as fm

random = np.random.default_rng(3)
STREAM = 0x5150  # that PyTorch says is the current one


# ---- Arrays on a device that is none: memory of the host -----------------------------------------------
def aligned(array):
    """As an allocation on a device is."""
    raw = np.empty(array.nbytes + 256, np.uint8)
    start = -raw.ctypes.data % 256
    out = raw[start:start + array.nbytes].view(array.dtype).reshape(array.shape)
    out[...] = array
    return out


class Namespace:
    """Of the array API standard, as far as it is used."""

    def __getattr__(self, name):
        return np.dtype(name)

    @staticmethod
    def empty(shape, dtype, device):
        return OnDevice(np.full(shape, 0x5a, dtype), device)

    @staticmethod
    def zeros(shape, dtype, device):
        return OnDevice(np.zeros(shape, dtype), device)

    @staticmethod
    def stack(arrays):
        return OnDevice(np.stack([one.source for one in arrays]))


class OnDevice:
    """Says that it is on a CUDA device; remembers for which streams it was made ready."""
    streams = []

    def __init__(self, source, device=0, view=False):
        self.source, self.device = source if view else aligned(source), device
        self.shape, self.ndim, self.dtype = source.shape, source.ndim, source.dtype

    def __setitem__(self, at, value):
        self.source[at] = value

    def __array_namespace__(self):
        return Namespace()

    def __dlpack_device__(self):
        return 2, self.device

    def __dlpack__(self, stream=None, max_version=None, dl_device=None, copy=None):
        new = int(np.__version__.split(".")[0]) >= 2
        capsule = self.source.__dlpack__(max_version=max_version) if new else self.source.__dlpack__()
        if dl_device is not None:
            return capsule
        OnDevice.streams.append(stream)
        name = b"dltensor_versioned" if fm._layouts._is_valid(capsule, b"dltensor_versioned") else b"dltensor"
        at = fm._layouts.capsule_pointer(capsule, name) + (32 if name.endswith(b"versioned") else 0)
        ctypes.cast(at + 8, ctypes.POINTER(ctypes.c_int32))[0] = 2
        return capsule


def made_up_torch():
    """PyTorch as far as it is used, with tensors on a device that is none."""
    torch = types.ModuleType("torch")

    class Tensor:
        is_cuda, is_cpu, is_quantized, layout = True, False, False, "strided"
        device = types.SimpleNamespace(type="cuda", index=0)

        def __init__(self, source, view=False):
            self.source = source if view else aligned(source)
            self.shape, self.ndim, self.dtype = source.shape, source.ndim, f"torch.{source.dtype.name}"

        def __setitem__(self, at, value):
            self.source[at] = value

        def is_neg(self):
            return False

        def stride(self):
            return tuple(stride // self.source.itemsize for stride in self.source.strides)

        def data_ptr(self):
            return self.source.ctypes.data

        def cpu(self):
            tensor = Tensor(self.source)
            tensor.device = types.SimpleNamespace(type="cpu", index=None)
            tensor.is_cuda, tensor.is_cpu = False, True
            return tensor

    torch.Tensor, torch.strided = Tensor, "strided"
    torch.bool, torch.uint8, torch.int64, torch.int32, torch.float32, torch.float16 = (np.dtype(name)
                                                                                for name in ("bool", "uint8", "int64", "int32", "float32", "float16"))
    torch.empty = lambda shape, dtype, device=None: Tensor(np.full(shape, 0x5a, dtype))
    torch.zeros = lambda shape, dtype, device: Tensor(np.zeros(shape, dtype))
    torch.stack = lambda tensors: Tensor(np.stack([one.source for one in tensors]))
    torch.cuda = types.SimpleNamespace(current_stream=lambda device: types.SimpleNamespace(cuda_stream=STREAM))
    return torch


@contextlib.contextmanager
def kinds():
    """Yields (name, make, host) of kinds of arrays."""
    if not fake:
        yield [("PyTorch", lambda array: torch.from_numpy(np.ascontiguousarray(array)).cuda(), lambda tensor: tensor.cpu().numpy())]
        return
    sys.modules["torch"] = made_up_torch()
    yield [("PyTorch", sys.modules["torch"].Tensor, lambda tensor: tensor.source), ("DLPack", OnDevice, lambda array: array.source)]
    del sys.modules["torch"]


# ---- The same as on the CPU --------------------------------------------------------------------------
SHAPE = (3, 24, 31)
MASKS = random.choice([0, 3, 7, 149], (3, 4, 4)).repeat(6, 1).repeat(8, 2)[:, :, :31].astype(np.uint8)
MASKS[:, :2] = 255
LOGITS = random.normal(0, 3, (3, 150, 6, 8)).astype(np.float32)
LABELS = fm.Labels.from_classes(150, [255])
QUERIES = random.normal(0, 3, (3, 20, 151)).astype(np.float32), random.normal(0, 5, (3, 20, 6, 8)).astype(np.float32)
LOSSES = fm.NetworkLoss(LABELS).loss_map(LOGITS, MASKS)
STATS = fm.ClassStats(LABELS, histogram=4).add(MASKS, LOSSES)
FILTER = fm.NoiseFilter(STATS, tolerance=0.9)
WANT = FILTER.apply(MASKS, LOSSES)
REPORT = FILTER.report


def waits():
    counts = (ctypes.c_int64 * 6)()
    driver.fake_cuda_read(ctypes.byref(counts))
    return counts[0], counts[2], counts[3]


def check_kind(name, make, host):
    masks, losses = make(MASKS), make(LOSSES)
    got = FILTER.apply(masks, losses)
    tap.ok(type(got) is type(masks) and (host(got) == WANT).all(), f"{name}: filtered as on the CPU, where the masks are")
    if fake:
        expected = STREAM if name == "PyTorch" else None
        driver.fake_cuda_stream.restype = ctypes.c_void_p
        tap.equal(driver.fake_cuda_stream(), expected, f"{name}: on the current stream")
        before = waits()
        FILTER.apply(masks, losses)
        tap.equal(waits(), before, f"{name}: nothing waits, is copied or allocated by the library")
    report = FILTER.report
    tap.ok((report.valid, report.dropped) == (REPORT.valid, REPORT.dropped) and (report.class_dropped == REPORT.class_dropped).all(),
           f"{name}: the report", report)
    tap.ok((host(FILTER.apply(make(MASKS[1]), make(LOSSES[1]), dtype="int64")) == WANT[1]).all(), f"{name}: one mask, of another type")
    tap.ok((host(FILTER.apply(make(MASKS[:, None]), make(LOSSES))) == WANT[:, None]).all(), f"{name}: masks [N, 1, H, W]")
    inside = make(MASKS)
    tap.ok(FILTER.apply(inside, losses, out=inside) is inside and (host(inside) == WANT).all(), f"{name}: in place")
    weights = host(FILTER.weights(masks, losses, dropped=0.25, dtype="float16"))
    tap.ok((weights == FILTER.weights(MASKS, LOSSES, dropped=0.25, dtype="float16")).all(), f"{name}: weights")
    for chosen in ({"kind": "ramp", "width": 0.3}, {"kind": "power", "gamma": 1.5, "dropped": 0.1}):
        weights = host(FILTER.weights(masks, losses, **chosen))
        tap.ok((weights == FILTER.weights(MASKS, LOSSES, **chosen)).all() and len(np.unique(weights)) > 3, f"{name}: weights, {chosen}")
    floor = fm.NoiseFilter(STATS, tolerance=0.1, min_kept_share=0.6)
    tap.ok((host(floor.apply(masks, losses)) == floor.apply(MASKS, LOSSES)).all() and floor.report.dropped > 0, f"{name}: a floor")
    for given in (MASKS, MASKS[1]):
        shown = host(fm.NetworkLoss(LABELS).class_map(make(LOGITS if given is MASKS else LOGITS[1]), make(given)))
        want = fm.NetworkLoss(LABELS).class_map(LOGITS if given is MASKS else LOGITS[1], given)
        tap.ok(shown.dtype == np.int32 and (shown == want).all(), f"{name}: classes shown, {given.ndim} axes")
    stats = fm.ClassStats(LABELS, histogram=4).add(masks, losses)
    tap.ok((stats.state == STATS.state).all() and stats.images == 3, f"{name}: statistics to the bit")
    stats.add(MASKS, LOSSES).add(masks, losses)
    tap.equal(stats.images, 9, f"{name}: on the CPU and the device, by turns")
    tap.ok((fm.NoiseFilter(fm.ClassStats(LABELS).add(masks, losses)).thresholds == fm.NoiseFilter(STATS).thresholds).all(),
           f"{name}: a filter of statistics that are on the device")
    tap.equal((fm.ClassStats(LABELS).add(masks, losses) + fm.ClassStats(LABELS).add(masks, losses)).images, 6, f"{name}: merged")
    for given in (LABELS, None):
        found = host(fm.loss_map(make(LOGITS), masks, labels=given))
        tap.ok(found.dtype == np.float32 and np.abs(found - LOSSES).max() < 1e-5, f"{name}: losses, labels {given}")
    tap.ok(np.abs(host(fm.loss_map(make(LOGITS[2]), make(MASKS[2]))) - LOSSES[2]).max() < 1e-5, f"{name}: of one image")
    queries = fm.NetworkLoss(LABELS, "queries").loss_map(QUERIES, MASKS)
    found = host(fm.loss_map(tuple(make(one) for one in QUERIES), masks, kind="queries", labels=LABELS))
    tap.ok(np.abs(found - queries).max() < 1e-5, f"{name}: losses of queries", np.abs(found - queries).max())
    found = host(fm.loss_map(tuple(make(one[1]) for one in QUERIES), make(MASKS[1]), kind="queries", labels=LABELS))
    tap.ok(np.abs(found - queries[1]).max() < 1e-5, f"{name}: of queries of one image")
    fm.check()


def ranked():
    return fm.ClassStats(LABELS, histogram=4, ranks=STATS).add(MASKS, LOSSES)


def check_scores(name, make, host):
    """What the policies "strata" and "paired" compare, with references of all sorts."""
    masks, losses, scores = make(MASKS), make(LOSSES), ranked()
    tap.ok((fm.ClassStats(LABELS, histogram=4, ranks=STATS).add(masks, losses).state == scores.state).all(), f"{name}: statistics of scores to the bit")
    real, small = LOSSES[::-1] * np.float32(0.7), np.ascontiguousarray(LOSSES[:, ::2, ::3])
    codes = [scores.codes(MASKS[i], real[i]) for i in range(3)]
    on_device = [fm.ReferenceCodes(make(one.codes), one.ranks) for one in codes]
    siblings = np.stack([LOSSES * np.float32(0.5), LOSSES + 1], 1)
    strict = {"policy": "paired", "real_share": 0.3}
    loose = {**strict, "without_reference": "strata"}
    for what, options, given, there in (
            ("strata", {"policy": "strata", "real_share": 0.3}, {}, {}),
            ("paired", strict, {"reference": real}, {"reference": make(real)}),
            ("a list of references", strict, {"reference": list(real)}, {"reference": [make(one) for one in real]}),
            ("smaller references", strict, {"reference": small}, {"reference": make(small)}),
            ("some references", loose, {"reference": [None, real[1], None]}, {"reference": [None, make(real[1]), None]}),
            ("no reference", loose, {"reference": [None] * 3}, {"reference": [None] * 3}),
            ("codes", strict, {"reference": codes}, {"reference": on_device}),
            ("siblings", strict, {"reference": real, "siblings": siblings}, {"reference": make(real), "siblings": make(siblings)}),
            ("lists of siblings", strict, {"reference": real, "siblings": siblings},
             {"reference": make(real), "siblings": [[make(one) for one in of] for of in siblings]})):
        noise = fm.NoiseFilter(scores, **options)
        want, wanted = noise.apply(MASKS, LOSSES, **given), noise.report
        found = host(noise.apply(masks, losses, **there))
        tap.ok((found == want).all() and (noise.report.valid, noise.report.dropped) == (wanted.valid, wanted.dropped) and wanted.dropped,
               f"{name}: {what}", (found != want).sum())
    noise = fm.NoiseFilter(scores, min_kept_share=0.9, **strict)
    want = noise.weights(MASKS[1], LOSSES[1], reference=real[1], siblings=list(siblings[1]), kind="ramp")
    found = host(noise.weights(make(MASKS[1]), make(LOSSES[1]), reference=make(real[1]), siblings=[make(one) for one in siblings[1]], kind="ramp"))
    tap.ok((found == want).all() and len(np.unique(want)) > 3, f"{name}: weights of one mask, a floor, siblings")
    for what, kind, given, says in (
            ("no reference", fm.ArgumentError, {}, ("reference is not set",)),
            ("too few references", fm.ShapeError, {"reference": [make(real[0])]}, ("list of 1", "3 masks")),
            ("references of two sizes", fm.ShapeError, {"reference": [make(real[0]), make(small[1]), make(real[2])]}, ("one shape",)),
            ("losses and codes", fm.MismatchError, {"reference": [make(real[0]), on_device[1], on_device[2]]}, ("codes of the same ranks",)),
            ("siblings of one mask", fm.ShapeError, {"reference": make(real), "siblings": make(siblings[0])}, ("[N, S, H, W]",)),
            ("siblings alone", fm.ArgumentError, {"siblings": make(siblings)}, ("reference is not set",))):
        tap.ok(kit.raises(kind, lambda: fm.NoiseFilter(scores, **strict).apply(masks, losses, **given), *says), f"{name}: {what}")  # noqa: B023
    real[1, 5, 7], noise = np.nan, fm.NoiseFilter(scores, **strict)
    noise.apply(masks, losses, reference=make(real))
    tap.ok(kit.raises(fm.LossError, lambda: noise.report, "image 1 of 3", "reference", "x 7, y 5"), f"{name}: a bad reference")


def check_bad(name, make, host):
    bad = MASKS.copy()
    bad[1, 5, 7] = 200
    got = FILTER.apply(make(bad), make(LOSSES))
    tap.ok((host(got)[1] == 255).all() and (host(got)[[0, 2]] == WANT[[0, 2]]).all(), f"{name}: a bad image is ignored as a whole")
    for _ in range(2):
        tap.ok(kit.raises(fm.LabelError, lambda: FILTER.report, "image 1 of 3", "200", "x 7, y 5"), f"{name}: the report says so")
    FILTER.apply(make(MASKS), make(LOSSES))
    tap.equal(FILTER.report.valid, REPORT.valid, f"{name}: not that of the next call")
    stats = fm.ClassStats(LABELS).add(make(bad), make(LOSSES))
    tap.ok(kit.raises(fm.LabelError, lambda: stats.images, "image 1 of 3", "200"), f"{name}: who reads statistics hears of it")
    tap.equal(stats.images, 2, f"{name}: the others were added")
    logits = LOGITS.copy()
    logits[2, 7, 3, 3] = np.nan
    found = host(fm.loss_map(make(logits), make(MASKS), labels=LABELS))
    tap.ok(not found[2].any() and found[0].any(), f"{name}: losses of a bad output are 0")
    tap.ok(kit.raises(fm.LossError, fm.check, "image 2 of 3", "channel 7"), f"{name}: check() says so")
    fm.check()


def check_refused(name, make, host):
    masks, losses = make(MASKS), make(LOSSES)
    for what, kind, work, says in (
            ("losses on the CPU", fm.UnsupportedError, lambda: FILTER.apply(masks, LOSSES), ("loss", "not on a CUDA device")),
            ("a reference", fm.ArgumentError, lambda: FILTER.apply(masks, losses, reference=losses), ("reference is set", "the score is the loss")),
            ("another size", fm.ShapeError, lambda: FILTER.apply(masks, make(LOSSES[:2])), ("3 images", "2 of")),
            ("one row", fm.ShapeError, lambda: FILTER.apply(make(MASKS[0, 0]), losses), ("[31]",)),
            ("classes shown by queries", fm.UnsupportedError, lambda: fm.NetworkLoss(LABELS, "queries").class_map(
                tuple(make(one) for one in QUERIES), masks), ("fm_network_class_map",)),
            ("other calls", fm.UnsupportedError, lambda: fm.window_mean(masks, losses, 2), (".cpu()",))):
        tap.ok(kit.raises(kind, work, *says), f"{name}: {what}")
    tap.ok(fm.check() is None, f"{name}: there is no status of a call that was refused")
    if name == "DLPack":
        wide = OnDevice(np.lib.stride_tricks.as_strided(LOSSES, SHAPE, (0, *LOSSES.strides[1:])), view=True)
        tap.ok(kit.raises(fm.UnsupportedError, lambda: FILTER.apply(masks, wide), "broadcast"), "DLPack: a broadcast view")
        tap.ok(set(OnDevice.streams) == {1}, "DLPack: made ready for the default stream", set(OnDevice.streams))


with kinds() as found:
    for one in found:
        check_kind(*one)
        check_scores(*one)
        check_bad(*one)
        check_refused(*one)


# ---- Without the library -----------------------------------------------------------------------------------
if fake:
    CODE = """
import sys
sys.path[:0] = sys.argv[1].split(chr(58))
import freemask as fm
class OnDevice:
    def __dlpack_device__(self):
        return 2, 0
    def __dlpack__(self, **options):
        raise AssertionError
    shape, ndim, dtype = (2, 2), 2, "uint8"
try:
    fm.ClassStats("camvid").add(OnDevice(), OnDevice())
except fm.UnsupportedError as error:
    print(error)
"""
    for name, changed, says in (("no library", {"FREEMASK_CUDA_LIBRARY": "/nowhere/libfreemask-cuda.so"}, "/nowhere"),
                                ("no driver", {"LD_LIBRARY_PATH": ""}, "NVIDIA driver")):
        env = {**os.environ, **changed}
        done = subprocess.run([sys.executable, "-c", CODE, os.pathsep.join(sys.path)], capture_output=True, text=True, check=False, env=env)
        refused = ".cpu()" in done.stdout and says in done.stdout
        tap.ok(refused or (name == "no driver" and "AssertionError" in done.stderr), f"{name}: refused, with the reason",
               done.stdout + done.stderr)  # a machine may have a driver
tap.done()
