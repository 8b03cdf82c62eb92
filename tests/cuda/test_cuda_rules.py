# cuda/test_cuda_rules.py - what a graph would refuse, what the driver may do wrong, bad arguments, names.
import ctypes
import os
import re
import subprocess
import sys

import elf
import headers
import kit
import numpy as np
import tap
from kit import call, core, create, cuda, options, ptr, volume, zeros

ARGUMENT, MEMORY, UNSUPPORTED, SHAPE, LIMIT, IO = -1, -2, -3, -4, -8, -9
if not kit.driver.fake:
    tap.skip_all("needs the fake driver")
fake = kit.driver.library
ADE = kit.preset("ade20k")


def refused(name, code, pattern, function, *arguments):
    try:
        call(function, *arguments)
    except kit.Failed as failed:
        tap.ok(failed.code == code and re.search(pattern, failed.message), name, f"{failed.code}: {failed.message}")
        return failed
    tap.ok(False, name, "was not refused")
    return None


def make_filter(**chosen):
    stats = create(core.fm_class_stats_create, ADE, options(kit.StatsOptions, histogram=4))
    mask, loss = np.full((4, 4), 9, np.uint8), np.ones((4, 4), np.float32)
    call(core.fm_class_stats_add, stats, kit.plane(mask), kit.plane(loss), None)
    return stats, create(core.fm_filter_create, stats, options(kit.FilterOptions, **chosen))


# ---- Calls on a stream

def test_calls_only_launch():
    device = create(cuda.fm_cuda_create, 0)
    stats, handle = make_filter()
    known, sums = create(cuda.fm_cuda_filter_create, device, handle), create(cuda.fm_cuda_stats_create, device, stats)
    hard = create(cuda.fm_cuda_hardness_create, device, create(core.fm_hardness_create, stats, None))
    shape = (2, 16, 16)
    mask, loss, out = kit.Memory(np.full(shape, 9, np.uint8)), zeros(shape, np.float32), zeros(shape, np.uint8)
    means, status, words = zeros(shape, np.float32), zeros(2, kit.STATUS), zeros(150 * 142 + 1, np.int64)
    words = zeros(core.fm_class_stats_word_count(stats), np.int64)
    pixels, hardness, space = zeros((2, 150), np.int64), zeros(2, np.float64), kit.workspace(1 << 22)
    tail = ptr(status.address), ptr(space.address), kit.size_t(1 << 22), None
    before = kit.driver.read()
    call(cuda.fm_cuda_filter_apply, known, volume(mask), volume(loss), None, volume(out), None, ptr(status.address), None,
         kit.size_t(0), None)
    call(cuda.fm_cuda_filter_weigh, known, volume(mask), volume(loss), None, None, volume(means), None,
         ptr(status.address), None, kit.size_t(0), None)
    call(cuda.fm_cuda_stats_add, sums, volume(mask), volume(loss), None, ptr(words.address), *tail)
    call(cuda.fm_cuda_boundary_strata, device, volume(mask), None, volume(out), *tail[1:])
    call(cuda.fm_cuda_window_mean, device, volume(mask), volume(loss), 3, volume(means), *tail)
    call(cuda.fm_cuda_hardness_measure, hard, volume(mask), ptr(pixels.address), ptr(hardness.address), *tail)
    after = kit.driver.read()
    for what in ("allocations", "frees", "copies", "waits", "pushed"):
        tap.equal(getattr(after, what), getattr(before, what), f"calls on a stream: {what}")
    tap.ok(after.launches - before.launches > 12, "they launch")
    fake.fake_cuda_fail(b"cuLaunchKernel", 700)
    failed = refused("a launch that fails", IO, "starting a kernel failed.*700", cuda.fm_cuda_filter_apply, known,
                     volume(mask), volume(loss), None, volume(out), None, ptr(status.address), None, kit.size_t(0), None)
    tap.equal(failed and failed.host_code, 700, "has the CUresult")
    fake.fake_cuda_fail(b"", 0)
    tap.equal(kit.driver.read().pushed, before.pushed, "the context is popped after it, too")
    tap.equal(kit.driver.read().launches - after.launches, 1, "and nothing is launched behind it")
    fake.fake_cuda_fail(b"cuLaunchKernel", 400)
    refused("a stream of another context", IO, "starting a kernel failed.*400", cuda.fm_cuda_stats_add, sums, volume(mask), volume(loss),
            None, ptr(words.address), ptr(status.address), ptr(space.address), kit.size_t(1 << 22), ptr(0x77))
    fake.fake_cuda_fail(b"cuCtxPushCurrent_v2", 709)
    refused("a context that is gone", IO, "context current failed.*709", cuda.fm_cuda_filter_apply, known, volume(mask), volume(loss), None,
            volume(out), None, ptr(status.address), None, kit.size_t(0), None)
    fake.fake_cuda_fail(b"", 0)
    tap.equal((kit.driver.read().pushed, kit.driver.read().launches - after.launches), (before.pushed, 2), "after which nothing is launched")
    for handle, destroy in ((known, cuda.fm_cuda_filter_destroy), (sums, cuda.fm_cuda_stats_destroy),
                            (hard, cuda.fm_cuda_hardness_destroy), (device, cuda.fm_cuda_destroy)):
        destroy(handle)
    end = kit.driver.read()
    tap.equal(end.allocations, end.frees, "everything is freed")


# ---- Opening

def test_opening():
    out = ptr()
    fails = (("cuInit", 999, UNSUPPORTED, "does not start.*999\\)$"), ("cuInit", 3, UNSUPPORTED, "forked.*spawn"),
             ("cuInit", 100, UNSUPPORTED, "does not start.*100"), ("cuDeviceGet", 101, IO, "asking for the device failed"),
             ("cuModuleLoadData", 218, UNSUPPORTED, "no kernel of"), ("cuModuleLoadData", 300, IO, "loading the kernels"),
             ("cuModuleLoadData", 209, UNSUPPORTED, "no kernel of"),
             ("cuModuleLoadData", 200, UNSUPPORTED, "no kernel of"),
             ("cuModuleLoadData", 222, UNSUPPORTED, "no kernel of"), ("cuModuleLoadData", 2, MEMORY, "out of memory"),
             ("cuDeviceGetCount", 100, IO, "counting"), ("cuDeviceGetName", 1, IO, "name"),
             ("cuDevicePrimaryCtxRetain", 46, IO, "opening"), ("cuCtxPushCurrent_v2", 201, IO, "current"),
             ("cuModuleGetFunction", 500, IO, "fm_cu_start"))
    for function, value, code, pattern in fails:
        fake.fake_cuda_fail(function.encode(), value)
        refused(f"{function} returns {value}", code, pattern, cuda.fm_cuda_create, 0, ctypes.byref(out))
        fake.fake_cuda_fail(b"", 0)
    fake.fake_cuda_devices(0)
    refused("no device", UNSUPPORTED, "no device", cuda.fm_cuda_create, 0, ctypes.byref(out))
    fake.fake_cuda_devices(1)
    refused("device 1", ARGUMENT, "expected 0 to 0", cuda.fm_cuda_create, 1, ctypes.byref(out))
    refused("device -1", ARGUMENT, "expected 0 to 0", cuda.fm_cuda_create, -1, ctypes.byref(out))
    refused("out is NULL", ARGUMENT, "NULL", cuda.fm_cuda_create, 0, None)
    tap.equal(out.value, None, "nothing was written")
    device = create(cuda.fm_cuda_create, 0)
    cuda.fm_cuda_name.restype = ctypes.c_char_p
    tap.equal(cuda.fm_cuda_name(device), b"a device that is none", "the name")
    _, handle = make_filter()
    for function in ("cuMemAlloc_v2", "cuMemcpyHtoD_v2", "cuCtxSynchronize"):
        fake.fake_cuda_fail(function.encode(), 2)
        refused(f"tables, {function}", MEMORY, "out of memory", cuda.fm_cuda_filter_create, device, handle,
                ctypes.byref(out))
        fake.fake_cuda_fail(b"", 0)
    cuda.fm_cuda_destroy(device)
    cuda.fm_cuda_destroy(None)


def test_without_driver():
    """Another process: it finds no libcuda.so.1, or a real one; the library loads all the same."""
    code = ("import ctypes, os, sys\n"
            "cuda = ctypes.CDLL(os.environ['FM_CUDA'])\n"
            "error, out = ctypes.create_string_buffer(512), ctypes.c_void_p()\n"
            "status = cuda.fm_cuda_create(0, ctypes.byref(out), error)\n"
            "print(status, error.raw[8:].split(b'\\0')[0].decode())\n")

    def create_with(path):
        env = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
        done = subprocess.run([sys.executable, "-c", code], env={**env, "LD_LIBRARY_PATH": path} if path else env, capture_output=True,
                              text=True, check=False)
        return done.stdout + done.stderr

    said = create_with("")
    tap.ok(re.match(r"-3 CUDA: .*(driver|device)|0 ", said), "without a driver", said)
    # One that is older than what is called, and a file that is no library.
    for name, made, says in (("an old driver", "int cuInit(unsigned f) { return (int)f; }", "the driver has no cuDeviceGetCount: it is too old"),
                             ("a driver that is no library", None, "no NVIDIA driver|no device|0 ")):
        folder = tap.path(name.replace(" ", "-"))
        os.makedirs(folder, exist_ok=True)
        target = os.path.join(folder, "libcuda.so.1")
        if made:
            subprocess.run([*os.environ["FM_CC"].split(), "-shared", "-fPIC", "-x", "c", "-", "-o", target], input=made, text=True, check=True)
        else:
            with open(target, "wb") as file:
                file.write(b"no library")
        said = create_with(folder)
        tap.ok(re.search(says, said), name, said)


def test_driver_stays():
    """A real one has threads that would run on in what is no longer there."""
    code = ("import ctypes, os\n"
            "cuda, device = ctypes.CDLL(os.environ['FM_CUDA']), ctypes.c_void_p()\n"
            "print(cuda.fm_cuda_create(0, ctypes.byref(device), None), 'libcuda.so' in open('/proc/self/maps').read())\n"
            "cuda.fm_cuda_destroy(device)\n"
            "print('libcuda.so' in open('/proc/self/maps').read())\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    tap.equal((done.stdout.split(), done.stderr), (["0", "True", "True"], ""), "the driver stays when the last handle is gone")


# ---- Arguments

def test_unsupported():
    device, out = create(cuda.fm_cuda_create, 0), ptr()
    stats, floor = make_filter(min_kept_share=0.5)
    known = create(cuda.fm_cuda_filter_create, device, floor)
    model = create(cuda.fm_cuda_loss_create, device, create(core.fm_network_loss_create, ADE, options(kit.LossOptions, kind=1)))
    mask, values, status = zeros((1, 8, 8), np.uint8), zeros((1, 150, 2, 2), np.float32), zeros(1, kit.STATUS)
    shape = mask.array.shape
    for name, function, source in (("filter", cuda.fm_cuda_filter_apply, (volume(mask), volume(zeros(shape, np.float32)))),
                                   ("filter_output", cuda.fm_cuda_filter_apply_output, (model, kit.output(values), volume(mask)))):
        size = kit.room(name, known, shape)
        refused(f"a floor's workspace, {name}", ARGUMENT, f"workspace: has {size - 1} bytes, expected {size}", function, known, *source, None,
                volume(mask), None, ptr(status.address), ptr(kit.workspace(size).address), kit.size_t(size - 1), None)
    tap.equal([kit.room("filter", None, shape), kit.room("filter", known, (0, 8, 8))], [0, 0], "no workspace of none")
    cuda.fm_cuda_filter_destroy(known)
    cuda.fm_cuda_loss_destroy(model)
    hard = create(core.fm_hardness_create, stats, options(kit.HardnessOptions, measure=1))
    refused("a measure", UNSUPPORTED, "FM_MEASURE_MEAN", cuda.fm_cuda_hardness_create, device, hard, ctypes.byref(out))
    cuda.fm_cuda_destroy(device)


def test_queries():
    device = create(cuda.fm_cuda_create, 0)
    made = {name: create(cuda.fm_cuda_loss_create, device, create(core.fm_network_loss_create, ADE, options(kit.LossOptions, **chosen)))
            for name, chosen in (("scores", {"kind": 3}), ("logits", {"kind": 1}), ("first", {"kind": 3, "compose_first": 1}))}
    mask, loss, status = zeros((2, 8, 8), np.uint8), zeros((2, 8, 8), np.float32), zeros(2, kit.STATUS)
    values, classes = zeros((2, 5, 4, 4), np.float32), zeros((2, 5, 151), np.float32)

    def refuse(name, code, pattern, model="scores", **other):
        output = kit.queries(made["scores"], values, classes)
        for field, value in other.items():
            setattr(output, field, value)
        refused(name, code, pattern, cuda.fm_cuda_loss_map, made[model], output, volume(mask), volume(loss),
                ptr(status.address), None)

    refuse("class logits of logits", ARGUMENT, "kind is not", "logits")
    refuse("no class logits", ARGUMENT, "compose_first is set", "first", class_logits=kit.Volume())
    refuse("class logits of one image", SHAPE, "class logits are of 1 images", class_logits=volume(zeros((1, 5, 151), np.float32)))
    refuse("of other queries", SHAPE, "have 6 queries, mask logits 5", class_logits=volume(zeros((2, 6, 151), np.float32)))
    refuse("without no object", SHAPE, "have 150 columns", class_logits=volume(zeros((2, 5, 150), np.float32)))
    refuse("a small workspace of queries", ARGUMENT, "workspace: has 100", workspace_size=100)
    refuse("no workspace of queries", ARGUMENT, "workspace: is NULL", workspace=None)
    large = zeros((2, 5, 151), np.float32)
    over = kit.Volume(large.address, kit.F32, 2, 2, 8, 8, 256, 32, 4)
    output = kit.queries(made["scores"], values, large)
    refused("losses over the class logits", ARGUMENT, "overlaps the class logits", cuda.fm_cuda_loss_map, made["scores"], output,
            volume(mask), over, ptr(status.address), None)
    refused("classes shown by queries", UNSUPPORTED, "use fm_network_class_map", cuda.fm_cuda_class_map, made["scores"],
            kit.queries(made["scores"], values, classes), volume(mask), volume(zeros((2, 8, 8), np.int32)), ptr(status.address), None)
    before = kit.driver.read()
    call(cuda.fm_cuda_loss_map, made["scores"], kit.queries(made["scores"], values, classes), volume(mask), volume(loss),
         ptr(status.address), None)
    after = kit.driver.read()
    tap.equal([getattr(after, what) - getattr(before, what) for what in ("allocations", "copies", "waits")], [0, 0, 0],
              "queries allocate nothing, copy nothing, wait for nothing")
    tap.equal([cuda.fm_cuda_queries_workspace(made["logits"], 1, kit.i64(5)), cuda.fm_cuda_queries_workspace(made["scores"], 1, kit.i64(0)),
               cuda.fm_cuda_queries_workspace(None, 1, kit.i64(5))], [0, 0, 0], "no workspace of what is no query")
    for one in made.values():
        cuda.fm_cuda_loss_destroy(one)
    cuda.fm_cuda_destroy(device)


def test_arguments():
    device = create(cuda.fm_cuda_create, 0)
    stats, handle = make_filter()
    known = create(cuda.fm_cuda_filter_create, device, handle)
    shape = (2, 8, 8)
    mask, loss, out, status = (kit.Memory(np.full(shape, 9, np.uint8)), zeros(shape, np.float32),
                               zeros(shape, np.uint8), zeros(2, kit.STATUS))

    def apply(name, code, pattern, **other):
        values = {"mask": volume(mask), "loss": volume(loss), "strata": None, "out": volume(out), "counts": None,
                  "status": ptr(status.address), "workspace": None, "size": kit.size_t(0), **other}
        return refused(name, code, pattern, cuda.fm_cuda_filter_apply, known, *values.values(), None)

    def changed(memory, **fields):
        made = volume(memory)
        for field, value in fields.items():
            setattr(made, field, value)
        return made

    apply("mask is NULL", ARGUMENT, "mask: is NULL", mask=None)
    apply("memory of the host", UNSUPPORTED, "device is 0", loss=changed(loss, device=0))
    apply("no memory", ARGUMENT, "data is NULL", out=changed(out, data=None))
    apply("another size", SHAPE, "mask has 2 images of 8x8, loss map 2 of 8x7", loss=changed(loss, height=7))
    apply("another number", SHAPE, "filtered mask 1 of", out=changed(out, channels=1))
    apply("a type", UNSUPPORTED, "loss map: dtype", loss=changed(loss, dtype=kit.U8))
    apply("unaligned", ARGUMENT, "no multiple", loss=changed(loss, data=loss.address + 1))
    apply("an odd stride", ARGUMENT, "no multiple", loss=changed(loss, row=33))
    apply("strata", ARGUMENT, "there is one stratum", strata=kit.extra(out))
    apply("overlap", ARGUMENT, "overlaps the mask", out=changed(mask, data=mask.address + 1))
    apply("overlap with losses", ARGUMENT, "overlaps the loss map", out=changed(out, data=loss.address))
    apply("no status", ARGUMENT, "status: is NULL", status=None)
    apply("unaligned counts", ARGUMENT, "counts: is not aligned", counts=ptr(loss.address + 4))
    apply("many images", LIMIT, "65,535", mask=changed(mask, channels=65536))
    apply("large images", LIMIT, "2\\^30", mask=changed(mask, height=1 << 20, width=1 << 20, row=1 << 20))
    for name, chosen, dtype, pattern in (("weights of another kind", {"kind": 7}, np.float32, "kind is 7"),
                                         ("a ramp of u8", {"kind": 1}, np.uint8, "floating-point"),
                                         ("a wide ramp", {"kind": 1, "width": 2}, np.float32, "width")):
        refused(name, ARGUMENT if "width" in chosen else UNSUPPORTED, pattern, cuda.fm_cuda_filter_weigh, known, volume(mask),
                volume(loss), None, options(kit.WeightOptions, **chosen), volume(zeros(shape, dtype)), None,
                ptr(status.address), None, kit.size_t(0), None)
    sums = create(cuda.fm_cuda_stats_create, device, stats)
    size = kit.room("stats", sums, shape)
    words, space = zeros(core.fm_class_stats_word_count(stats), np.int64), kit.workspace(size)
    for name, at, given in (("a small workspace", 0, size - 1), ("an unaligned one", 8, size)):
        refused(name, ARGUMENT, "workspace", cuda.fm_cuda_stats_add, sums, volume(mask), volume(loss), None,
                ptr(words.address), ptr(status.address), ptr(space.address + at), kit.size_t(given), None)
    for size in (kit.room("stats", None, shape), cuda.fm_cuda_boundary_workspace(0, kit.i64(1), kit.i64(1)),
                 cuda.fm_cuda_window_workspace(1, kit.i64(1 << 20), kit.i64(1 << 20)),
                 cuda.fm_cuda_hardness_workspace(None, kit.i64(1), kit.i64(1))):
        tap.equal(size, 0, "no workspace of what is none")
    error = kit.Error()
    tap.equal(cuda.fm_cuda_status_read(None, ADE, ctypes.byref(error)), ARGUMENT, "no status to read")
    cuda.fm_cuda_filter_destroy(known)
    cuda.fm_cuda_stats_destroy(sums)
    cuda.fm_cuda_destroy(device)


# ---- The library

def test_names():
    library = os.environ["FM_CUDA"]
    with open(os.path.join(tap.SOURCE, "tests", "abi", "freemask-cuda.symbols"), encoding="utf-8") as file:
        tap.equal(elf.exported(library), file.read().split(), "it exports the recorded names")
    soname, needed = elf.dynamic(library)
    number = re.search(r"#define FM_CUDA_ABI_VERSION (\d+)", headers.text("cuda.h")).group(1)
    if "cuda-host" not in library:
        tap.equal(soname, f"libfreemask-cuda.so.{number}", "soname")
    tap.equal(cuda.fm_cuda_abi_version(), int(number), "the number that it says")
    tap.equal([name for name in needed if not re.match(r"(libfreemask|libc|libm|libdl|ld-linux.*)\.so", name)], [],
              "it needs libfreemask and the C library only")


test_calls_only_launch()
test_opening()
test_without_driver()
test_driver_stays()
test_unsupported()
test_queries()
test_arguments()
test_names()
tap.done()
