# cuda/test_cuda_gpu.py - what ./dev gpu runs, tried on the fake driver, whose memory is apart as a device's is.
import json
import os
import re
import subprocess
import sys
import time

import run_gpu
import tap

HERE = os.path.dirname(os.path.abspath(__file__))


def run(*arguments, **environment):
    env = {**os.environ, **environment}
    done = subprocess.run([sys.executable, os.path.join(HERE, "run_gpu.py"), *arguments], capture_output=True, text=True, check=False,
                          env={name: value for name, value in env.items() if value})
    return done.returncode, done.stdout + done.stderr


out = tap.path("gpu.json")
status, output = run(out, "--small", "--seconds", "800")
tap.equal(status, 0, "all of it")
with open(out, encoding="utf-8") as file:
    found = json.load(file)
tap.equal([one["failed"] for one in found["comparisons"]], [0] * 4, "no comparison fails")
tap.ok(all(one["checks"] > 50 for one in found["comparisons"]), "there are many", found["comparisons"])
tap.ok(len(found["rows"]) == 13 and all(row["seconds"]["library"] > 0 and row["share"] > 0 for row in found["rows"]),
       "each row is measured", output)
tap.equal([row["name"] for row in found["rows"] if f"| {row['name']} | " not in output], [], "and in the table")
tap.ok("a device that is none" in output and "not measured" in output, "the table has the card, and says what was not measured", output)

status, output = run(out, "--small", FM_CUDA=os.environ["FM_SHARED"])
tap.ok(status == 1 and "status 1" in output and "no benchmark was measured" in output, "a library that does not work", output)
with open(out, encoding="utf-8") as file:
    tap.equal(json.load(file)["rows"], [], "what an earlier run left is gone")
status, output = run(out, "--small", "--seconds", "90", "--spent", "89")
tap.ok(status == 1 and "status None" in output and "run it again" in output, "what there was no time for is no success", output)
status, output = run("--find")
tap.equal((status, output.strip()), (0, "device: a device that is none, driver for CUDA 13.0"), "it finds the device")
status, output = run("--cuda")
tap.equal((status, output.strip()), (0, "13.0"), "and the driver's CUDA")
status, output = run("--find", LD_LIBRARY_PATH="")
tap.ok((status == 3 and "no CUDA device here: " in output) or status == 0, "or says that there is none", output)
tap.ok(status == 0 or not re.search("Traceback", output), "in a sentence")

# A script that takes too long is ended with what it has started.
note = tap.path("child")
SCRIPT = f"""
import os, subprocess, sys
print("said", flush=True)
child = subprocess.Popen(["sleep", "3000"])
open({note!r} + ".new", "w").write(str(child.pid))
os.rename({note!r} + ".new", {note!r})
child.wait()"""
for seconds in (5.5, 60, 600):  # more of them where the machine is so busy that it has not come as far
    status, output = run_gpu.Run(seconds, True).step("benchmarks", sys.executable, "-c", SCRIPT)
    if os.path.exists(note):
        break
tap.equal((status, output.strip()), (124, "said"), "a script that takes too long is cut")
with open(note, encoding="utf-8") as file:
    child = int(file.read())


def state(pid):
    """Z: it has ended, and nobody has asked; "": it is not there."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


until = time.monotonic() + 300
while state(child) not in ("", "Z") and time.monotonic() < until:
    time.sleep(0.05)
tap.ok(state(child) in ("", "Z"), "and what it has started", state(child))
tap.done()
