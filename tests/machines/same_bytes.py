# machines/same_bytes.py - the tool of another kind of machine writes what this machine's writes, byte for byte.
# SPDX-License-Identifier: MIT
"""FREEMASK_TOOL is this machine's, FREEMASK_OTHER_TOOL the command line of the other one's, its emulator first.
Losses that the library makes itself are not among the inputs: their last bits may differ (doc/promises.md)."""
import io
import os
import re
import shlex
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cli"))
from kit import *
from PIL import Image

OTHER = shlex.split(os.environ["FREEMASK_OTHER_TOOL"])
FORMATS = re.search(r"what for: (.*?) \(required\)", run("export", "--help").out.replace("\n", " ")).group(1).split(", ")


def jpeg(rng, shape):
    data = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (*shape, 3)).astype(np.uint8)).save(data, "JPEG")
    return data.getvalue()


def make_world(top, space, depth):
    """Real and synthetic masks with images and losses: of both byte orders, with values that must not count."""
    rng = np.random.default_rng(depth)
    for kind, stems in (("real", [f"{i}" for i in range(6)]),
                        ("synthetic", [f"{i}_seed_{seed}" for i in range(6) for seed in range(42, 46)])):
        for i, stem in enumerate(stems):
            shape = tuple(rng.integers(20, 90, 2))
            mask = random_mask(rng, space, shape, largest=(1 << depth) - 1)
            loss = random_loss(rng, space, mask, [np.float32, np.float16, np.float64][i % 3])
            write(f"{top}/{kind}/masks/{stem}.png", png(mask, depth, interlaced=i % 4 == 3))
            write(f"{top}/{kind}/losses/{stem}.npy", npy(loss.astype(loss.dtype.newbyteorder("<>"[i % 2]))))
            write(f"{top}/{kind}/images/{stem}.jpg", jpeg(rng, shape))


def jobs(labels):
    """What a user would start, in order."""
    images = [word for kind in ("real", "synthetic") for word in (f"--{kind}-images", f"{kind}/images")]
    masks = [word for kind in ("real", "synthetic") for word in (f"--{kind}-masks", f"{kind}/masks")]
    losses = [word for kind in ("real", "synthetic") for word in (f"--{kind}-losses", f"{kind}/losses")]
    yield ["run", "--labels", labels, *masks, *images, *losses, "--seeds", "42:46", "--n-max", "4",
           "-o", "out/run"]
    yield ["hardness", "--labels", labels, "--masks", "real/masks", "--losses", "real/losses",
           "--stats", "out/run/stats.json", "--measure", "worst-class", "-o", "out/hardness.csv"]
    for name in FORMATS:
        # One that is for a generator takes no images that are there.
        yield ["export", "--to", name, "--labels", labels, "--plan", "out/run/plan.csv", "--real-masks", "real/masks",
               "-o", f"out/jobs/{name}"]
        yield ["export", "--to", name, "--labels", labels, "--plan", "out/run/plan.csv", "--real-masks", "real/masks",
               "--real-images", "real/images", "--synthetic", "out/run/masks", "--images", "synthetic/images",
               "--train-ids", "-o", f"out/lists/{name}"]


def results(command, folder, labels):
    """What each job says, and every file that it writes. The inputs stay the very same files."""
    shutil.rmtree(f"{folder}/out", ignore_errors=True)
    os.mkdir(f"{folder}/out")
    os.mkdir(f"{folder}/out/jobs")
    os.mkdir(f"{folder}/out/lists")
    says = {}
    for job in jobs(labels):
        done = subprocess.run([*command, *job, "-j", "2", "--json"], cwd=folder, capture_output=True, check=False)
        says[f"{job[0]} -o {job[-1]}"] = (done.returncode, done.stdout, done.stderr)
    return says, tree(f"{folder}/out")


def compare(name, labels, space, depth):
    folder = tap.path(name)
    make_world(folder, space, depth)
    write(f"{folder}/own.csv", labels_csv(space))
    said, files = results([TOOL], folder, labels)
    other_said, other_files = results(OTHER, folder, labels)
    for job, result in said.items():
        tap.ok(other_said[job] == result, f"{name}: {job} says the same", f"here:  {result}\nthere: {other_said[job]}")
    tap.ok(said["run -o out/run"][0] == 0, f"{name}: something was computed", said["run -o out/run"])
    differ = [path for path in sorted(files.keys() | other_files.keys()) if files.get(path) != other_files.get(path)]
    tap.ok(len(files) > 40 and not differ, f"{name}: the same {len(files)} files", "\n".join(differ))
    return {job.rsplit("/", 1)[-1] for job, result in said.items() if result[0] == 0}


written = compare("8 bits", "ade20k", ref.preset("ade20k"), 8)
tap.equal(sorted(written), sorted(["run", "hardness.csv", *FORMATS]), "every format was among them")
compare("16 bits", "own.csv", own_space(), 16)
tap.done()
