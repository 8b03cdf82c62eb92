#!/usr/bin/env python3
# engines/test_ranks.py - a job under torchrun with gloo: ranks killed, torchrun's restarts, started again.
# SPDX-License-Identifier: MIT
import os
import random
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "python"))
import kit  # noqa: F401 - finds the package
import tap

tap.need("numpy", "PIL", "torch")
import freemask as fm

import engine_world as world

REAL, SYNTHETIC = world.samples(1, 9, "r"), world.samples(2, 13, "s")
SETS = [fm.FolderParts(fm.Folder(*world.folder(tap.path(name), some)), 4) for name, some in (("real", REAL), ("syn", SYNTHETIC))]
fm.Job(world.segmenter, *SETS, "camvid", tap.path("one")).run()
TRUTH = world.content(tap.path("one"))
with open(os.path.join(tap.SOURCE, "doc", "engines.md"), encoding="utf-8") as page:
    SNIPPET = re.search(r"```python\n(# torchrun.*?)```", page.read(), re.S).group(1)
SNIPPET = SNIPPET.replace("hours=6", "seconds=60")  # also for connecting, in which ranks were seen to wait for each other after a restart
with open(tap.path("rank.py"), "w", encoding="utf-8") as script:
    script.write("""
import os, sys, freemask as fm, engine_world as world
sets = [fm.FolderParts(fm.Folder(top + "/images", top + "/masks"), 4) for top in sys.argv[1:3]]
job = fm.Job(world.Slow(sys.argv[4]), *sets, "camvid", sys.argv[3])
""" + SNIPPET + """
assert (result is None) == (os.environ["RANK"] != "0")
""")
os.environ["PYTHONPATH"] = os.pathsep.join([os.environ["PYTHONPATH"], os.path.dirname(world.__file__)])


def torchrun(out, deadly, restarts, script="rank.py", folder="deadly"):
    os.makedirs(tap.path("deadly"), exist_ok=True)
    for image in deadly:
        open(os.path.join(tap.path("deadly"), world.hashlib.sha256(image.tobytes()).hexdigest()[:16]), "w", encoding="utf-8").close()
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", f"--max-restarts={restarts}",
               tap.path(script), tap.path("real"), tap.path("syn"), tap.path(out), tap.path(folder)]
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


done = torchrun("restarts", [REAL[5][1], SYNTHETIC[6][1]], 6)
tap.equal((done.returncode, world.content(tap.path("restarts"))), (0, TRUTH), "two ranks killed, torchrun's restarts: the bytes of one process")
done = torchrun("again", [SYNTHETIC[1][1]], 0)
tap.ok(done.returncode and os.path.exists(tap.path("again/.parts")), "without restarts the job ends")
done = torchrun("again", [], 0)
tap.equal((done.returncode, world.content(tap.path("again"))), (0, TRUTH), "and goes on when it is started again")

# ---- Ranks killed at random moments: torchrun begins them again -------------------------------------------------
KILLS = int(os.environ.get("FREEMASK_TEST_KILLS", "2"))
with open(tap.path("rank.py"), encoding="utf-8") as script:
    mortal = script.read().replace("world.Slow", "world.Mortal")
with open(tap.path("mortal.py"), "w", encoding="utf-8") as script:
    script.write(mortal)
wrong = []


def fired_at():
    return not torchrun("random", [], 2 * KILLS + 2, "mortal.py", "alive").returncode


def again(ended):
    if ended:
        wrong.extend(set(world.content(tap.path("random")).items()) ^ set(TRUTH.items()))
        shutil.rmtree(tap.path("random"))


runs = world.killed_at_random(fired_at, tap.path("alive"), KILLS, random.Random(int(os.environ.get("FREEMASK_TEST_SEED", "7"))), again)
wrong.extend(set(world.content(tap.path("random")).items()) ^ set(TRUTH.items()))
tap.ok(not wrong, f"torchrun, {KILLS} kills at random: the bytes of one process", sorted(wrong)[:9])

# Ranks that have a part of the masks each, many of equal hardness, plan together.
with open(tap.path("plan.py"), "w", encoding="utf-8") as script:
    script.write("""
import torch, torch.distributed, freemask as fm
torch.distributed.init_process_group("gloo")
rank, ids = torch.distributed.get_rank(), [f"m{i}" for i in range(500)]
hardness = [i * 7 % 40 / 8 for i in range(500)]
def total(words):
    words = torch.from_numpy(words)
    torch.distributed.all_reduce(words)
    return words
ranking = fm.rank_parts(lambda: [(ids[rank::2], hardness[rank::2])], sum_words=total)
whole = {row.mask: (row.count, row.seeds) for row in fm.plan(ids, hardness)}
own = {row.mask: (row.count, row.seeds) for row in ranking.plan(ids[rank::2], hardness[rank::2])}
assert len(own) == 250 and all(whole[mask] == row for mask, row in own.items())
torch.distributed.destroy_process_group()
""")
done = subprocess.run([sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", tap.path("plan.py")],
                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
tap.ok(done.returncode == 0, "two ranks that have half of the masks each have the plan of all", done.stdout)
tap.done()
