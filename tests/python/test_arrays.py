#!/usr/bin/env python3
# python/test_arrays.py - arrays of every library, without copies.
# SPDX-License-Identifier: MIT
"""What PyTorch and JAX need is tried where they are installed; ./dev python installs PyTorch."""
import array
import ctypes
import gc
import importlib
import signal
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import kit
import tap

tap.need("numpy")
import freemask as fm  # noqa: E402
import numpy as np  # noqa: E402

rng = np.random.default_rng(1)
SHAPE = (23, 31)
MASK = rng.integers(0, 12, SHAPE).astype(np.uint8)
LOSS = rng.gamma(1.5, 0.7, SHAPE).astype(np.float32)
LOSS = LOSS.astype(np.float16).astype(np.float32)  # the same numbers in every type but bfloat16
STATE = fm.ClassStats("camvid").add(MASK, LOSS).state


def state(mask, loss):
    return fm.ClassStats("camvid").add(mask, loss).state


def same(mask, loss, name):
    return tap.ok(np.array_equal(state(mask, loss), STATE), name)


# ---- NumPy ----------------------------------------------------------------------------------------------
for dtype in ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"):
    same(MASK.astype(dtype), LOSS, f"masks of {dtype}")
    same(MASK.astype(">" + dtype), LOSS, f"masks of big-endian {dtype}")
for dtype in ("f2", "f4", "f8", ">f2", ">f4", ">f8"):
    same(MASK, LOSS.astype(dtype), f"losses of {dtype}")
same(np.asfortranarray(MASK), np.asfortranarray(LOSS), "Fortran order")
same(MASK[::-1, ::-1][::-1, ::-1], np.ascontiguousarray(LOSS[::-1])[::-1], "negative strides")
big = np.zeros((46, 93), np.float32)
big[::2, ::3] = LOSS
same(MASK, big[::2, ::3], "a part of a larger array")
raw = np.zeros(LOSS.nbytes + 1, np.uint8)
raw[1:] = LOSS.view(np.uint8).ravel()
same(MASK, raw[1:].view(np.float32).reshape(SHAPE), "unaligned")
frozen = LOSS.copy()
frozen.setflags(write=False)
same(MASK, frozen, "read-only")
same(fm.plane(MASK[None]), fm.plane(LOSS[None, None]), "leading dimensions of one")
row = LOSS[:1]
tap.ok(np.array_equal(state(MASK, np.broadcast_to(row, SHAPE)), state(MASK, np.repeat(row, SHAPE[0], 0))), "a broadcast view is copied")
tap.ok(np.array_equal(state(np.broadcast_to(MASK[:, :1], SHAPE), LOSS), state(np.repeat(MASK[:, :1], SHAPE[1], 1), LOSS)),
       "a broadcast mask is copied")
two = fm.NoiseFilter(fm.ClassStats(fm.Labels.from_classes(2)).add(MASK > 5, LOSS))
tap.ok(two.apply(MASK > 5, LOSS).dtype == np.uint8, "a mask of booleans")
noise = fm.NoiseFilter(fm.ClassStats("camvid").add(MASK, LOSS))
kept = noise.apply(MASK, LOSS)
target = np.zeros((SHAPE[1], SHAPE[0]), np.int32).T
tap.ok(np.array_equal(noise.apply(MASK, LOSS, out=target), kept), "into a transposed array")
for order in ("C", "F"):
    for dtype in ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", ">u2"):
        made = noise.apply(MASK.astype(dtype, order=order), LOSS)
        tap.ok(np.array_equal(made, kept) and made.dtype == np.dtype(dtype).newbyteorder("="), f"a new array of {dtype}, order {order}", made.dtype)
tap.ok(np.array_equal(noise.apply(MASK, LOSS, dtype="int64"), kept) and noise.apply(MASK, LOSS, dtype="int64").dtype == np.int64,
       "a new array of the type that is asked for")
with warnings.catch_warnings():
    warnings.simplefilter("error")
    warned = np.broadcast_arrays(MASK, np.zeros((1, 1), np.uint8))[0]  # NumPy warns when somebody may write to it
    tap.ok(np.array_equal(noise.apply(warned, LOSS), kept), "an array of which NumPy warns that it may be shared")
    warned = np.broadcast_arrays(MASK[:1], MASK)[0]
    tap.ok(np.array_equal(noise.apply(warned, LOSS), noise.apply(warned.copy(), LOSS)), "and one that is")

# ---- What is written to ---------------------------------------------------------------------------------
before, fixed = MASK.copy(), MASK.copy()
fixed.setflags(write=False)
backing = bytes(MASK)
for says, wrong in (("read-only", fixed), ("read-only", np.frombuffer(backing, np.uint8).reshape(SHAPE)), ("read-only", memoryview(backing).cast("B", SHAPE)),
                    ("share memory", np.lib.stride_tricks.as_strided(MASK, SHAPE, (0, 1))), ("byte order", MASK.astype(">u2"))):
    tap.ok(kit.raises(fm.ArgumentError, lambda wrong=wrong: noise.apply(MASK, LOSS, out=wrong), says), f"not written to: {says}, {type(wrong).__name__}")
tap.ok(kit.raises(fm.ArgumentError, lambda: noise.apply(fixed, LOSS, out=fixed), "read-only"), "not written to: the mask itself, read-only")
tap.ok(kit.raises(fm.ArgumentError, lambda: noise.apply(MASK, LOSS, out=fm.plane(fixed)), "read-only"), "not written to: a view of a read-only array")
tap.ok(np.array_equal(fixed, before) and backing == before.tobytes() and np.array_equal(MASK, before), "and they have not been")
fixed = np.zeros(SHAPE, np.float32)
fixed.setflags(write=False)
for says, work in (("weights", lambda: noise.weights(MASK, LOSS, out=fixed)), ("window_mean", lambda: fm.window_mean(MASK, LOSS, 2, out=fixed)),
                   ("loss_map", lambda: fm.NetworkLoss("camvid").loss_map(np.zeros((11, 4, 4), np.float32), MASK, out=fixed)),
                   ("to_classes", lambda: fm.Labels("camvid").to_classes(MASK, out=np.broadcast_to(MASK[:1], SHAPE)))):
    tap.ok(kit.raises(fm.ArgumentError, work), f"not written to by {says}")
tap.ok(not fixed.any(), "nor has that been")
aside = MASK.copy()
tap.ok(noise.apply(aside, LOSS, out=aside) is aside and np.array_equal(aside, kept), "into the mask itself")
tap.equal(noise.apply(MASK[:1, :1], LOSS[:1, :1]).shape, (1, 1), "arrays of one pixel")
for shape in ((0, 5), (5, 0)):
    tap.ok(kit.raises(fm.ArgumentError, lambda shape=shape: noise.apply(np.zeros(shape, np.uint8), np.zeros(shape, np.float32)), "no pixel"),
           f"refused: arrays of {shape}")


class Derived(np.ndarray):
    pass


same(MASK.view(Derived), LOSS.view(Derived), "a class derived of NumPy's")
held = fm.plane(LOSS + 0)
gc.collect()
junk = [np.full(SHAPE, 9e9, np.float32) for _ in range(20)]
same(MASK, held, "plane(a + 0) keeps its array alive")
tap.equal((held.shape, held.dtype), (SHAPE, "float32"), "a plane's shape and type")
for value, says in ((LOSS.astype(complex), "complex128"), (np.zeros(SHAPE, "U3"), "uint8"), ("text", "no array"), ([[1, 2]], "no array"),
                    (None, "no array")):
    tap.ok(kit.raises(TypeError, lambda value=value: fm.plane(value), says), f"refused: {type(value).__name__} {says}")
tap.ok(kit.raises(fm.ShapeError, lambda: fm.plane(LOSS.ravel()), "[713]"), "refused: one dimension")
tap.ok(kit.raises(fm.ShapeError, lambda: state(MASK, LOSS[:5]), "31x23"), "refused: another size")

# ---- Buffers, __array_interface__, DLPack ---------------------------------------------------------------
same(memoryview(MASK), memoryview(LOSS), "memoryviews")
same(memoryview(bytes(MASK)).cast("B", SHAPE), memoryview(array.array("f", LOSS.ravel())).cast("B").cast("f", SHAPE), "bytes and array.array")
same((ctypes.c_uint8 * SHAPE[1] * SHAPE[0]).from_buffer_copy(MASK), (ctypes.c_float * SHAPE[1] * SHAPE[0]).from_buffer_copy(LOSS), "ctypes arrays")


class Interface:
    def __init__(self, source):
        self.source, self.__array_interface__ = source, source.__array_interface__


same(Interface(MASK[:, ::-1][:, ::-1]), Interface(np.asfortranarray(LOSS)), "__array_interface__")


class Packed:
    """DLPack of NumPy's arrays, behind another type; `old`: a producer from before version 1.0."""

    def __init__(self, source, old=False, device=(1, 0)):
        self.source, self.old, self.device = source, old, device

    def __dlpack_device__(self):
        return self.device

    def __dlpack__(self, **options):
        if self.old and options:
            raise TypeError("unexpected keyword argument")
        return self.source.__dlpack__(**options) if new_numpy else self.source.__dlpack__()


new_numpy = int(np.__version__.split(".")[0]) >= 2
same(Packed(MASK), Packed(LOSS), "DLPack")
same(Packed(MASK, old=True), Packed(np.asfortranarray(LOSS), old=True), "DLPack from before 1.0")
if new_numpy:
    sealed = MASK.copy()
    sealed.setflags(write=False)
    tap.ok(kit.raises(fm.ArgumentError, lambda: noise.apply(MASK, LOSS, out=Packed(sealed)), "read-only") and np.array_equal(sealed, MASK),
           "not written to: what DLPack says is read-only")
sealed = Interface(MASK)
sealed.__array_interface__ = {**MASK.__array_interface__, "data": (MASK.ctypes.data, True)}
tap.ok(kit.raises(fm.ArgumentError, lambda: noise.apply(MASK, LOSS, out=sealed), "read-only"), "not written to: what __array_interface__ says is")
tap.ok(kit.raises(TypeError, lambda: fm.plane(Packed(LOSS, device=(2, 0))), "2:0", ".cpu()"), "a tensor on a GPU, by DLPack")


class OnGpu:
    __cuda_array_interface__ = {}


tap.ok(kit.raises(TypeError, lambda: fm.plane(OnGpu()), "GPU", ".cpu()"), "an array on a GPU")

# ---- Without NumPy ----------------------------------------------------------------------------------------
PLAIN = """
import array, sys
sys.modules["numpy"] = None
import freemask as fm
mask = memoryview(bytes(range(12))).cast("B", (3, 4))
loss = memoryview(array.array("f", [float(i) for i in range(12)])).cast("B").cast("f", (3, 4))
stats = fm.ClassStats("camvid").add(mask, loss)
noise = fm.NoiseFilter(stats, tolerance=0.5)
clean = noise.apply(mask, loss)
print(clean.tolist(), list(stats.pixels), noise.report.dropped, noise.weights(mask, loss).tolist()[0], len(stats.state))
stats.state = stats.state
print(list(noise.thresholds)[:2], fm.Hardness(stats).score(mask) > 0, fm.plan(["a"], [1.0])[0].count)
"""
ran = subprocess.run([sys.executable, "-c", PLAIN], capture_output=True, text=True)
tap.ok(ran.returncode == 0 and ran.stdout.startswith("[[0, 11, 11, 11], [11, 11, 11, 11], [11, 11, 11, 11]] [1, 1, 1,"), "without NumPy",
       ran.stdout + ran.stderr)

# ---- The short ways' memory -----------------------------------------------------------------------------
tap.ok(kit.raises(fm.ShapeError, lambda: noise.apply(MASK, LOSS, out=np.zeros((2, 2), np.uint8))), "refused: out of another shape")
tap.ok(kit.raises(fm.ShapeError, lambda: noise.apply(MASK, LOSS.T)), "refused: losses of another shape")
tap.ok(np.array_equal(noise.apply(MASK, LOSS, out=np.zeros(SHAPE, np.uint16)), kept), "out of another type")
parts = np.zeros((2 * SHAPE[0], 2 * SHAPE[1]), np.int16)
noise.apply(MASK, LOSS, out=parts[::2, ::-2])
tap.ok(np.array_equal(parts[::2, ::-2], kept) and not parts[1::2].any() and not parts[:, ::2].any(), "into a part of a larger array, backwards")
other, wrong = noise.apply(MASK[::-1], LOSS), []


def interrupt(number, frame):
    """Calls in the middle of calls, as finalizers and handlers of signals do them."""
    wrong.extend([1] if not np.array_equal(noise.apply(MASK[::-1], LOSS), other) else [])
    kit.raises(fm.ShapeError, lambda: noise.apply(MASK, LOSS[:2]))


signal.signal(signal.SIGALRM, interrupt)
signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
right = all(np.array_equal(noise.apply(MASK, LOSS), kept) for _ in range(3000))
signal.setitimer(signal.ITIMER_REAL, 0)
tap.ok(right and not wrong, "calls inside calls do not write to each other's views")


def each_its_own(i):
    mask, loss = np.roll(MASK, i, 0), np.roll(LOSS, i, 0)
    return all(np.array_equal(noise.apply(mask, loss), np.roll(kept, i, 0)) for _ in range(500))


with ThreadPoolExecutor(4) as pool:
    tap.ok(all(pool.map(each_its_own, range(8))), "nor do those of threads")

# ---- Memory -----------------------------------------------------------------------------------------------


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


small_mask, small_loss, small_out = MASK[:2, :2].copy(), LOSS[:2, :2].copy(), MASK[:2, :2].copy()
counting = fm.ClassStats("camvid")


def many(count):
    for _ in range(count):
        counting.add(small_mask, small_loss)
        noise.apply(small_mask, small_loss, out=small_out)
        noise.apply(Packed(small_mask), Packed(small_loss))
        fm.plane(memoryview(small_loss))


many(2000)
before = resident()
many(20000)
tap.ok(resident() - before < 2 << 20, "80,000 calls leave no memory behind", f"{resident() - before} bytes")

# ---- PyTorch, JAX ---------------------------------------------------------------------------------------------


def has(module):
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


torch = has("torch")
if torch is None:
    tap.skip("tensors", "PyTorch is not installed (./dev python installs it)", excused=True)
else:
    mask, loss = torch.from_numpy(MASK.copy()), torch.from_numpy(LOSS.copy())
    same(mask, loss, "tensors")
    same(mask.long(), loss.double(), "int64 and float64 tensors")
    same(mask.t().contiguous().t(), loss.half().t().contiguous().t(), "transposed tensors, float16")
    brain = torch.from_numpy(np.round(LOSS * 4) / 4).bfloat16()
    tap.ok(np.array_equal(state(mask, brain.t().contiguous().t()), state(MASK, brain.float().numpy())), "bfloat16, transposed")
    same(mask, loss.clone().requires_grad_(True), "a tensor with a gradient")
    tap.ok(np.array_equal(state(mask, loss[:1].expand(SHAPE)), state(MASK, np.repeat(LOSS[:1], SHAPE[0], 0))), "an expanded tensor is copied")
    out = noise.apply(mask, loss)
    tap.ok(isinstance(out, torch.Tensor) and out.dtype == torch.uint8 and np.array_equal(out.numpy(), kept), "a tensor for a tensor")
    brains, halves = torch.from_numpy(np.round(LOSS * 4) / 4), {"float16": "half", "bfloat16": "bfloat16", "float32": "float", "float64": "double"}
    want = noise.apply(MASK, brains.numpy())
    for name, to in halves.items():
        values = getattr(brains, to)()
        for says, one in (("packed", values), ("transposed", values.t().contiguous().t()), ("of every second column", values.repeat_interleave(2, 1)[:, ::2]),
                          ("with a gradient", values.clone().requires_grad_(True)), ("a parameter", torch.nn.Parameter(values.clone())),
                          ("negated by a bit", torch._neg_view(-values))):
            tap.ok(np.array_equal(noise.apply(mask, one).numpy(), want), f"losses of {name}, {says}")
    for name in ("uint8", "int8", "int16", "int32", "int64"):
        one = mask.to(getattr(torch, name))
        for says, labels in (("packed", one), ("transposed", one.t().contiguous().t()), ("expanded", one[:, :1].expand(SHAPE))):
            out = noise.apply(labels, loss)
            tap.ok(out.dtype == labels.dtype and out.is_contiguous() and np.array_equal(out.numpy(), noise.apply(labels.numpy().copy(), LOSS)),
                   f"a new tensor for masks of {name}, {says}")
    out = two.apply(mask > 5, loss)
    tap.ok(out.dtype == torch.uint8 and np.array_equal(out.numpy(), two.apply(MASK > 5, LOSS)), "a new tensor for a mask of booleans")
    tap.ok(noise.apply(mask, loss, dtype="int64").dtype == torch.int64, "a new tensor of the type that is asked for")
    tap.ok(kit.raises(fm.ArgumentError, lambda: noise.apply(mask[:0], loss[:0]), "no pixel"), "refused: an empty tensor")
    into = torch.zeros(SHAPE[1], SHAPE[0], dtype=torch.int32).t()
    noise.apply(mask, loss, out=into)
    tap.ok(np.array_equal(into.numpy(), kept), "into a transposed tensor")
    aside = mask.clone()
    tap.ok(noise.apply(aside, loss, out=aside) is aside and np.array_equal(aside.numpy(), kept), "into the mask itself")
    if hasattr(torch.device, "__enter__"):  # since PyTorch 2.0
        with torch.device("meta"):
            tap.ok(np.array_equal(noise.apply(mask, loss).numpy(), kept) and noise.weights(mask, loss).device.type == "cpu",
                   "new tensors are on the CPU, whatever device is the default")
    for says, wrong in (("expanded", mask[:1].expand(SHAPE)), ("negated by a bit", torch._neg_view(mask.long()))):
        tap.ok(kit.raises(fm.ArgumentError, lambda wrong=wrong: noise.apply(mask, loss, out=wrong), "share memory"), f"not written to: a tensor that is {says}")
    tap.ok(kit.raises(TypeError, lambda: noise.apply(mask, loss.to_sparse()), "to_dense"), "a sparse tensor to filter by")
    tap.ok(kit.raises(TypeError, lambda: noise.apply(mask.to("meta"), loss), "meta", "no values"), "a mask that has no values")
    tap.ok(kit.raises(TypeError, lambda: noise.apply(mask, loss.to(torch.complex64)), "complex64"), "complex losses")
    tap.ok(kit.raises(fm.ShapeError, lambda: noise.apply(mask, loss[:, :5])), "tensors of different sizes")
    weights = noise.weights(mask, loss, dtype="bfloat16")
    tap.ok(weights.dtype == torch.bfloat16 and np.array_equal(weights.float().numpy(), noise.weights(MASK, LOSS)), "weights in bfloat16")
    logits = torch.randn(2, 11, 12, 16)
    target = torch.randint(0, 11, (2, 23, 31))
    ours = fm.loss_map(logits, target)
    theirs = torch.nn.functional.cross_entropy(torch.nn.functional.interpolate(logits, (23, 31), mode="bilinear", align_corners=False),
                                               target, reduction="none")
    tap.ok(isinstance(ours, torch.Tensor) and (ours - theirs).abs().max() < 1e-5, "loss_map of a batch is PyTorch's cross-entropy")
    tap.ok(kit.raises(TypeError, lambda: fm.plane(torch.zeros(SHAPE).to_sparse()), "to_dense"), "a sparse tensor")
    tap.ok(kit.raises(TypeError, lambda: fm.plane(torch.zeros(SHAPE, device="meta")), "meta"), "a tensor that is not on the CPU")
jax = has("jax")
if jax is None:
    tap.skip("arrays of JAX", "JAX is not installed", excused=True)
else:
    same(jax.numpy.asarray(MASK), jax.numpy.asarray(LOSS), "arrays of JAX")


# DLPack 1.3: functions of the type, in C; here of a producer that is made up.
class DLTensor(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device", ctypes.c_int32 * 2), ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8),
                ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16), ("shape", ctypes.POINTER(ctypes.c_int64)),
                ("strides", ctypes.POINTER(ctypes.c_int64)), ("byte_offset", ctypes.c_uint64)]


class ExchangeAPI(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32 * 2), ("previous", ctypes.c_void_p), ("managed", ctypes.c_void_p * 3),
                ("tensor_of", ctypes.c_void_p), ("stream", ctypes.c_void_p)]


@ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.POINTER(DLTensor))
def tensor_of(array, out):
    height, width = array.source.shape
    array.shape_of = (ctypes.c_int64 * 2)(width, height)
    array.strides_of = (ctypes.c_int64 * 2)(1, width)
    code, bits = {"uint8": (1, 8), "float32": (2, 32)}[array.source.dtype.name]
    out[0] = DLTensor(array.source.ctypes.data - 16, (array.device, 0), 2, code, bits, 1, array.shape_of, array.strides_of, 16)
    return 0


new_capsule = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)(("PyCapsule_New", ctypes.pythonapi))


def exchange(major, function, previous=None):
    return ExchangeAPI((major, 3), ctypes.addressof(previous) if previous else None, (None, None, None), function, None)


def exchanger(api):
    class Transposed:
        """An array whose axes are exchanged, which is asked for nothing but its type's functions."""
        __dlpack_c_exchange_api__ = new_capsule(ctypes.addressof(api), b"dlpack_exchange_api", None)

        def __init__(self, source, device=1):
            self.source, self.device = np.ascontiguousarray(source), device

        def __dlpack__(self, **options):
            return self.source.T.__dlpack__(**options)

        def __dlpack_device__(self):
            self.asked = True
            return 1, 0
    return Transposed


address = ctypes.cast(tensor_of, ctypes.c_void_p).value
first = exchange(1, address)
want = fm.ClassStats("camvid").add(np.ascontiguousarray(MASK.T), np.ascontiguousarray(LOSS.T)).state
for api, asked, says in ((first, False, "of the type"), (exchange(2, None, first), False, "of an older version that the type has, too"),
                         (exchange(2, address), True, "of a version that is not known: __dlpack__"),
                         (exchange(1, None), True, "that lacks this one: __dlpack__")):
    made = exchanger(api)
    mask, loss = made(MASK), made(LOSS)
    tap.ok((fm.ClassStats("camvid").add(mask, loss).state == want).all() and hasattr(mask, "asked") == asked,
           f"DLPack's exchange functions {says}")
made = exchanger(first)
tap.ok(kit.raises(fm.UnsupportedError, lambda: fm.plane(made(MASK, 2)), "device 2:0", ".cpu()"), "a GPU's array by its type's functions")
kept = fm.plane(made(MASK))
gc.collect()
tap.equal(kept.shape, SHAPE[::-1], "a view by its type's functions keeps the array")
if torch is not None and hasattr(torch.Tensor, "__dlpack_c_exchange_api__"):
    from freemask import _layouts
    tensor = torch.tensor(LOSS).to(torch.bfloat16).t()
    one, two = _layouts._from_dlpack(tensor), _layouts._from_torch(torch, tensor, False)
    tap.equal((one.address, one.dtype, one.shape, one.strides), (two.address, two.dtype, two.shape, two.strides),
              "PyTorch's exchange functions, bfloat16, transposed")

tap.done()
