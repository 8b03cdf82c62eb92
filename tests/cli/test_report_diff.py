#!/usr/bin/env python3
# cli/test_report_diff.py - report A B: what two runs differ in, against NumPy, and its page in headless Chromium.
# SPDX-License-Identifier: MIT
import json
import re

from kit import *

rng = np.random.default_rng(31)
NAMES = ["road", "</script><script>window.hacked=1</script>", "<img src=x onerror=window.hacked=1>", "not there"]
K, SIZE, IMAGES = len(NAMES), (48, 64), 10
ROOT = tap.path("w")
write(f"{ROOT}/labels.csv", ("label,class,name\n255,ignore,\n" + "".join(
    f'{k},{k},"{name}"\n' for k, name in enumerate(NAMES))).encode())
write(f"{ROOT}/other.csv", b"label,class,name\n255,ignore,\n0,0,a\n1,1,b\n2,2,c\n3,3,d\n4,4,e\n")
real, made = {}, {}
for i in range(IMAGES):
    mask = np.kron(rng.integers(0, 3, (3, 4)), np.ones((16, 16), int))
    mask[:3, :5] = 255
    real[f"m<b>{i}"] = mask, rng.gamma(1.3, 0.3, SIZE).astype(np.float32)
    made[f"m<b>{i}_seed_42"] = mask, (rng.gamma(1.3, 0.3, SIZE) * (1 + (i == 3) + mask % 4)).astype(np.float32)
for folder, images in (("real", real), ("made", made)):
    for name, (mask, loss) in images.items():
        write(f"{ROOT}/{folder}/m/{name}.png", png(mask))
        write(f"{ROOT}/{folder}/l/{name}.npy", npy(loss))
        write(f"{ROOT}/{folder}/i/{name}.png", png(np.minimum(255, loss * 90).astype(np.uint8)))
tool, good, refused = commands(ROOT)
RUN = ["run", "-l", "labels.csv", "--real-masks", "real/m", "--real-losses", "real/l", "--synthetic-masks", "made/m", "--synthetic-losses",
       "made/l", "--synthetic-images", "made/i", "--real-images", "real/i", "--n-max", "1", "--seeds", "42"]
good("a run", *RUN, "-o", "a")
good("with another tolerance", *RUN, "--tolerance", "2.5", "-o", "b")
good("with another policy", *RUN, "--policy", "paired", "-o", "c")
before = {name: tree(f"{ROOT}/{name}") for name in "abc"}

# ---- The numbers ------------------------------------------------------------------------------------
diff = json.loads(good("report A B --json", "report", "a", "b", "--json").out)
means = [float(sum(loss[mask == k].sum(dtype=np.float64) for mask, loss in real.values()) /
               (sum((mask == k).sum() for mask, _ in real.values()) + 1e-5)) for k in range(K)]


def dropped(tolerance, k, of=made):
    losses = np.concatenate([loss[mask == k] for mask, loss in of.values()])
    return (losses > np.float32(tolerance * means[k])).mean() if losses.size else None


def close(got, wanted):
    return got is wanted is None or (got is not None and wanted is not None and abs(got - wanted) < 1e-9)


def kept(stem, tolerance):
    mask, loss = made[stem]
    return sum((loss[mask == k] <= np.float32(tolerance * means[k])).sum() for k in range(3)) / (mask != 255).sum()


for k, row in enumerate(diff["classes"]):
    tap.ok(row["index"] == k and row["name"] == NAMES[k] and row["changed"] == (k < 3), f"class {k}: whether it changed", row)
    tap.ok(close(row["dropped"]["a"], dropped(1.25, k)) and close(row["dropped"]["b"], dropped(2.5, k)), f"class {k}: dropped", row)
    tap.ok(all(np.float32(row["threshold"][run]) == np.float32(t * means[k]) for run, t in (("a", 1.25), ("b", 2.5))) or k == 3,
           f"class {k}: thresholds", row)
    tap.ok(row["shift"]["a"] == row["shift"]["b"] and close(row["mean_loss"]["a"], means[k]), f"class {k}: what is the same", row)
shares = [sum(dropped(t, k) * sum((m == k).sum() for m, _ in made.values()) for k in range(3)) /
          sum((m != 255).sum() for m, _ in made.values()) for t in (1.25, 2.5)]
tap.ok(close(diff["dropped"]["a"], shares[0]) and close(diff["dropped"]["b"], shares[1]) and close(diff["kept"]["b"], 1 - shares[1]), "of all",
       diff["dropped"])
tap.equal(diff["made_of"], [{"name": "--tolerance", "a": "1.25", "b": "2.5"}], "what was done differently")
changes = sorted(((abs(kept(stem, 2.5) - kept(stem, 1.25)), stem) for stem in made), reverse=True)
masks = diff["masks"]
tap.equal((masks["only_a"], masks["only_b"], masks["both"], masks["changed"]), (0, 0, IMAGES, IMAGES), "masks")
tap.equal([m["stem"] for m in masks["most_changed"]], [stem for _, stem in changes[:8]], "that changed most, first")
tap.ok(all(close(m["kept"]["a"], kept(m["stem"], 1.25)) for m in masks["most_changed"]), "and what they keep")
tap.ok(f"{100 * (shares[0] - shares[1]):.1f} points less" in diff["sentence"] and "images_in_plan" in diff, "a sentence", diff["sentence"])
text = good("report A B", "report", "a", "b").out
tap.ok(all(word in text for word in ("A  a\nB  b\n", diff["sentence"], "--tolerance: 1.25, 2.5", "road", "-o FILE")) and "not there" not in text,
       "in words", text)
same = json.loads(good("a run and itself", "report", "a", "a", "--json").out)
tap.ok(not any(row["changed"] for row in same["classes"]) and same["made_of"] == [] and same["masks"]["changed"] == 0 and
       "same thresholds" in same["sentence"], "are the same", same["sentence"])
turned = json.loads(good("the other way round", "report", "b", "a", "--json").out)
tap.ok(turned["dropped"] == {"a": diff["dropped"]["b"], "b": diff["dropped"]["a"]} and "points more" in turned["sentence"], "is turned", turned["sentence"])
policies = json.loads(good("two policies", "report", "a", "c", "--json").out)
tap.ok({"name": "--policy", "a": "paper", "b": "paired"} in policies["made_of"] and policies["clean_drop"]["b"] is None, "are named",
       policies["made_of"])
alone = json.loads(good("the paired one", "report", "c", "--json").out)["numbers"]
tap.ok(alone["agreement"] is not None and policies["agreement"] == {"a": None, "b": alone["agreement"]} and
       [row["agreement"] for row in policies["classes"]] == [{"a": None, "b": row["agreement"]} for row in alone["classes"]],
       "agreement, which only paired has", policies["agreement"])
good("their page", "report", "a", "c", "-o", "policies.html")
tap.ok(f"&ndash; &rarr; {alone['agreement']:.2f}</b><span>agreement" in read(f"{ROOT}/policies.html").decode(), "is on their page")

os.makedirs(f"{ROOT}/few")
for stem in list(made)[:4]:
    write(f"{ROOT}/few/m/{stem}.png", png(made[stem][0]))
    write(f"{ROOT}/few/l/{stem}.npy", npy(made[stem][1]))
write(f"{ROOT}/few/m/more.png", png(np.zeros(SIZE, int)))
write(f"{ROOT}/few/l/more.npy", npy(np.zeros(SIZE, np.float32)))
good("another set", "filter", "-s", "a/stats.json", "-l", "labels.csv", "--masks", "few/m", "--losses", "few/l", "-o", "some")
result = json.loads(good("sets that overlap", "report", "a", "some", "--json").out)
tap.equal([result["masks"][key] for key in ("only_a", "only_b", "both", "changed")], [IMAGES - 4, 1, 4, 0], "are counted by name")
tap.ok("different sets" in result["sentence"], "and said", result["sentence"])

# ---- What cannot be compared -----------------------------------------------------------------------
write(f"{ROOT}/stats/stats.json", read(f"{ROOT}/a/stats.json"))
write(f"{ROOT}/bad/filter.json", read(f"{ROOT}/a/filter.json")[:-40])
good("a run of other labels", *["other.csv" if word == "labels.csv" else word for word in RUN], "-o", "e")
refused("statistics alone", 3, ["stats", "no filter.json"], "report", "a", "stats")
refused("another label space", 3, ["label spaces", "4 classes", "5"], "report", "a", "e")
refused("a folder that is not there", 2, ["nowhere", "not a folder"], "report", "a", "nowhere")
refused("a broken one", 3, ["bad/filter.json"], "report", "a", "bad")
refused("three", 2, ["report --help"], "report", "a", "b", "c")
refused("a provider", 2, ["--provider"], "report", "a", "b", "--provider", "baseline")
for place in ("a/filter.json", "b/filter.csv", "b/masks/m<b>1_seed_42.png"):
    refused(f"-o {place}", 2, [place], "report", "a", "b", "-o", place)
tap.ok(all(tree(f"{ROOT}/{name}") == files for name, files in before.items()), "both runs are as they were")

# ---- The page ---------------------------------------------------------------------------------------
good("-o", "report", "a", "b", "-o", "diff.html")
page = read(f"{ROOT}/diff.html").decode()
tap.ok(len(page) < 2 << 20 and not re.search(r"https?://", page) and not re.search(r"<script>window|<img src=x|m<b>\d", page),
       "one file without network, and names are text")
if tap.has_program("chromium"):
    from browser import Page
    view = Page(f"{ROOT}/diff.html")
    rows = "[...document.querySelectorAll('#classes tbody')].map(b => Number(b.dataset.k))"
    change = [abs((dropped(2.5, k) or 0) - (dropped(1.25, k) or 0)) for k in range(K)]
    order = sorted(range(K), key=lambda k: (-change[k], k))
    tap.equal((view("window.hacked"), view.messages), (None, []), "nothing of a name runs, and no error is said")
    tap.equal(view(rows), order, "classes by the size of their change")
    tap.equal(view("document.querySelector('tbody[data-k=\"0\"]').rows[0].cells[3].textContent"),
              f"{100 * (dropped(2.5, 0) - dropped(1.25, 0)):+.1f}", "which is in points")
    head = "[...document.querySelectorAll('#classes th button')].find(b => b.textContent == 'Dropped A')"
    view(head + ".focus()")
    view.key("Enter")
    tap.equal(view(rows), sorted(range(K), key=lambda k: -(dropped(1.25, k) or -1)), "a head sorts, by keyboard")
    tap.equal(view(head + ".closest('th').getAttribute('aria-sort')"), "descending", "and says so")
    tap.equal(view("[...document.querySelectorAll('.shot h3')].map(h => h.firstChild.textContent.trim())"), [stem for _, stem in changes[:8]],
              "masks that changed most")
    tap.ok(view("[...document.querySelectorAll('.shot img')].every(i => i.complete && i.naturalWidth > 40)") and
           view("document.querySelectorAll('.shot img').length") == 8 * 4, "with image, mask, and both results")
    light = view("getComputedStyle(document.body).backgroundColor")
    view.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    tap.ok(light != view("getComputedStyle(document.body).backgroundColor"), "dark where the system is")
    view.call("Emulation.setDeviceMetricsOverride", width=390, height=900, deviceScaleFactor=1, mobile=True)
    tap.ok(view("document.documentElement.scrollWidth") <= 391, "a telephone's width is enough", view("document.documentElement.scrollWidth"))
    view.close()
os.rename(f"{ROOT}/made", f"{ROOT}/moved")
good("without the images", "report", "a", "b", "-o", "bare.html")
tap.ok(b"Pictures are left out" in read(f"{ROOT}/bare.html"), "the page says so")
tap.done()
