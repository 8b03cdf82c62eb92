# cli/export_world.py - two small sets with a plan, and names that hurt, for the tests of export.
# SPDX-License-Identifier: MIT
import csv
import io

from kit import *
from PIL import Image

rng = np.random.default_rng(31)
NASTY = ["plain", "two words", 'quo"te', "apos'trophe", "com,ma", "uml\u00e4ut", "\u65e5\u672c/\u8a9e",
         "sub/dir/deep", "per%20cent", "{{ fileDirname }}", "back\\slash", "dots.in.name", "$HOME`x`",
         "#hash", "semi;colon", "-dash", "=cmd", "+1", "@sum", "nb\u00a0sp", "em\U0001f600ji", "a[1]*?"]
PLAN = {name: sorted(rng.choice(np.arange(42, 52), rng.integers(1, 6), replace=False).tolist()) for name in NASTY}
STEMS = [f"{name}_seed_{seed}" for name in sorted(PLAN, key=lambda n: n.encode()) for seed in PLAN[name]]
TIMES = ref.times(len(STEMS), len(PLAN))


def plan_csv(plan):
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["mask", "hardness", "rank", "count", "seeds"])
    for rank, (name, seeds) in enumerate(sorted(plan.items()), 1):
        table.writerow([name, 0.5, rank, len(seeds), " ".join(map(str, seeds))])
    return out.getvalue().encode()


def image(seed):
    data = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 16, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(data, "JPEG")
    return data.getvalue()


def make_world(tap, top, suffix, labels):
    """A plan, both sets, and synthetic images that the plan does not ask for."""
    write(tap.path(top, "plan.csv"), plan_csv(PLAN))
    for i, name in enumerate(PLAN):
        write(tap.path(top, "real/masks", name + suffix), png(random_mask(rng, labels, (12, 16))))
        write(tap.path(top, "real/images", name + ".jpg"), image(i))
        for seed in range(42, 52):
            write(tap.path(top, "syn/masks", f"{name}_seed_{seed}{suffix}"), png(random_mask(rng, labels, (12, 16))))
            write(tap.path(top, "syn/images", f"{name}_seed_{seed}.jpg"), image(100 * i + seed))


def files_of(kind, top, suffix, train_ids=None):
    """(stem, image, mask) of a set, as the plan has them."""
    part = "syn" if kind == "synthetic" else "real"
    masks = f"{train_ids}/train_ids/{kind}" if train_ids else f"{top}/{part}/masks"
    stems = STEMS if kind == "synthetic" else sorted(PLAN, key=lambda n: n.encode())
    return [(stem, f"{top}/{part}/images/{stem}.jpg", f"{masks}/{stem}{suffix}") for stem in stems]
