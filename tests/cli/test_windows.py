# cli/test_windows.py - what only Windows has: drives, backslashes, its names, its locks. `./dev windows`
# runs it under wine, where C: is a folder of WINEPREFIX and Z: the whole machine.
# SPDX-License-Identifier: MIT
import json
import signal

from kit import *

if not os.environ.get("WINEPREFIX"):
    tap.skip_all("not under wine", excused=True)
DRIVE = os.path.join(os.environ["WINEPREFIX"], "drive_c")


def dos(path):
    return "Z:" + os.path.abspath(path).replace("/", "\\")


rng = np.random.default_rng(4)
for i in range(3):
    name = ["a", "\u65e5\u672c \u00e4", "sub/c"][i]
    mask = rng.integers(0, 12, (9, 13), np.uint8)
    write(tap.path(f"world/masks/{name}.png"), png(mask))
    write(tap.path(f"world/losses/{name}.npy"), npy(rng.random((9, 13), np.float32)))
real, losses = dos(tap.path("world/masks")), dos(tap.path("world/losses"))
home = os.path.join(DRIVE, f"freemask-{os.getpid()}")
os.makedirs(home)
drive = "C:\\" + os.path.basename(home)

result = run("stats", "--labels", "camvid", "--masks", real, "--losses", losses, "-o", drive + "\\stats.json")
tap.ok(result.code == 0, "inputs on one drive, output on another, backslashes", result)
plain = run("stats", "--labels", "camvid", "--masks", tap.path("world/masks"), "--losses",
            tap.path("world/losses"), "-o", tap.path("stats.json"))
tap.ok(plain.code == 0, "the paths of POSIX", plain)


def words(path):
    found = json.loads(read(path))
    return {key: found[key] for key in ("means", "words", "images", "pixels") if key in found}


tap.equal(words(os.path.join(home, "stats.json")), words(tap.path("stats.json")), "the same statistics")
tap.ok(b"\r" not in read(tap.path("stats.json")) and b"\r" not in read(os.path.join(home, "stats.json")),
          "lines end in LF")

for out in ["NUL", "con.json", "s:t.json", "stats.json.", "aux"]:
    before = everything(home)
    result = run("stats", "--labels", "camvid", "--masks", real, "--losses", losses, "-o", f"{drive}\\{out}")
    tap.ok(result.code in (2, 3, 4) and "Traceback" not in result.err, f"refused: {out}", result)
    tap.equal(everything(home), before, f"nothing is left of {out}")

hardness = run("hardness", "--labels", "camvid", "--masks", real, "--losses", losses, "--stats",
               drive + "\\stats.json", "-o", drive + "/hardness.csv")
tap.ok(hardness.code == 0, "hardness from statistics of another drive", hardness)
tap.ok("\u65e5\u672c \u00e4" in read(os.path.join(home, "hardness.csv")).decode(), "names are UTF-8")

# One process at a time writes into a folder. The first is stopped in the middle of its work.
for i in range(40):
    mask = rng.integers(0, 12, (300, 300), np.uint8)
    write(tap.path(f"more/masks/{i}.png"), png(mask))
    write(tap.path(f"more/losses/{i}.npy"), npy(rng.random((300, 300), np.float32)))
out = tap.path("owned")
FILTER = ["filter", "--stats", drive + "\\stats.json", "--labels", "camvid", "--masks", dos(tap.path("more/masks")),
          "--losses", dos(tap.path("more/losses")), "-o"]


def begin():
    shutil.rmtree(out, ignore_errors=True)
    return start(*FILTER, dos(out), "-j1")


first = stopped_midway(begin, lambda: sum(name.endswith(".png") for name in everything(out)), 1, 40)
before = everything(out)
for more in ([], ["--resume"], ["--overwrite"]):
    result = run(*FILTER, out, *more)
    tap.ok(result.code == 2 and out in result.err and everything(out) == before,
           f"a second process is refused {more}", result)
first.send_signal(signal.SIGCONT)
result = Result(first)
tap.ok(result.code == 0, "the first goes on", result)
tap.equal(sum(name.endswith(".png") for name in everything(out)), 40, "and ends")
shutil.rmtree(home)
tap.done()
