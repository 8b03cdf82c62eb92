#!/usr/bin/env python3
# python/test_job.py - jobs in tasks against freemask.curate; tars in and out, good and bad ones.
# SPDX-License-Identifier: MIT
import io
import json
import os
import pickle
import random
import subprocess
import sys
import tarfile
import tracemalloc

import kit
import tap

tap.need("numpy", "PIL")
import freemask as fm
import numpy as np
from PIL import Image

import engine_world as world

REAL, SYNTHETIC = world.samples(1, 9, "r"), world.samples(2, 13, "s")
SETS = [fm.Folder(*world.folder(tap.path(name), some)) for name, some in (("real", REAL), ("syn", SYNTHETIC))]

# ---- Folders: the same bytes as curate ----------------------------------------------------------------------
fm.curate(world.segmenter, *SETS, "camvid", out=tap.path("curated"), progress=False)
TRUTH = world.content(tap.path("curated"))
PARTS = [fm.FolderParts(one, 4) for one in SETS]


def job(out, **more):
    return fm.Job(world.segmenter, *PARTS, "camvid", tap.path(out), **more)


made = job("run").run()
tap.equal(world.content(tap.path("run")), TRUTH, "a job leaves what curate leaves, to the byte")
tap.equal((made.images, made.report.valid), (13, sum(int((mask < 11).sum()) for _, _, mask in SYNTHETIC)), "its result")
fm.Job(world.segmenter, *SETS, "camvid", tap.path("batched"), batch=3).run()
tap.equal(world.content(tap.path("batched")), TRUTH, "with batches and parts of another size")
by_class = fm.Job(world.Slow, *PARTS, "camvid", tap.path("by-class"))
by_class.run()
tap.equal(world.content(tap.path("by-class")), TRUTH, "a class as the segmenter")

# Tasks in any order, twice, each in a process' state of its own.
steps, order = job("steps"), random.Random(4)
for stage in steps.stages:
    numbers = [*range(steps.tasks(stage))] * 2
    order.shuffle(numbers)
    did = [pickle.loads(pickle.dumps(steps)).work(stage, number) for number in numbers]
    tap.equal(sum(did), steps.tasks(stage), f"{stage}: what is done is not done twice")
    steps.join(stage)
steps.finish()
tap.equal(world.content(tap.path("steps")), TRUTH, "tasks in any order")

# ---- Shards, and other policies ------------------------------------------------------------------------------
shards = [fm.FolderParts(one, shards=5) for one in SETS]
tap.ok(all({pair[0] for pair in part.pairs} == {id for id, _, _ in some if fm.shard_of(id, 5) == i}
           for one, some in zip(shards, (REAL, SYNTHETIC)) for i, part in enumerate(one.parts)), "shards have the images that shard_of says")
fm.Job(world.segmenter, *shards, "camvid", tap.path("shards")).run()
tap.equal(world.content(tap.path("shards")), TRUTH, "a job in shards: the same bytes")
whole = [fm.Folder(*world.folder(tap.path("more"), [*SYNTHETIC, *world.samples(3, 4, "x")]))]
tap.ok([{pair[0] for pair in part.pairs if pair[0][0] == "s"} for part in fm.FolderParts(whole[0], shards=5).parts]
       == [{pair[0] for pair in part.pairs} for part in shards[1].parts], "images that are added move no other one")
tap.ok(kit.raises(ValueError, lambda: fm.FolderParts(SETS[0], shards=-1), "-1"), "shards are counted")


def loss_of(image):
    return world.segmenter([image])[0]


def truth_of(policy, **options):
    """The filtered masks of the policy, by the calls that the job is made of."""
    strata = fm.boundary_strata if policy == "strata" else lambda mask: None
    losses = fm.ClassStats("camvid", 8 if policy == "strata" else 1, 32)
    for _, image, mask in REAL:
        losses.add(mask, loss_of(image), strata(mask))
    stats = losses
    if policy == "strata":
        stats = fm.ClassStats("camvid", histogram=32, ranks=losses)
        for _, image, mask in REAL:
            stats.add(mask, loss_of(image), strata(mask))
    noise = fm.NoiseFilter(stats, policy=policy, **options)
    return stats, losses, {id: noise.apply(mask, loss_of(image), strata(mask)) for id, image, mask in SYNTHETIC}


for policy, options in (("quantile", {"real_share": .2, "min_kept_share": .3}), ("strata", {"real_share": .3})):
    stats, losses, masks = truth_of(policy, **options)
    done = fm.Job(world.Slow, *shards, "camvid", tap.path(policy), policy=policy, **options)
    result = done.run()
    files = world.content(tap.path(policy))
    tap.ok(all(np.array_equal(np.array(Image.open(tap.path(policy, f"masks/{id}.png"))), mask) for id, mask in masks.items()),
           f"{policy}: masks as of the single calls")
    tap.ok(any((mask != masks[id]).any() for id, _, mask in SYNTHETIC) and result.stats.to_bytes() == stats.to_bytes(),
           f"{policy}: something is dropped, by these statistics")
    scores = fm.Hardness(losses)
    tap.ok(all(result.plan[id].hardness == scores.score(mask) for id, _, mask in REAL), f"{policy}: hardness is of the losses")
    again = fm.Job(world.Slow, *PARTS, "camvid", tap.path(policy + "-again"), policy=policy, **options)
    for stage in again.stages:
        for number in reversed(range(again.tasks(stage))):
            pickle.loads(pickle.dumps(again)).work(stage, number)
        again.join(stage)
    again.finish()
    tap.equal(world.content(tap.path(policy + "-again")), files, f"{policy}: other parts, each task in another process")

# ---- Paired: against the tool, which keeps references as well ---------------------------------------------------
TOOL = os.environ.get("FREEMASK_TOOL", os.path.join(tap.BUILD, "tool", "freemask"))
made_of = [(f"{id}_seed_{seed}", image[:, ::-1].copy() if seed == 7 else image // 2, mask) for id, image, mask in REAL for seed in (7, 42)]
made_of.append((REAL[3][0], REAL[2][1], REAL[3][2]))  # of the same name
twins = fm.FolderParts(fm.Folder(*world.folder(tap.path("twins"), made_of)), 5)
for name, some in (("real", REAL), ("twins", made_of)):
    os.makedirs(tap.path(name, "losses"), exist_ok=True)
    for id, image, _ in some:
        np.save(tap.path(name, "losses", id + ".npy"), loss_of(image))
told = subprocess.run([TOOL, "run", "--labels", "camvid", "--real-masks", tap.path("real/masks"), "--real-losses", tap.path("real/losses"), "--quiet",
                       "--synthetic-masks", tap.path("twins/masks"), "--synthetic-losses", tap.path("twins/losses"), "--policy", "paired", "--resize", "none",
                       "--references", tap.path("codes"), "-o", tap.path("told")], capture_output=True, text=True)
paired = fm.Job(world.Slow, PARTS[0], twins, "camvid", tap.path("paired"), policy="paired", batch=2)
for stage in paired.stages:
    for number in reversed(range(paired.tasks(stage))):
        pickle.loads(pickle.dumps(paired)).work(stage, number)
    paired.join(stage)
result = paired.finish()
tap.ok(told.returncode == 0 and all(np.array_equal(np.array(Image.open(tap.path("told/masks", id + ".png"))),
                                                   np.array(Image.open(tap.path("paired/masks", id + ".png")))) for id, _, _ in made_of),
       "paired: the masks of the tool", told.stderr)
tap.equal(open(tap.path("paired/filter.csv"), "rb").read(), open(tap.path("told/filter.csv"), "rb").read(), "and its table")
tap.ok(result.report.dropped and not os.path.exists(tap.path("paired/.parts")), "something is dropped, and no reference is left", result)
renamed = fm.Folder(*world.folder(tap.path("renamed"), [("x" + id.partition("_")[0], image, mask) for id, image, mask in made_of if id.endswith("_7")]))
fm.Job(world.segmenter, PARTS[0], renamed, "camvid", tap.path("named"), policy="paired", real_of=lambda id: id[1:]).run()
tap.ok(all(open(tap.path("named/masks", f"x{id}.png"), "rb").read() == open(tap.path("paired/masks", f"{id}_seed_7.png"), "rb").read()
           for id, _, _ in REAL), "real_of says which real image it is")
tap.ok(kit.raises(ValueError, lambda: fm.Job(world.segmenter, *PARTS, "camvid", tap.path("no"), policy="paired").run(), "s0000", "no real image", "strata"),
       "a synthetic image without a real one")
alone = fm.Job(world.segmenter, *PARTS, "camvid", tap.path("alone"), policy="paired", without_reference="strata").run()
tap.ok(alone.images == 13 and alone.report.dropped, "may be judged without", alone)
tap.ok(kit.raises(ValueError, lambda: job("no", real_of=str), "real_of", "paired"), "other policies have no use for names")
tap.ok(kit.raises(ValueError, lambda: job("no", policy="odd"), "odd", "paired"), "a policy that is none")
tap.ok(kit.raises(ValueError, lambda: job("no", plan={"policy": "yield"}), "yield"), "yield needs a finished job")
of = fm.Labels("camvid")
counts = {id: of.count(mask) for id, _, mask in REAL}
for policy in ("uniform", "rare-class"):
    ids = sorted(counts)
    planned = job(f"plan-{policy}", plan={"policy": policy, "budget": 40}, n_max=7).run()
    wanted = fm.plan(ids, [made.plan[id].hardness for id in ids], n_max=7, policy=policy, budget=40,
                     class_pixels=[counts[id] for id in ids] if policy == "rare-class" else None)
    tap.ok(planned.plan == wanted and planned.plan.images == 40, f"plans by {policy}")

# A pickle may call only what a module has by its name: cloudpickle, of Dask and Ray, takes all else apart.
calibration = fm.Calibration(fm.ClassStats("camvid", histogram=32))
calibration.add(REAL[0][2], loss_of(REAL[0][1]))
for one in (made.plan, made.stats, fm.NoiseFilter(made.stats), fm.Hardness(made.stats), of, calibration,
            fm.NoiseFilter.calibrated(calibration)):
    call = one.__reduce__()[0]
    tap.ok(getattr(sys.modules[call.__module__], call.__qualname__, None) is call, f"{type(one).__name__} pickles by a function of a module")

half = job("half")
half.work("stats", 1)
tap.ok(kit.raises(RuntimeError, lambda: half.join("stats"), "task 0", "work('stats', 0)"), "what was not done is named")
tap.ok(kit.raises(RuntimeError, lambda: half.work("filter", 0), "join('stats')"), "a stage too early")
tap.ok(job("half").work("stats", 1) is False and job("half", version="2").work("stats", 1), "another segmenter does it again")
os.utime(tap.path("real/masks/r0004.png"), (1, 1))
tap.ok(job("half", version="2").work("stats", 1), "a file that changed, too")
with open(tap.path("half/.parts/stats-00000001.json"), "w", encoding="utf-8") as file:
    file.write('{"format": "free')
tap.ok(job("half").work("stats", 1), "half a record is none")

# ---- Killed at any time -------------------------------------------------------------------------------------
SCRIPT = """
import sys, freemask as fm, engine_world as world
sets = [fm.FolderParts(fm.Folder(top + "/images", top + "/masks"), 4) for top in sys.argv[1:3]]
fm.Job(world.Slow(sys.argv[4]), *sets, "camvid", sys.argv[3], version="1").run()
"""


def killed(command, deadly):
    """Runs until nothing kills it any more; returns how often it was killed."""
    kills = 0
    while subprocess.run(command, env={**os.environ, "PYTHONPATH": os.pathsep.join([os.path.dirname(__file__), os.environ["PYTHONPATH"]])},
                         stderr=subprocess.DEVNULL).returncode:
        kills += 1
        if kills > 2 * deadly:
            break
    return kills


def poison(folder, images):
    """The segmenter dies at these images, once each."""
    os.makedirs(folder, exist_ok=True)
    for image in images:
        open(os.path.join(folder, world.hashlib.sha256(image.tobytes()).hexdigest()[:16]), "w", encoding="utf-8").close()


poison(tap.path("deadly"), [REAL[5][1], SYNTHETIC[2][1], SYNTHETIC[7][1]])
tap.equal(killed([sys.executable, "-c", SCRIPT, tap.path("real"), tap.path("syn"), tap.path("killed"), tap.path("deadly")], 3), 3,
          "killed three times")
tap.equal(world.content(tap.path("killed")), TRUTH, "and the same bytes in the end")

# ---- Tars ---------------------------------------------------------------------------------------------------
real = world.tars(tap.path("wds"), "real", REAL, 4)
syn = world.tars(tap.path("wds"), "syn", SYNTHETIC, 5)


def tar_job(out, real_tars="", syn_tars=""):
    return fm.Job(world.segmenter, fm.Tars(real_tars or tap.path("wds/real-{000..002}.tar")), fm.Tars(syn_tars or tap.path("wds/syn-*.tar")),
                  "camvid", tap.path(out))


tar_job("tars").run()
got = world.content(tap.path("tars"))
tap.equal({name: got[name] for name in got if name.endswith(("csv", "json"))}, {name: TRUTH[name] for name in TRUTH if name.endswith(("csv", "json"))},
          "tars: tables and statistics are those of the folders")
found = {}
for path in (tap.path("tars", f"syn-{i:03d}.tar") for i in range(3)):
    with tarfile.open(path) as tar:
        headers = tar.getmembers()
        found.update((header.name, tar.extractfile(header).read()) for header in headers)
tap.ok(all(found[f"{id}.seg.png"] == open(tap.path("curated/masks", id + ".png"), "rb").read() for id, _, _ in SYNTHETIC), "masks as in the folder")
tap.ok(all(np.array_equal(np.array(Image.open(io.BytesIO(found[f"{id}.ignore.png"]))) == 255,
                          np.array(Image.open(io.BytesIO(found[f"{id}.seg.png"]))) != mask) for id, _, mask in SYNTHETIC), "ignore maps say what was dropped")
tap.ok(all(found[f"{id}.png"] == world.png(image) and found[f"{id}.json"] == b"{}" for id, image, _ in SYNTHETIC), "other members are copied")
tap.equal(json.loads(found["s0000.freemask.json"])["dropped"], int((np.array(Image.open(io.BytesIO(found["s0000.seg.png"]))) != SYNTHETIC[0][2]).sum()),
          "freemask.json counts them")
tap.ok(all((one.mtime, one.uid, one.gid, one.uname, one.mode) == (0, 0, 0, "", 0o644) for one in headers), "headers without time and owner")
tar_job("again").run()
tap.equal(world.content(tap.path("again")), got, "a second attempt: the same bytes")
with_losses = [world.tars(tap.path("losses"), name, some, 4, losses=True) for name, some in (("real", REAL), ("syn", SYNTHETIC))]
fm.Job(None, *map(fm.Tars, with_losses), "camvid", tap.path("of-losses")).run()
tap.equal(world.content(tap.path("of-losses"))["filter.csv"], TRUTH["filter.csv"], "losses in the tars, no segmenter")
names = [one.name for one in tarfile.open(tap.path("of-losses/syn-000.tar"))]
tap.ok("s0000.png" in names and not any("loss" in one for one in names), "losses are not copied")

# ---- Bad tars -----------------------------------------------------------------------------------------------
WHOLE = open(syn[0], "rb").read()


def bad(data, kind, *says, name="bad"):
    with open(tap.path("bad.tar"), "wb") as file:
        file.write(data)
    out = f"bad-{name.replace(' ', '-')}"
    good = kit.raises(kind, lambda: tar_job(out, syn_tars=tap.path("bad.tar")).run(), "bad.tar", *says)
    left = [one for one in os.listdir(tap.path(out)) if one.endswith((".tar", ".part"))]
    tap.ok(good and not left, f"{name}: said, and nothing is left", left)


GOOD = {"s.png": world.png(SYNTHETIC[0][1]), "s.seg.png": world.png(SYNTHETIC[0][2])}
with tarfile.open(fileobj=io.BytesIO(WHOLE)) as tar:
    starts = [one.offset for one in tar.getmembers()]
bad(WHOLE[:starts[4]], fm.FormatError, "end mark", "'s0000'", name="cut between two members")
bad(WHOLE[:starts[4] + 600], fm.FormatError, "'s0000'", name="cut within one")
bad(WHOLE[:starts[5]] + b"x" * 512 + WHOLE[starts[5] + 512:], fm.FormatError, "'s0000'", name="a damaged header")
bad(b"no tar" * 1000, fm.FormatError, name="no tar")
bad(b"", fm.FormatError, name="empty")
bad(world.tar_bytes([("s.seg.png", GOOD["s.seg.png"])]), fm.FormatError, "'s' has no image", "seg.png", name="no image")
bad(world.tar_bytes([("s.png", GOOD["s.png"])]), fm.FormatError, "'s' has no mask", name="no mask")
bad(world.tar_bytes([*GOOD.items(), ("s.png", b"")]), fm.DuplicateError, "s.png", name="a member twice")
bad(world.tar_bytes([*GOOD.items(), *[(name.replace("s.", "t."), data) for name, data in GOOD.items()], *GOOD.items()]), fm.DuplicateError, "'s'",
    name="a sample twice")
bad(world.tar_bytes([*GOOD.items(), ("s.mask.png", GOOD["s.seg.png"])]), fm.DuplicateError, "seg.png and mask.png", name="two masks")
bad(world.tar_bytes([("s.png", GOOD["s.png"]), ("s.seg.png", b"\x89PNG\r\n\x1a\n")]), fm.FormatError, "s.seg.png", name="a broken mask")
bad(world.tar_bytes([("s.png", GOOD["s.png"]), ("s.seg.png", world.png(np.full(world.SHAPE, 99, np.uint8)))]), fm.LabelError, "'s'", "99", name="a bad label")
bad(world.tar_bytes([("s.png", world.png(np.zeros((3, 3, 3), np.uint8))), ("s.seg.png", GOOD["s.seg.png"])]), fm.ShapeError, "'s'", name="another size")
link = io.BytesIO()
with tarfile.open(fileobj=link, mode="w") as tar:
    header = tarfile.TarInfo("s.png")
    header.type, header.linkname = tarfile.SYMTYPE, "/etc/passwd"
    tar.addfile(header)
bad(link.getvalue(), fm.FormatError, "link", name="a link")
tap.ok(kit.raises(ValueError, lambda: fm.Tars(tap.path("none-*.tar")), "none-*.tar"), "no tar")
tap.ok(kit.raises(FileNotFoundError, lambda: tar_job("gone", syn_tars=tap.path("gone-{0..1}.tar")).run(), "gone-0.tar"), "a tar that is not there")
tap.ok(kit.raises(fm.DuplicateError, lambda: tar_job("twice", real_tars=[*real, world.tars(tap.path("x"), "other", REAL[:1], 1)[0]]).run(), "r0000"),
       "one id in two tars")

# Extra members, names with "./", folders, small and capital letters; compressed.
extra = [("./a/B.x1.PNG", GOOD["s.png"]), ("./a/B.x1.SEG.PNG", b""), ("README", b"hello"), (".hidden.png", b"")]
with open(tap.path("extra.tar"), "wb") as file:
    file.write(world.tar_bytes(extra))
tap.equal([(one.key, sorted(one.members)) for one in fm.read_tar(tap.path("extra.tar"))], [("a/B", ["x1.png", "x1.seg.png"])], "what belongs to a sample")
with tarfile.open(tap.path("z.tar.gz"), "w:gz") as tar:
    for name, data in GOOD.items():
        header = tarfile.TarInfo(name)
        header.size = len(data)
        tar.addfile(header, io.BytesIO(data))
tap.equal([one.members for one in fm.read_tar(tap.path("z.tar.gz"))], [{name[2:]: data for name, data in GOOD.items()}], "a compressed tar")
bad(open(tap.path("z.tar.gz"), "rb").read()[:-200], fm.FormatError, name="a compressed tar that is cut")

# ---- Writer -------------------------------------------------------------------------------------------------
for i in range(2):
    with fm.TarWriter(tap.path(f"w{i}.tar")) as tar:
        tar.add("a" * 150 + "/\u00e4", {"b": b"2", "a": b"1"})
tap.ok(open(tap.path("w0.tar"), "rb").read() == open(tap.path("w1.tar"), "rb").read(), "long names and umlauts: the same bytes")
tap.equal(next(fm.read_tar(tap.path("w0.tar"))), ("a" * 150 + "/\u00e4", {"a": b"1", "b": b"2"}), "read again")


def breaks():
    with fm.TarWriter(tap.path("w0.tar")) as tar:
        tar.add("c", {"d": b""})
        raise KeyError("mine")


before = world.content(tap.path())
tap.ok(kit.raises(KeyError, breaks, "mine") and world.content(tap.path()) == before, "an exception leaves the old tar, and nothing else")
tap.ok(kit.raises(ValueError, lambda: fm.TarWriter(tap.path("w2.tar")).add("a.b", {"c": b""}), "a.b"), "a key with a dot")

# ---- Memory -------------------------------------------------------------------------------------------------
with open(tap.path("big.tar"), "wb") as file:
    file.write(world.tar_bytes([(f"{i:05d}.bin", bytes(1 << 20)) for i in range(60)]))
tracemalloc.start()
tap.equal(sum(len(one.members["bin"]) for one in fm.read_tar(tap.path("big.tar"))), 60 << 20, "60 MiB in 60 samples")
peak = tracemalloc.get_traced_memory()[1]
tap.ok(peak < 6 << 20, "take the memory of a few", peak)
tap.done()
