#!/usr/bin/env python3
# cli/test_resume.py - killed and interrupted runs of `filter` leave whole files and can go on.
# SPDX-License-Identifier: MIT
import signal
import time

from kit import *

space = ref.preset("ade20k")
rng = np.random.default_rng(12)
MASKS = 150
for i in range(MASKS):
    mask = random_mask(rng, space, (300, 300))
    write(tap.path(f"masks/{i % 3}/{i}.png"), png(mask))
    write(tap.path(f"losses/{i % 3}/{i}.npy"), npy(random_loss(rng, space, mask)))
INPUTS = ["--labels", space.name, "--masks", tap.path("masks"), "--losses", tap.path("losses")]
result = run("stats", *INPUTS, "-o", tap.path("stats.json"))
tap.ok(result.code == 0, "stats runs", result)

# What a killed run left next to a table goes with the next one that is written; that of a run which
# is alive does not.
dead = dead_process()
for process in (dead, os.getpid()):
    write(tap.path(f"stats.json.{process}-7ffd6df13670-0.fm-part"), b"half")
write(tap.path(f"other.json.{dead}-7ffd6df13670-0.fm-part"), b"half")
run("stats", *INPUTS, "-o", tap.path("stats.json"))


def unfinished():
    return sorted(name.split("-")[0] for name in os.listdir(tap.path()) if name.endswith(".fm-part"))


WINE = bool(os.environ.get("WINEPREFIX")) # where processes have other numbers than outside
tap.equal(unfinished(), sorted([f"other.json.{dead}"] + [f"stats.json.{os.getpid()}"] * (not WINE)),
          "orphans of the same file go")
# In a container, the killed one had the number that this one has.
if not WINE:
    before = unfinished()
    script = 'echo half >"$1/stats.json.$$-7ffd6df13670-0.fm-part"; shift; exec "$0" "$@"'
    process = subprocess.Popen(["sh", "-c", script, TOOL, tap.path(), "stats", *INPUTS, "-o", tap.path("stats.json")],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    result = Result(process)
    tap.ok(result.code == 0 and unfinished() == before, "the orphan of an earlier process of this number goes", result)
FILTER = ["filter", "--stats", tap.path("stats.json"), *INPUTS, "-o"]


def whole_masks(folder):
    """Finished masks; every one has to be a whole PNG."""
    count = 0
    for name, data in tree(folder).items():
        if name.endswith(".png"):
            Png(data)
            count += 1
    return count


def count(folder):
    return sum(name.endswith(".png") for name in everything(folder))


def stop_midway(folder, how, masks, before=(), stems=()):
    """Sends a signal when that many masks are there, those of `stems` among them, and not all. Returns the Result."""
    def heed():
        # Whoever runs the tests may ignore it: nohup, or a shell in the background.
        signal.signal(how, signal.SIG_DFL)

    def begin():
        shutil.rmtree(folder, ignore_errors=True)
        return subprocess.Popen([*before, TOOL, *FILTER, folder, "-j2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                preexec_fn=None if how == signal.SIGKILL else heed)

    def done():
        return count(folder) if all(os.path.exists(f"{folder}/masks/{stem}.png") for stem in stems) else 0
    return ended_midway(begin, done, masks, MASKS, how)


result = run(*FILTER, tap.path("calm"))
tap.ok(result.code == 0, "an undisturbed run", result)
calm = tree(tap.path("calm"))
tap.equal(sum(name.endswith(".png") for name in calm), MASKS, "it wrote every mask")

for round in range(4):
    folder = tap.path(f"killed{round}")
    result = stop_midway(folder, signal.SIGKILL, 3 + 12 * round)
    done = whole_masks(folder)
    tap.ok(result.code == -9 and done < MASKS, f"killed at about {3 + 12 * round} masks ({done} were whole)", result)
    result = run(*FILTER, folder, "--resume")
    tap.ok(result.code == 0, "it goes on with --resume", result)
    tap.equal(sorted(tree(folder)), sorted(calm), "the same files as undisturbed")
    tap.ok(tree(folder) == calm, "the same bytes as undisturbed")

# Killed twice, resumed twice.
folder = tap.path("twice")


def killed_and_begun_again():
    stop_midway(folder, signal.SIGKILL, 5)
    return start(*FILTER, folder, "--resume", "-j1")


ended_midway(killed_and_begun_again, lambda: count(folder), 20, MASKS)
result = run(*FILTER, folder, "--resume")
tap.ok(result.code == 0 and tree(folder) == calm, "killed twice, resumed twice: the same bytes", result)

# What is done is not done again: finished masks keep their time stamps.
folder = tap.path("kept")
stop_midway(folder, signal.SIGKILL, 20)
stamps = {n: os.stat(os.path.join(folder, n)).st_mtime_ns for n in tree(folder) if n.endswith(".png")}
result = run(*FILTER, folder, "--resume")
again = sum(os.stat(os.path.join(folder, n)).st_mtime_ns != t for n, t in stamps.items())
tap.ok(result.code == 0 and again <= 2, "finished masks are not done again", f"{again} of {len(stamps)}")

# Masks are not flushed one by one: what a crash of the machine leaves of them is done again.
DAMAGES = (lambda data: b"", lambda data: data[:len(data) // 2], lambda data: bytes(len(data)),
           lambda data: data[:60] + bytes(8) + data[68:])
folder = tap.path("damaged")
result = stop_midway(folder, signal.SIGKILL, 30)
done = [n for n in tree(folder) if n.endswith(".png")]
tap.ok(result.code == -9 and len(done) >= 20, "killed with masks to damage", f"{len(done)}")
for i, name in enumerate(done[:16]):
    path = os.path.join(folder, name)
    with open(path, "rb") as file:
        data = file.read()
    write(path, DAMAGES[i % 4](data))
result = run(*FILTER, folder, "--resume")
tap.ok(result.code == 0 and tree(folder) == calm, "damaged masks are done again", result)

# What was made of inputs that have changed since is done again: rewritten ones, ones that were moved
# into place with their old dates, and either half of the inputs; then all is as if done at once.
CHANGED = ["0/0", "0/102", "0/105", "0/108"]


def change(i, stem):
    """A loss map that drops everything, or a mask of other classes, in an old file's place or over it."""
    path, data = tap.path(f"losses/{stem}.npy"), npy(np.full((300, 300), 100, np.float32))
    if i % 2:
        path = tap.path(f"masks/{stem}.png")
        labels = Png(originals[f"masks/{stem}.png"]).pixels
        data = png(np.where((labels > 0) & (labels < 255), labels % 150 + 1, labels).astype(np.uint8))
    if i < 2:
        write(path, data)
        return
    write(path + ".new", data)
    os.utime(path + ".new", (1, 1))
    os.replace(path + ".new", path)


originals = {name: open(tap.path(name), "rb").read() for stem in CHANGED
             for name in (f"masks/{stem}.png", f"losses/{stem}.npy")}
folder = tap.path("changed")
result = stop_midway(folder, signal.SIGKILL, 30, stems=CHANGED)
tap.ok(result.code == -9, "killed with masks whose inputs will change", result)
for i, stem in enumerate(CHANGED):
    change(i, stem)
process = start(*FILTER, folder, "--resume", "-j1") # killed once more, while it does them again
time.sleep(0.02)
process.kill()
Result(process)
result = run(*FILTER, folder, "--resume")
tap.ok(result.code == 0, "a run goes on whose inputs have changed", result)
result = run(*FILTER, tap.path("at once"))
tap.ok(result.code == 0 and tree(tap.path("at once")) == tree(folder), "the same bytes as at once", result)
tap.ok(tree(folder) != calm, "they are not what they were")
for name, data in originals.items():
    write(tap.path(name), data)
result = run(*FILTER, folder, "--resume")
tap.ok(result.code == 2 and "changed" in result.err and "--overwrite" in result.err,
       "a finished run whose inputs have changed is refused", result)
result = run(*FILTER, folder, "--overwrite")
tap.ok(result.code == 0 and tree(folder) == calm, "--overwrite takes the originals", result)

# --resume of a finished run changes nothing; without --resume it is refused.
stamps = {n: os.stat(os.path.join(folder, n)).st_mtime_ns for n in tree(folder)}
result = run(*FILTER, folder, "--resume")
tap.ok(result.code == 0, "--resume of a finished run", result)
tap.equal({n: os.stat(os.path.join(folder, n)).st_mtime_ns for n in tree(folder)}, stamps,
          "it rewrites nothing")
result = run(*FILTER, folder)
tap.ok(result.code == 2 and tree(folder) == calm, "another run into the folder is refused", result)
result = run(*FILTER, folder, "--tolerance", "2", "--resume")
tap.ok(result.code == 2 and tree(folder) == calm, "--resume with other flags is refused", result)
result = run(*FILTER, tap.path("fresh"), "--resume")
tap.ok(result.code == 0 and tree(tap.path("fresh")) == calm, "--resume of nothing is a run", result)

# Ctrl-C: 130, one line, whole files, and --resume goes on.
for how in (signal.SIGINT,) if WINE else (signal.SIGINT, signal.SIGTERM, signal.SIGHUP): # Windows has no others
    folder = tap.path(f"interrupted{int(how)}")
    result = stop_midway(folder, how, 10)
    name = how.name
    tap.ok(result.code == 130, f"{name}: exit code 130", result)
    tap.ok(result.err.count("\n") == 1 and result.err.startswith("freemask: "), f"{name}: one line", result)
    names = everything(folder)
    tap.ok(not any(n.endswith(".fm-part") for n in names), f"{name}: no unfinished file", names)
    tap.ok(10 <= whole_masks(folder) <= MASKS, f"{name}: whole masks only")
    result = run(*FILTER, folder, "--resume")
    tap.ok(result.code == 0 and tree(folder) == calm, f"{name}: --resume gives the same bytes", result)

# A signal that whoever started the tool ignores is not for it: nohup, `freemask ... &` in a script.
for how in () if WINE else (signal.SIGINT, signal.SIGHUP):
    folder = tap.path(f"ignored{int(how)}")
    result = stop_midway(folder, how, 10, ["sh", "-c", f'trap "" {int(how)}; exec "$@"', "sh"])
    tap.ok(result.code == 0 and tree(folder) == calm, f"{how.name}, ignored: the run ends as if nothing had been", result)

tap.done()
