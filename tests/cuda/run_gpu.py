# cuda/run_gpu.py - what `./dev gpu` does after building: comparisons on the device, benchmarks, compute-sanitizer; a table, and JSON.
"""run_gpu.py --find          is there a device? Says which, or why not (status 3).
run_gpu.py --cuda          the version of CUDA that its driver knows.
run_gpu.py OUT.json [--seconds N] [--spent N] [--small]  everything, within so many seconds of which some are spent: what there is no
  time for is left out, and said. --small: for trying the script without a device."""
import argparse
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = ("memcheck", "racecheck", "synccheck", "initcheck")
# The longest that each step may take, and what the whole takes by default, with the build before it: less than eight minutes.
MOST = {"comparisons": 90, "benchmarks": 240, "sanitizer": 60}
WHOLE = 465


def find():
    """(name of the first device, ""), or (None, the reason)."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError as problem:
        return None, f"no NVIDIA driver: {problem}"
    count, device, name = ctypes.c_int(), ctypes.c_int(), ctypes.create_string_buffer(128)
    result = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if result or not count.value:
        return None, f"the driver has no device (CUresult {result})"
    result = driver.cuDeviceGet(ctypes.byref(device), 0) or driver.cuDeviceGetName(name, 127, device)
    return (name.value.decode(), "") if not result else (None, f"the device does not answer (CUresult {result})")


def version():
    """Of CUDA, as the driver knows it: 13.0."""
    number = ctypes.c_int()
    ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(number))
    return f"{number.value // 1000}.{number.value % 1000 // 10}"


class Run:
    def __init__(self, seconds, patient):
        self.end, self.patient = time.monotonic() + seconds, patient

    def step(self, kind, *command):
        """(status, output) of a script; the status is None if there was no time, 124 if it took too long."""
        left = self.end - time.monotonic()
        limit = left if self.patient else min(MOST[kind], left)
        if limit < 5:
            return None, ""
        # A group of its own: what a script has started (compute-sanitizer runs it below itself, compilers have workers) would
        # else go on and share the device with what is measured next.
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", cwd=HERE,
                              start_new_session=True) as process:
            try:
                output, problems = process.communicate(timeout=limit)
                return process.returncode, output + problems
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                output, problems = process.communicate()
                return 124, output + problems
            except BaseException:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                raise


def compare(run):
    """Each script, as it runs in the tests."""
    found = []
    os.environ.update(FREEMASK_SHARED=os.environ["FM_SHARED"], FREEMASK_CUDA_LIBRARY=os.environ["FM_CUDA"])
    for name, script in (("calls", "test_cuda_calls.py"), ("losses", "test_cuda_losses.py"), ("scores", "test_cuda_scores.py"),
                         ("python", "../python/test_cuda.py")):
        start = time.monotonic()
        status, output = run.step("comparisons", sys.executable, os.path.join(HERE, script))
        lines = output.splitlines()
        checks = sum(line.startswith(("ok ", "not ok ")) for line in lines)
        wrong = [line for line in lines if line.startswith("not ok ")]
        found.append({"name": name, "status": status, "checks": checks, "failed": len(wrong),
                      "seconds": time.monotonic() - start})
        skipped = "".join(line.partition("# SKIP")[2] for line in lines if line.startswith("1..0"))
        print(f"comparisons {name}: {checks} checks, {len(wrong)} failed, status {status}{skipped}", flush=True)
        if status:
            print("\n".join(line for line in lines if not line.startswith("ok "))[-4000:], flush=True)
    return found


def measure(run, out, small):
    if os.path.exists(out):  # of another run
        os.remove(out)
    status, output = run.step("benchmarks", sys.executable, os.path.join(HERE, "bench_gpu.py"), out,
                              *(["--small"] if small else []))
    if status:
        print(f"benchmarks: status {status}\n{output[-4000:]}", flush=True)
    try:
        with open(out, encoding="utf-8") as file:
            return {**json.load(file), "status": status}
    except (OSError, ValueError):
        return {"status": status, "rows": []}


def sanitize(run):
    program = shutil.which("compute-sanitizer") or shutil.which("compute-sanitizer", path="/usr/local/cuda/bin")
    if not program:
        print("compute-sanitizer: not installed")
        return {}
    found = {}
    for tool in TOOLS:
        for name in ("losses", "calls", "scores"):
            status, output = run.step("sanitizer", program, "--tool", tool, "--error-exitcode", "9", sys.executable,
                                      os.path.join(HERE, f"test_cuda_{name}.py"))
            summary = [line for line in output.splitlines() if "SUMMARY" in line or "Error:" in line or "not supported" in line]
            found[f"{tool} {name}"] = {"status": status, "summary": summary[-1:] or [""]}
            said = {None: "no time left", 0: "clean", 124: "cut, nothing found"}.get(status, f"status {status}")
            print(f"compute-sanitizer {tool} {name}: {said} {' '.join(summary[-1:])}", flush=True)
            if status and status != 124:
                print("\n".join(line for line in output.splitlines() if not line.startswith("ok "))[:4000], flush=True)
    return found


def milliseconds(seconds):
    return f"{seconds * 1000:.3f}" if seconds is not None else "-"


def times(row, rival):
    taken = row["seconds"].get(rival)
    return f"{taken / row['seconds']['library']:.1f}x" if taken else "-"


def reached(row):
    values = {"share": row["share"], **{rival: row["seconds"][rival] / row["seconds"]["library"]
                                        for rival in ("eager", "compiled") if rival in row["seconds"]}}
    return " ".join(f"{name} {goal:g}: {'not measured' if name not in values else 'yes' if values[name] >= goal else 'no'}"
                    for name, goal in row["goal"].items()) or "-"


def table(found):
    """In Markdown, as doc/benchmarks.md has it."""
    if not found["rows"]:
        return "no benchmark was measured"
    copy = found["copy_bytes_per_second"] / 1e9
    lines = [f"{found['device']} (compute capability {found['capability']}), driver for CUDA {found['cuda'] // 1000}."
             f"{found['cuda'] % 1000 // 10}, " + (f"PyTorch {found['torch']}" if "torch" in found else found["no_torch"]),
             f"A copy within its memory: {copy:.0f} GB/s, read and written.", "",
             "| | ms | GB/s | of the copy | PyTorch, eager | torch.compile | goal |", "|---|---|---|---|---|---|---|"]
    for row in found["rows"]:
        taken = row["seconds"]["library"]
        lines.append(f"| {row['name']} | {milliseconds(taken)} | {row['bytes'] / taken / 1e9:.0f} | {100 * row['share']:.0f} % | "
                     f"{times(row, 'eager')} | {times(row, 'compiled')} | {reached(row)} |")
    lines += [f"Not compiled: {row['name']}: {row['not_compiled']}" for row in found["rows"] if row.get("not_compiled")]
    lines += [f"Rivals failed: {row['name']}: {row['rivals']}" for row in found["rows"] if row.get("rivals")]
    lines += [f"Pixels that PyTorch filters alike, {name}: {same:.6f}" for name, same in found.get("alike", {}).items()]
    return "\n".join(lines)


def is_good(found):
    """Comparisons and benchmarks ran to their end; no sanitizer found anything."""
    return (all(not one["status"] and one["status"] is not None for one in found["comparisons"]) and found["status"] == 0 and
            all(one["status"] in (None, 0, 124) for one in found["sanitizer"].values()))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", nargs="?")
    parser.add_argument("--find", action="store_true")
    parser.add_argument("--cuda", action="store_true")
    parser.add_argument("--seconds", type=float, default=WHOLE)
    parser.add_argument("--spent", type=float, default=0)
    parser.add_argument("--small", action="store_true")
    given = parser.parse_args()
    name, problem = find()
    if not name:
        print(f"no CUDA device here: {problem}. ./dev test makes the same comparisons without one.", file=sys.stderr)
        sys.exit(3)
    if given.cuda:
        print(version())
        return
    print(f"device: {name}, driver for CUDA {version()}", flush=True)
    if given.find:
        return
    run, out = Run(given.seconds - given.spent, given.small), os.path.abspath(given.out)
    started = time.monotonic()
    if given.spent > given.seconds / 2:
        print(f"building took {given.spent:.0f} of {given.seconds:.0f} seconds: run it again, all is built now", flush=True)
    comparisons = compare(run)
    print(f"comparisons after {time.monotonic() - started:.0f} seconds", flush=True)
    found = {**measure(run, out, given.small), "comparisons": comparisons}
    print(f"benchmarks after {time.monotonic() - started:.0f} seconds", flush=True)
    print(table(found), flush=True)
    found["sanitizer"] = {} if given.small else sanitize(run)
    found["seconds_in_all"] = given.spent + time.monotonic() - started
    with open(out, "w", encoding="utf-8") as file:
        json.dump(found, file, indent=1)
    print(f"JSON: {out}, after {found['seconds_in_all']:.0f} seconds in all")
    sys.exit(0 if is_good(found) else 1)


if __name__ == "__main__":
    main()
