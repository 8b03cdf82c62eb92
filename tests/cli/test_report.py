# cli/test_report.py - the report's numbers against NumPy, and its page in headless Chromium.
# SPDX-License-Identifier: MIT
import json
import re

from kit import *

rng = np.random.default_rng(12)
NAMES = ["road", "</script><script>window.hacked=1</script>", "<img src=x onerror=window.hacked=1>", "sky \"&' blue"]
K, SIZE, IMAGES = len(NAMES), (64, 96), 12
ODD = "a'\"<b onclick=1>&c"  # in file names


def csv(name):
    return '"' + name.replace('"', '""') + '"'


write(tap.path("labels.csv"), ("label,class,name\n255,ignore,\n" +
                               "".join(f"{k},{k},{csv(name)}\n" for k, name in enumerate(NAMES))).encode())
losses = {"real": [[] for _ in NAMES], "syn": [[] for _ in NAMES]}
SHIFT = (1.0, 1.0, 2.0, 0.5)
for kind in ("real", "syn"):
    for i in range(IMAGES):
        mask = np.kron(rng.integers(0, K, (4, 6)), np.ones((16, 16), int))
        mask[:4, :4] = 255
        loss = (rng.gamma(1.3, 0.3, SIZE) * (1 + mask % 4)).astype(np.float32)
        if kind == "syn":
            loss *= np.array([*SHIFT, *[1] * 252], np.float32)[mask]
        stem = f"{ODD}{i}" if kind == "real" else f"{ODD}{i}_seed_42"
        write(tap.path(kind, "m", stem + ".png"), png(mask))
        write(tap.path(kind, "l", stem + ".npy"), npy(loss))
        for k in range(K):
            losses[kind][k].append(loss[mask == k])
real, syn = ([np.concatenate(one) for one in losses[kind]] for kind in ("real", "syn"))


def job(*more, folder="out", masks="syn/m", losses="syn/l"):
    return run("run", "--labels", "labels.csv", "--real-masks", "real/m", "--real-losses", "real/l", "--synthetic-masks", masks,
               "--synthetic-losses", losses, "--n-max", "1", "--seeds", "42", "-o", folder, *more, cwd=tap.path())


# ---- The numbers ------------------------------------------------------------------------------------
result = job()
tap.ok(result.code == 0, "run", result)
page = read(tap.path("out/report.html")).decode()
manifest = json.loads(read(tap.path("out/filter.json")))
counted = manifest["losses_counted"]
tap.equal((counted["masks"], counted["flag"]), (IMAGES, "tolerance"), "losses of all masks were counted")
tap.equal(counted["stops"], sorted({1.25, *(x / 10 for x in range(10, 21))}), "the stops")
means = [float(np.sum(x, dtype=np.float64) / (len(x) + 1e-5)) for x in real]
for k, entry in enumerate(manifest["classes"]):
    wanted = [int((syn[k] > np.float32(t * means[k])).sum()) for t in counted["stops"]]
    tap.equal(entry["losses"]["above"], text_of(wanted), f"class {k}: pixels above each stop, exactly")
    where = np.where(syn[k] < 2.0 ** -24, 0, 1 + np.floor(32 * (24 + np.floor(np.log2(syn[k].astype(np.float64))) +
                     (syn[k] / 2.0 ** np.floor(np.log2(syn[k].astype(np.float64))) - 1)))).astype(int)
    tap.equal(entry["losses"]["histogram"], text_of(np.bincount(where, minlength=1026)), f"class {k}: the histogram")
    kept = numbers_of(entry["losses"]["kept_histogram"])
    tap.equal(sum(kept), entry["valid"] - entry["dropped"], f"class {k}: what was kept")

result = run("filter", "--stats", "out/stats.json", "--labels", "labels.csv", "--masks", "syn/m", "--losses", "syn/l",
             "-o", "alone", "--json", cwd=tap.path())
numbers = json.loads(result.out)["numbers"]
for k, entry in enumerate(numbers["classes"]):
    shift = np.median(syn[k]) / np.median(real[k])
    drop = (real[k] * shift > 1.25 * means[k]).mean()
    kept = syn[k][syn[k] <= np.float32(1.25 * means[k])]
    close = [(entry["shift"], shift, 0.03), (entry["clean_drop"], drop, 0.02), (entry["real_above"], (real[k] > 1.25 * means[k]).mean(), 0.02),
             (entry["kept_mean"], kept.mean(), 0.02), (entry["kept_median"], np.median(kept), 0.03),
             (entry["synthetic_mean"], syn[k].mean(), 0.02), (entry["gain"], len(kept) / len(real[k]), 1e-9)]
    tap.ok(all(abs(got - right) <= error * max(1, right) for got, right, error in close), f"class {k}: numbers against NumPy", close)
tap.ok("far above" in " ".join(numbers["warnings"]) and "far below" in " ".join(numbers["warnings"]), "shifts are warned of", numbers["warnings"])
result = run("filter", "--stats", "out/stats.json", "--labels", "labels.csv", "--masks", "syn/m", "--losses", "syn/l",
             "-o", "quiet", cwd=tap.path())
tap.ok(numbers["verdict"] in result.out and "next: " in result.out, "the verdict is said", result)

result = run("report", "alone", "--json", cwd=tap.path())
tap.ok(result.code == 0 and json.loads(result.out)["numbers"] == numbers, "report --json has the numbers of the filter", result)

# Real images that the segmenter was trained on.
for i in range(IMAGES):
    loss = np.load(tap.path("real", "l", f"{ODD}{i}.npy"))
    write(tap.path("seen", f"{ODD}{i}.npy"), npy(loss * np.float32(0.05)))
result = run("stats", "-l", "labels.csv", "--masks", "real/m", "--losses", "seen", "--histogram", "32", "-o", "seen.json", cwd=tap.path())
result = run("filter", "-s", "seen.json", "-l", "labels.csv", "--masks", "syn/m", "--losses", "syn/l", "-o", "in-sample", "--json", cwd=tap.path())
seen = json.loads(result.out)["numbers"]
tap.ok("by heart" in seen["verdict"] and any("trained on these very images" in line for line in seen["warnings"]) and
       any("not trained on" in line for line in seen["advice"]), "real losses that look in-sample are warned of", seen)
run("report", "in-sample", cwd=tap.path())
tap.ok("by heart" in read(tap.path("in-sample/report.html")).decode(), "by the page, too")

# Where numbers are missing.
for name, flags in (("quantile", ["--policy", "quantile"]), ("paired", ["--policy", "paired"]), ("strata", ["--policy", "strata"]),
                    ("floor", ["--min-kept", "0.5"]), ("nothing dropped", ["--tolerance", "1000"])):
    result = job(*flags, folder=f"of {name}")
    made = json.loads(read(tap.path(f"of {name}/filter.json")))
    tap.ok(result.code == 0 and all(sum(numbers_of(c["losses"]["kept_histogram"])) == c["valid"] - c["dropped"] for c in made["classes"]),
           f"{name}: kept pixels", result)
    if name in ("paired", "strata"):
        told = json.loads(run("report", f"of {name}", "--json", cwd=tap.path()).out)["numbers"]
        words = f"dropped {100 * made['dropped'] / made['valid']:.0f} % of the synthetic pixels, by thresholds that 5 % of the real ones exceed"
        tap.ok(words in told["verdict"] and "of the real pixels above the thresholds" in read(tap.path(f"of {name}/report.html")).decode(),
               f"{name}: the verdict", told["verdict"])
# What to try next goes with the verdict and with what the filter takes. Far: all synthetic losses twice as high; near: as they are.
for i in range(IMAGES):
    loss = np.load(tap.path("syn", "l", f"{ODD}{i}_seed_42.npy"))
    write(tap.path("far", f"{ODD}{i}_seed_42.npy"), npy(loss * np.float32(2)))
    write(tap.path("near", f"{ODD}{i}_seed_42.npy"), npy(np.load(tap.path("real", "l", f"{ODD}{i}.npy"))))
    write(tap.path("same", f"{ODD}{i}_seed_42.png"), read(tap.path("real", "m", f"{ODD}{i}.png")))


def advice_of(folder, policy, **folders):
    made = job("--policy", policy, folder=folder, **folders)
    told = run("report", folder, "--json", cwd=tap.path())
    return "; ".join(json.loads(told.out)["numbers"]["advice"]) if made.code == told.code == 0 else str(made)


LESS = "if good pixels are among what was dropped, "
run("stats", "-l", "labels.csv", "--masks", "real/m", "--losses", "real/l", "--policy", "strata", "-o", "score.json", cwd=tap.path())
run("calibrate", "-s", "score.json", "-l", "labels.csv", "--masks", "real/m", "--losses", "real/l", "-o", "c.json", cwd=tap.path())
for policy, says, not_that in (("paper", "drops fewer good pixels; --tolerance", LESS), ("paired", LESS + "lower --real-share", "raise"),
                               ("quantile", "hard at the same places, fewer good pixels go; " + LESS + "lower --real-share", "raise"),
                               ("strata", "hard at the same places, fewer good pixels go; " + LESS + "lower --real-share", "raise")):
    told = advice_of("far " + policy, policy, losses="far")
    tap.ok(says in told and not_that not in told, f"far from the real ones, {policy}: what to try next", told)
told = advice_of("near out", "paper", losses="near", masks="same")
tap.ok(LESS + "raise --tolerance" in told and "as strict here" not in told, "no shift: no tolerance that would make up for it", told)
for folder, losses_of, says in (("far", "far", LESS + "lower --lose"), ("near", "near", "if wrong pixels stay, raise --lose")):
    masks = "same" if folder == "near" else "syn/m"
    result = run("filter", "-s", "score.json", "-l", "labels.csv", "--masks", masks, "--losses", losses_of, "--policy", "strata",
                 "--calibration", "c.json", "--lose", "0.2", "-o", folder + " promised", "--json", cwd=tap.path())
    told = "; ".join(json.loads(result.out)["numbers"]["advice"]) if result.code == 0 else str(result)
    tap.ok(says in told and "--real-share" not in told, f"{folder}, with a promise: its flag", told)

# Without a histogram.
run("stats", "--labels", "labels.csv", "--masks", "real/m", "--losses", "real/l", "-o", "plain.json", cwd=tap.path())
run("filter", "--stats", "plain.json", "--labels", "labels.csv", "--masks", "syn/m", "--losses", "syn/l", "-o", "plain", cwd=tap.path())
result = run("report", "plain", cwd=tap.path())
tap.ok(result.code == 0 and "--histogram 32" in read(tap.path("plain/report.html")).decode(), "without a histogram the page says what to do", result)
write(tap.path("few/stats.json"), read(tap.path("plain.json")))
result = run("report", "few", cwd=tap.path())
tap.ok(result.code == 0, "statistics alone", result)
for change in ({"masks": -1}, {"stops": "x"}, {"stops": [0]}):
    write(tap.path("bad/filter.json"), json.dumps(dict(manifest, losses_counted=dict(counted, **change))).encode())
    result = run("report", "bad", cwd=tap.path())
    tap.ok(result.code == 3 and "filter.json" in result.err, f"broken: {change}", result)

# ---- The page ---------------------------------------------------------------------------------------
tap.ok(len(page) < 2 << 20, "less than 2 MB")
tap.ok("http://" not in page and "https://" not in page.replace("https://arxiv", ""), "no network")
tap.ok(not re.search(r"<script>window|<img src=x|<b onclick", page), "names are text")
if tap.has_program("chromium"):
    from browser import Page
    view = Page(tap.path("out/report.html"))
    rows = "[...document.querySelectorAll('#classes tbody')].map(b => Number(b.dataset.k))"
    tap.equal((view("window.hacked"), view.messages), (None, []), "nothing of a name runs, and no error is said")
    tap.equal(view("[...document.querySelectorAll('#classes button.open')].map(b => b.textContent)"), NAMES, "names as they are")
    head = "[...document.querySelectorAll('#classes th button')].find(b => b.textContent == 'Dropped')"
    shares = [c["dropped"] / c["valid"] for c in manifest["classes"]]
    view(head + ".click()")
    tap.equal(view(rows), sorted(range(K), key=lambda k: -shares[k]), "a head sorts, the largest first")
    tap.equal(view(head + ".closest('th').getAttribute('aria-sort')"), "descending", "and says so")
    view(head + ".click()")
    tap.equal(view(rows), sorted(range(K), key=lambda k: shares[k]), "again: the smallest first")

    first = view(rows)[-1]
    view(f"document.querySelector('tbody[data-k=\"{first}\"] button.open').click()")
    tap.ok(view(f"!document.getElementById('more{first}').hidden && document.querySelectorAll('#more{first} img').length > 1"),
           "a class opens its crops")
    tap.ok(view(f"[...document.querySelectorAll('#more{first} img')].every(i => i.complete && i.naturalWidth > 100)"), "which are pictures")
    view("document.querySelectorAll('#classes button.open')[0].focus()")
    view.key("ArrowDown")
    tap.equal(view("[...document.querySelectorAll('#classes button.open')].indexOf(document.activeElement)"), 1, "an arrow goes on")
    view.key("Enter")
    tap.equal(view("document.activeElement.getAttribute('aria-expanded')"), "true", "Enter opens")
    view.key("Escape")
    tap.equal(view("document.querySelectorAll('tr.more:not([hidden])').length"), 0, "Escape closes all")

    stops = counted["stops"]
    view("document.getElementById('stop').focus()")
    view.key("ArrowRight")
    at = stops.index(1.25) + 1
    total = sum(int((syn[k] > np.float32(stops[at] * means[k])).sum()) for k in range(K)) / sum(map(len, syn))
    told = view("document.getElementById('told').textContent").replace("\u00a0", " ")
    tap.equal(told, f"{stops[at]}: {100 * total:.1f} % of all would be dropped", "the slider, by keyboard")
    shown = view("document.querySelector('tbody[data-k=\"2\"] td.dropped .n').textContent").replace("\u00a0", " ")
    tap.equal(shown, f"{100 * (syn[2] > np.float32(stops[at] * means[2])).mean():.1f} %", "and each class")
    light = view("getComputedStyle(document.body).backgroundColor")
    view.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    dark = view("getComputedStyle(document.body).backgroundColor")
    tap.ok(light != dark and sum(map(int, re.findall(r"\d+", dark))) < 120, "dark where the system is", (light, dark))
    view.call("Emulation.setDeviceMetricsOverride", width=390, height=900, deviceScaleFactor=1, mobile=True)
    tap.ok(view("document.documentElement.scrollWidth") <= 391, "a telephone's width is enough",
           view("document.documentElement.scrollWidth"))
    view.close()
tap.done()
