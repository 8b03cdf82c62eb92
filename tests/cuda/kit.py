# cuda/kit.py - both libraries through ctypes, and memory of the device. The fake driver's is the host's: arrays are used
# where they are, unless FM_CUDA_APART is set: then it is treated as a device is.
import ctypes
import os

import numpy as np

U8, I8, U16, I16, U32, I32, U64, I64, F16, BF16, F32, F64 = range(1, 13)
NUMPY = {U8: np.uint8, I8: np.int8, U16: np.uint16, I16: np.int16, U32: np.uint32, I32: np.int32, U64: np.uint64,
         I64: np.int64, F16: np.float16, BF16: np.uint16, F32: np.float32, F64: np.float64}
ptr, i32, i64, u64, f64, size_t = (ctypes.c_void_p, ctypes.c_int32, ctypes.c_int64, ctypes.c_uint64, ctypes.c_double,
                                   ctypes.c_size_t)


def structure(name, *fields):
    return type(name, (ctypes.Structure,), {"_fields_": list(fields)})


Plane = structure("Plane", ("data", ptr), ("dtype", i32), ("device", i32), ("height", i64), ("width", i64),
                  ("row", i64), ("col", i64))
Volume = structure("Volume", ("data", ptr), ("dtype", i32), ("device", i32), ("channels", i64), ("height", i64),
                   ("width", i64), ("channel", i64), ("row", i64), ("col", i64))
Error = structure("Error", ("code", i32), ("host_code", i32), ("message", ctypes.c_char * 504))
FilterOptions = structure("FilterOptions", ("size", size_t), ("tolerance", f64), ("unseen", i32), ("policy", i32),
                          ("min_kept_share", f64), ("real_share", f64), ("without_reference", i32), ("reserved", i32))
StatsOptions = structure("StatsOptions", ("size", size_t), ("strata", i32), ("histogram", i32), ("score", i32),
                         ("reserved", i32), ("ranks", ptr))
Extra = structure("Extra", ("size", size_t), ("strata", ptr), ("reference", ptr), ("siblings", ptr), ("count", i32),
                  ("reserved", i32), ("ranks", u64))
Report = structure("Report", ("size", size_t), ("valid", i64), ("dropped", i64), ("class_valid", ptr),
                   ("class_dropped", ptr), ("stratum_valid", ptr), ("stratum_dropped", ptr))
WeightOptions = structure("WeightOptions", ("size", size_t), ("kind", i32), ("reserved", i32), ("dropped", f64),
                          ("width", f64), ("gamma", f64))
HardnessOptions = structure("HardnessOptions", ("size", size_t), ("width", i32), ("height", i32), ("measure", i32),
                            ("reserved", i32), ("share", f64))
LossOptions = structure("LossOptions", ("size", size_t), ("kind", i32), ("align_corners", i32),
                        ("channel_count", i32), ("binary", i32), ("channels", ptr), ("floor", f64),
                        ("trust_kind", i32), ("compose_first", i32))
Output = structure("Output", ("size", size_t), ("values", Volume), ("class_logits", Plane))
CudaOutput = structure("CudaOutput", ("size", size_t), ("values", Volume), ("image_count", i64),
                       ("image_stride", i64), ("class_logits", Volume), ("workspace", ptr), ("workspace_size", size_t))
CudaExtra = structure("CudaExtra", ("size", size_t), ("strata", Volume), ("reference", Volume), ("siblings", Volume), ("has_reference", ptr),
                      ("sibling_count", i32), ("reserved", i32), ("reference_ranks", u64))
BoundaryOptions = structure("BoundaryOptions", ("size", size_t), ("edges", ptr), ("edge_count", i32))
LabelsOptions = structure("LabelsOptions", ("size", size_t), ("ignored", ptr), ("ignored_count", i32),
                          ("name", ctypes.c_char_p), ("class_count", i32), ("label_count", i32), ("classes", ptr),
                          ("names", ptr), ("colors", ptr), ("color_count", i32), ("reserved", i32))
Counts = structure("Counts", *[(name, i64) for name in "allocations frees copies waits launches pushed".split()])

STATUS = np.dtype([("first", "u8"), ("what", "i4"), ("code", "i4"), ("x", "i8"), ("y", "i8"), ("label", "i8"),
                   ("class_index", "i4"), ("other", "i4"), ("value", "f8"), ("doubt", "f8")])

core = ctypes.CDLL(os.environ["FM_SHARED"])
cuda = ctypes.CDLL(os.environ["FM_CUDA"])
for library, names in ((core, "class_stats_word_count"), (cuda, "cuda_filter_workspace cuda_stats_workspace cuda_filter_output_workspace "
                       "cuda_stats_output_workspace cuda_boundary_workspace cuda_window_workspace cuda_hardness_workspace cuda_queries_workspace")):
    for function in names.split():
        getattr(library, "fm_" + function).restype = size_t


class Failed(Exception):
    def __init__(self, error):
        super().__init__(error.message.decode())
        self.code, self.host_code, self.message = error.code, error.host_code, error.message.decode()


def options(kind, /, **values):
    return kind(size=ctypes.sizeof(kind), **values)


def call(function, *arguments):
    """Calls with an fm_error behind the arguments; structures go by reference."""
    error = Error()
    status = function(*[ctypes.byref(a) if isinstance(a, ctypes.Structure) else a for a in arguments],
                      ctypes.byref(error))
    if status:
        if status != error.code:
            raise AssertionError(f"status {status}, error {error.code}")
        raise Failed(error)


def create(function, *arguments):
    out = ptr()
    call(function, *arguments, ctypes.byref(out))
    return out


# ---- Memory of the device

class Driver:
    """Which libcuda.so.1 the library finds; the fake one has functions of its own."""

    def __init__(self):
        self.library = ctypes.CDLL("libcuda.so.1")
        self.fake = hasattr(self.library, "fake_cuda_read") and not os.environ.get("FM_CUDA_APART")

    def read(self):
        counts = Counts()
        self.library.fake_cuda_read(ctypes.byref(counts))
        return counts

    @staticmethod
    def check(result, function):
        if result:
            raise RuntimeError(f"{function} returns {result}")

    def run(self, function, *arguments):
        self.check(getattr(self.library, function)(*arguments), function)

    def open(self):
        """The first device, whose primary context becomes this thread's."""
        device, context = ctypes.c_int(), ptr()
        self.run("cuInit", 0)
        self.run("cuDeviceGet", ctypes.byref(device), 0)
        self.run("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self.run("cuCtxSetCurrent", context)


driver = Driver()
if not driver.fake:
    driver.open()


def in_orders(run):
    """What `run` returns, arrays, and whether it is the same in any order of a block's threads; a device has its own
    each time."""
    orders = [(0, 1), (255, 255), (77, 101)] if driver.fake else [(0, 1)] * 2
    results = []
    for order in orders:
        if driver.fake:
            driver.library.fake_cuda_order(*order)
        results.append(run())
    return results[0], all(all(a.tobytes() == b.tobytes() for a, b in zip(results[0], other)) for other in results[1:])


class Memory:
    """An array on the device, of an array on the host."""

    def __init__(self, array):
        self.base = array if array.base is None else array.base
        while self.base.base is not None:
            self.base = self.base.base
        self.array = array
        raw = self.base.__array_interface__["data"][0]
        self.offset = array.__array_interface__["data"][0] - raw
        if driver.fake:
            self.address = raw + self.offset
            return
        memory = u64()
        driver.run("cuMemAlloc_v2", ctypes.byref(memory), size_t(self.base.nbytes))
        self.raw = memory.value
        driver.run("cuMemcpyHtoD_v2", memory, ptr(raw), size_t(self.base.nbytes))
        self.address = self.raw + self.offset

    def get(self):
        """Waits, and reads all of it back."""
        if not driver.fake:
            driver.run("cuCtxSynchronize")
            driver.run("cuMemcpyDtoH_v2", ptr(self.base.__array_interface__["data"][0]), u64(self.raw),
                       size_t(self.base.nbytes))
        return self.array

    def __del__(self):
        if not driver.fake and hasattr(self, "raw"):
            driver.library.cuMemFree_v2(u64(self.raw))


def zeros(shape, dtype):
    return Memory(np.zeros(shape, dtype))


def workspace(size, word=0xa5a5a5a5):
    """Aligned to 256 bytes, full of rubbish."""
    raw = np.full(size // 4 + 65, word, np.uint32).view(np.uint8)
    start = -raw.__array_interface__["data"][0] % 256 if driver.fake else 0
    return Memory(raw[start:start + size])


def room(name, handle, shape):
    """Bytes of workspace that a call on such masks takes."""
    return getattr(cuda, f"fm_cuda_{name}_workspace")(handle, shape[0], i64(shape[1]), i64(shape[2]))


def type_of(array, bf16=False):
    return BF16 if bf16 else next(t for t, n in NUMPY.items() if array.dtype == n and t != BF16)


def volume(memory, dtype=None):
    """[N, H, W] or [C, h, w] on the device."""
    a = memory.array
    return Volume(memory.address, dtype or type_of(a), 2, *a.shape, *a.strides)


def extra(strata=None, reference=None, siblings=None, has=None, ranks=0, dtype=None):
    """What a call takes besides; None: nothing. `siblings` is [N, S, H, W], `dtype` the reference's."""
    if strata is None and reference is None and siblings is None and has is None:
        return None
    made = options(CudaExtra, reference_ranks=ranks, has_reference=has.address if has else None)
    if strata is not None:
        made.strata = volume(strata)
    if reference is not None:
        made.reference = volume(reference, dtype)
    if siblings is not None:
        a = siblings.array
        made.siblings = Volume(siblings.address, type_of(a), 2, a.shape[0] * a.shape[1], *a.shape[2:], *a.strides[1:])
        made.sibling_count = a.shape[1]
    return made


def plane(array, dtype=None):
    return Plane(array.__array_interface__["data"][0], dtype or type_of(array), 0, *array.shape, *array.strides)


def output(memory, dtype=None):
    """[N, C, h, w]"""
    a = memory.array
    return options(CudaOutput, values=Volume(memory.address, dtype or type_of(a), 2, *a.shape[1:], *a.strides[1:]),
                   image_count=a.shape[0], image_stride=a.strides[0])


def queries(model, memory, class_logits):
    """[N, Q, h, w] and [N, Q, C + 1], with a workspace."""
    made = output(memory)
    size = cuda.fm_cuda_queries_workspace(model, memory.array.shape[0], i64(memory.array.shape[1]))
    made.keep = class_logits, workspace(size)
    made.class_logits, made.workspace, made.workspace_size = volume(class_logits), made.keep[1].address, size
    return made


def host_output(array, dtype=None, class_logits=None):
    """[C, h, w]; of queries [Q, h, w] and [Q, C + 1]"""
    values = Volume(array.__array_interface__["data"][0], dtype or type_of(array), 0, *array.shape, *array.strides)
    made = options(Output, values=values)
    if class_logits is not None:
        made.class_logits = plane(class_logits)
    return made


# ---- Label spaces

context = create(core.fm_context_create, None)


def preset(name):
    return create(core.fm_labels_create_from_preset, context, name.encode())


def space(classes, ignored=(255,)):
    listed = (i64 * len(ignored))(*ignored)
    return create(core.fm_labels_create, context,
                  options(LabelsOptions, ignored=ctypes.cast(listed, ptr), ignored_count=len(ignored),
                          class_count=classes))


def sentence(status, labels):
    """(code, message) of one fm_cuda_status."""
    error = Error()
    record = status.tobytes()
    code = cuda.fm_cuda_status_read(record, labels, ctypes.byref(error))
    return code, error.message.decode() if code else ""
