#!/usr/bin/env python3
# python/test_unseen.py - what is said of arrays that are none, or whose pixels cannot be seen, by every call that takes one.
# SPDX-License-Identifier: MIT
"""Each has to end in an error of freemask, in one line that says what to do; never in another library's own words alone, and never
in pixels that are not there. What PyTorch and Pillow need is tried where they are installed; ./dev python installs PyTorch."""
import importlib

import kit
import tap

tap.need("numpy")
import freemask as fm  # noqa: E402
import numpy as np  # noqa: E402

SHAPE = (4, 5)
MASK, LOSS = np.arange(20, dtype=np.uint8).reshape(SHAPE) % 11, np.ones(SHAPE, np.float32)
LOGITS = np.zeros((11, *SHAPE), np.float32)
noise_stats = fm.ClassStats("camvid").add(MASK, LOSS)
noise = fm.NoiseFilter(noise_stats)
losses = fm.NetworkLoss("camvid")
CALLS = {
    "ClassStats.add of a mask": lambda x: fm.ClassStats("camvid").add(x, LOSS),
    "ClassStats.add of losses": lambda x: fm.ClassStats("camvid").add(MASK, x),
    "NoiseFilter.apply to a mask": lambda x: noise.apply(x, LOSS),
    "NoiseFilter.apply by losses": lambda x: noise.apply(MASK, x),
    "NoiseFilter.apply into": lambda x: noise.apply(MASK, LOSS, out=x),
    "NoiseFilter.weights": lambda x: noise.weights(x, LOSS),
    "loss_map of an output": lambda x: fm.loss_map(x, MASK, labels="camvid"),
    "loss_map, which counts the classes": lambda x: fm.loss_map(x, MASK),
    "loss_map of a mask": lambda x: fm.loss_map(LOGITS, x, labels="camvid"),
    "NetworkLoss.class_map": lambda x: losses.class_map(LOGITS, x),
    "boundary_strata": lambda x: fm.boundary_strata(x),
    "shape_complexity": lambda x: fm.shape_complexity("camvid", x),
    "plane": lambda x: fm.plane(x),
}


BATCHES = {
    "ClassStats.add of masks": lambda x: fm.ClassStats("camvid").add(x, np.ones((2, *SHAPE))),
    "ClassStats.add of losses": lambda x: fm.ClassStats("camvid").add(np.zeros((2, *SHAPE), np.uint8), x),
    "NoiseFilter.apply": lambda x: noise.apply(np.zeros((2, *SHAPE), np.uint8), x),
    "NetworkLoss.loss_map": lambda x: losses.loss_map(x, np.zeros((2, *SHAPE), np.uint8)),
    "Hardness.score": lambda x: fm.Hardness(noise_stats).score(x),
    "Labels.to_classes": lambda x: fm.Labels("camvid").to_classes(x),
}


def refused(make, says, *words, calls=CALLS):
    """Is it refused by all calls, in these words, or because of its shape where a call sees no further?"""
    wrong = []
    for name, call in calls.items():
        try:
            call(make())
            wrong.append(f"{name}: no error")
        except fm.Error as error:
            seen = str(error)
            if "\n" in seen or not (isinstance(error, fm.ShapeError) or all(word in seen for word in words)):
                wrong.append(f"{name}: {seen}")
        except Exception as error:
            wrong.append(f"{name}: {type(error).__name__}: {error}")
    try:
        fm.plane(make())
    except fm.UnsupportedError as error:
        wrong += [] if all(word in str(error) for word in words) else [str(error)]
    except fm.ShapeError as error:
        wrong += [str(error)] if words else []
    tap.ok(not wrong, f"refused by every call: {says}", "\n".join(wrong))


def has(module):
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


# ---- What is no array ---------------------------------------------------------------------------------------
BUT_INTO = {name: call for name, call in CALLS.items() if "into" not in name}
for says, thing in (("a list", [[1]]), ("a tuple", ((1,),)), ("a dict", {}), ("a name", "a.png"), ("a number", 1.0)):
    refused(lambda thing=thing: thing, says, type(thing).__name__, "is no array")
refused(lambda: None, "nothing", "NoneType is no array", calls=BUT_INTO)
for says, dtype in (("objects", object), ("text", "U3"), ("records", [("a", "f4")]), ("times", "M8[s]"), ("complex numbers", "c8")):
    refused(lambda dtype=dtype: np.zeros(SHAPE, dtype), f"NumPy's {says}", "not supported")
refused(lambda: np.ma.masked_array(np.zeros(SHAPE, np.uint8), np.eye(*SHAPE)), "an array that hides pixels", "4 of its pixels", ".filled(value)")
refused(lambda: np.ma.masked_array(np.zeros((2, *SHAPE), np.uint8), True), "a batch that hides pixels", ".filled(value)", calls=BATCHES)
bare, covered = np.zeros(SHAPE, np.uint8), np.ma.masked_array(np.zeros(SHAPE, np.uint8), False)
tap.equal(fm.ClassStats("camvid").add(covered, LOSS).pixels.tolist(), fm.ClassStats("camvid").add(bare, LOSS).pixels.tolist(), "one that hides none is read")


# ---- Of other libraries -------------------------------------------------------------------------------------
class Exports:
    """By DLPack: what it gives, or raises."""

    def __init__(self, gives, device=(1, 0)):
        self.gives, self.device = gives, device

    def __dlpack__(self, **options):
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives() if callable(self.gives) else self.gives

    def __dlpack_device__(self):
        if isinstance(self.device, Exception):
            raise self.device
        return self.device


class NoDevice:
    def __dlpack__(self, **options):
        return LOSS.__dlpack__()


class Interface:
    def __init__(self, about):
        self.__array_interface__ = about


for error in (BufferError("not\nnow"), RuntimeError("boom"), TypeError("boom"), NotImplementedError()):
    refused(lambda error=error: Exports(error), f"DLPack that raises {type(error).__name__}", "Exports", "__dlpack__", "numpy.asarray()")
for gives in (None, 5, b"", MASK):
    refused(lambda gives=gives: Exports(gives), f"DLPack that gives {type(gives).__name__}", "Exports", "__dlpack__", "numpy.asarray()")
if hasattr(np, "from_dlpack"):
    def taken():
        class Once(Exports):
            def __dlpack_device__(self):
                return 1, 0
        capsule = LOSS.__dlpack__()
        np.from_dlpack(Once(capsule))
        return Once(capsule)

    refused(taken, "a tensor of DLPack that somebody has taken", "somebody has taken")
for device in (RuntimeError("lost"), None, (1,), "cpu"):
    refused(lambda device=device: Exports(None, device), f"DLPack on a device {device!r}", "__dlpack_device__")
refused(NoDevice, "DLPack that tells no device", "NoDevice", "__dlpack_device__")
refused(lambda: Exports(None, (7, 0)), "a device that is not the CPU", "7:0")
for says, about in (("nothing", {}), ("no dict", 5), ("a wrong address", {"typestr": "<f4", "shape": SHAPE, "data": 5}),
                    ("too few bytes", {"typestr": "<f4", "shape": SHAPE, "data": b"123"}),
                    ("strides out of its bytes", {"typestr": "|u1", "shape": SHAPE, "data": bytes(20), "strides": (-5, 1)}),
                    ("an offset out of its bytes", {"typestr": "|u1", "shape": SHAPE, "data": bytes(20), "offset": 1})):
    refused(lambda about=about: Interface(about), f"__array_interface__ of {says}", "Interface", "__array_interface__")


class Full:
    def __dlpack_device__(self):
        return 1, 0

    def __dlpack__(self, **options):
        raise MemoryError


tap.ok(kit.raises(MemoryError, lambda: fm.plane(Full())), "lack of memory stays what it is")
try:
    fm.plane(Exports(RuntimeError("boom")))
except fm.UnsupportedError as error:
    tap.equal(repr(error.__cause__), "RuntimeError('boom')", "the library's own exception is the cause")

# ---- Bytes of another object, Pillow's images; booleans that are not 0 and 1 -------------------------------------
backwards = {"typestr": "|u1", "shape": SHAPE, "data": MASK.tobytes()[::-1], "strides": (-5, -1), "offset": 19}
tap.equal(noise.apply(Interface(backwards), LOSS).tolist(), noise.apply(MASK, LOSS).tolist(), "bytes of another object, from behind")
tap.ok(kit.raises(fm.ArgumentError, lambda: noise.apply(MASK, LOSS, out=Interface(backwards)), "read-only"), "which are not written to")
binary, odd = fm.Labels.from_classes(2), MASK % 2 == 1
pixels = fm.ClassStats(binary).add(odd, LOSS).pixels.tolist()
tap.equal(pixels, [int((~odd).sum()), int(odd.sum())], "booleans are 0 and 1")
loud = (odd * np.uint8(255)).view(bool)  # as NumPy has an image of Pillow's mode 1
tap.equal(fm.ClassStats(binary).add(loud, LOSS).pixels.tolist(), pixels, "also where a true one is 255 in memory")
tap.equal(fm.ClassStats(binary).add(loud[::-1].T, LOSS.T).pixels.tolist(), pixels, "in any order")
two = fm.NoiseFilter(fm.ClassStats(binary).add(odd, LOSS))
into = loud.copy()
tap.equal(two.apply(odd, LOSS, out=into).view(np.uint8).tolist(), odd.astype(int).tolist(), "what is written to need not be 0 and 1")
pillow = has("PIL.Image")
if pillow is None:
    tap.skip("images of Pillow", "Pillow is not installed", excused=True)
else:
    tap.equal(noise.apply(pillow.fromarray(MASK), pillow.fromarray(LOSS)).tolist(), noise.apply(MASK, LOSS).tolist(), "images of Pillow")
    tap.equal(fm.ClassStats(binary).add(pillow.fromarray(odd), LOSS).pixels.tolist(), pixels, "of its mode 1")
    tap.equal(fm.ClassStats(binary).add(np.array(pillow.fromarray(odd)), LOSS).pixels.tolist(), pixels, "which NumPy has read")
    image = pillow.fromarray(np.zeros((*SHAPE, 3), np.uint8))
    refused(lambda: image, "an image of three channels", calls={name: call for name, call in BUT_INTO.items() if "output" not in name and "counts" not in name})

# ---- PyTorch --------------------------------------------------------------------------------------------------
torch = has("torch")
if torch is None:
    tap.skip("tensors", "PyTorch is not installed (./dev python installs it)", excused=True)
else:
    def nested(*shapes, **options):
        return torch.nested.nested_tensor([torch.ones(shape) for shape in shapes], **options)

    if hasattr(torch, "nested"):
        refused(lambda: nested((4, 5), (3, 5)), "a nested tensor", ".unbind()", ".to_padded_tensor(")
        refused(lambda: nested((11, 4, 5), (11, 4, 5)), "a nested tensor of outputs", ".unbind()", ".to_padded_tensor(", calls={**CALLS, **BATCHES})
    if hasattr(torch, "jagged"):
        refused(lambda: nested((4, 5), (3, 5), layout=torch.jagged), "a nested tensor, jagged", ".unbind()", ".to_padded_tensor(")
    ones = torch.ones(SHAPE)
    for says, make in (("sparse", ones.to_sparse), ("sparse by rows", ones.to_sparse_csr)):
        refused(make, f"a tensor that is {says}", ".to_dense()")
    refused(lambda: ones.to("meta"), "a tensor without values", "meta", "no values")
    outputs = {name: BATCHES[name] for name in BATCHES if "loss_map" in name}
    for calls, many in ((outputs, torch.ones(2, 11, *SHAPE)), ({name: BATCHES[name] for name in BATCHES if name not in outputs}, torch.ones(2, *SHAPE))):
        refused(lambda many=many: many.to("meta"), "a batch without values", "meta", "no values", calls=calls)
        refused(lambda many=many: many.to_sparse(), "a sparse batch", ".to_dense()", calls=calls)
    refused(torch.nn.parameter.UninitializedParameter, "a batch that is a parameter without values", "plain tensor", calls=BATCHES)
    refused(lambda: torch.quantize_per_tensor(ones, .1, 0, torch.quint8), "a quantized tensor", ".dequantize()")
    refused(lambda: torch.quantize_per_channel(ones, torch.ones(4), torch.zeros(4), 0, torch.qint8), "quantized by channel", ".dequantize()")
    refused(lambda: ones.to(torch.complex64), "a complex tensor", "complex64")
    refused(torch.nn.parameter.UninitializedParameter, "a parameter without values", "UninitializedParameter", "plain tensor")
    refused(torch.nn.parameter.UninitializedBuffer, "a buffer without values", "plain tensor")

    class Spread(torch.Tensor):
        """As DTensor: a tensor of parts that are elsewhere."""
        @staticmethod
        def __new__(cls, like):
            return torch.Tensor._make_wrapper_subclass(cls, like.shape, dtype=like.dtype)

        @classmethod
        def __torch_dispatch__(cls, function, types, arguments=(), options=None):
            raise NotImplementedError(function)

        def full_tensor(self):
            return ones

    refused(lambda: Spread(ones), "a tensor that is spread", "no memory of its own", ".full_tensor()")
    if hasattr(torch, "masked"):
        refused(lambda: torch.masked.masked_tensor(ones, ones > 0), "a masked tensor", "no memory of its own", ".to_tensor(value)")
    if hasattr(torch, "vmap"):
        tap.ok(kit.raises(fm.UnsupportedError, lambda: torch.vmap(lambda loss: noise.apply(torch.from_numpy(MASK), loss))(torch.ones(2, *SHAPE)), "vmap"),
               "inside of vmap")
    tensor = torch.from_numpy(loud)
    tap.equal(fm.ClassStats(binary).add(tensor, torch.from_numpy(LOSS)).pixels.tolist(), pixels, "a tensor's booleans are 0 and 1")
    tap.equal(fm.ClassStats(binary).add(tensor.t(), torch.from_numpy(LOSS).t()).pixels.tolist(), pixels, "in any order")

tap.done()
