#!/usr/bin/env python3
# cli/test_plugin.py - plug-ins: the example, one that misbehaves, and files that are none.
# SPDX-License-Identifier: MIT
"""FREEMASK_PLUGIN and FREEMASK_FAULTY_PLUGIN name examples/05_plugin and the plug-in next to this file. That one is
made of POSIX: under wine there is none, and what needs it is left out."""
import json
import re

import network_truth as truth  # noqa: E402
from kit import *
from PIL import Image  # noqa: E402 - kit says what is missing

PLUGIN, FAULTY = os.environ.get("FREEMASK_PLUGIN"), os.environ.get("FREEMASK_FAULTY_PLUGIN")
if not PLUGIN or not FAULTY and not os.environ.get("WINEPREFIX"):
    tap.skip_all("built without examples, so there is no plug-in")

space = ref.preset("camvid")
rng = np.random.default_rng(41)
GOOD = tap.path("good")
SETS = {"real": {}, "syn": {}}
for part, found in SETS.items():
    for i in range(7):
        # Images of two sizes in one batch, one of them odd.
        shape = (24, 36) if i % 3 else (29, 31)
        mask = random_mask(rng, space, shape)
        image = rng.integers(0, 256, (*shape, 3)).astype(np.uint8)
        stem = f"sub/i {i}" if i == 2 else f"i{i}"
        write(f"{GOOD}/{part}/m/{stem}.png", png(mask))
        os.makedirs(os.path.dirname(f"{GOOD}/{part}/i/{stem}.png"), exist_ok=True)
        Image.fromarray(image).save(f"{GOOD}/{part}/i/{stem}.png")
        found[stem] = (mask, image)
shutil.copy(PLUGIN, f"{GOOD}/plugin.so")
if FAULTY:
    shutil.copy(FAULTY, f"{GOOD}/faulty.so")
    shutil.copy(FAULTY, f"{GOOD}/faulty,one=.so")
L = ["--labels", "camvid"]


def stats(provider, *more):
    return ["stats", *L, "--masks", "real/m", "--images", "real/i", "--provider", provider, "-o", "out.json", *more]


MASK = os.umask(0o022)
os.umask(MASK)
NAME_PROVIDER = ("run.json", "filter.json", "report.html",  # they name the plug-in with its options
                 "stats.record", "filter.record")


def fresh():
    folder = tap.path("fresh")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(GOOD, folder)
    return folder


# ---- What they compute ------------------------------------------------------------------------------

def brightness(image, sharpness):
    """05_plugin's logits."""
    h, w = -(-image.shape[0] // 4), -(-image.shape[1] // 4)
    mean = np.array([[image[4 * y:4 * y + 4, 4 * x:4 * x + 4].mean() / 255 for x in range(w)] for y in range(h)])
    k = np.arange(space.classes)[:, None, None] / (space.classes - 1)
    return (-sharpness * (mean - k) ** 2).astype(np.float32)


def odd_queries(image, classes):
    q = np.arange(3, dtype=np.float64)
    rows = 2 * np.sin((5 * q[:, None] + np.arange(space.classes + 1)).astype(np.float32))
    masks = (image[..., 0].astype(np.float64)[None] - 64 * q[:, None, None]) / 32
    return truth.queries(rows.astype(np.float32), masks, classes, np.arange(space.classes))


def odd_logits(image, classes):
    z = image[..., 0].astype(np.float64)[None] * (np.arange(space.classes) + 1)[:, None, None] / 32
    return truth.logits(z, classes, np.arange(space.classes))


TRUTHS = {
    "plugin:plugin.so": lambda image, classes: truth.logits(brightness(image, 8), classes, np.arange(space.classes)),
    "plugin:./plugin.so,sharpness=40": lambda image, classes: truth.logits(brightness(image, 40), classes,
                                                                           np.arange(space.classes)),
    "plugin:faulty.so,do=loss": lambda image, classes: np.where(classes >= 0, 0.25 * classes + image[..., 0] / 256, 0),
    "plugin:faulty.so,do=logits": odd_logits,
    "plugin:faulty.so,do=queries": odd_queries,
}


def means_of(function):
    sums, pixels = np.zeros(space.classes), np.zeros(space.classes)
    for mask, image in SETS["real"].values():
        classes = space.to_classes(mask)
        loss = function(image, classes)
        sums += np.bincount(classes[classes >= 0], loss[classes >= 0], space.classes)
        pixels += np.bincount(classes[classes >= 0], None, space.classes)
    return sums / (pixels + 1e-5)


def check_one(provider, function):
    folder = fresh()
    made = []
    for threads in (1, 3):
        result = run(*stats(provider, "-j", threads), cwd=folder)
        if not tap.ok(result.code == 0, f"{provider}: stats -j{threads}", result):
            return
        made.append(read(f"{folder}/out.json"))
    tap.equal(made[0], made[1], f"{provider}: the same for any number of threads")
    classes = json.loads(made[0])["classes"]
    means = means_of(function)
    worst = max(abs(c["mean_loss"] - h) for c, h in zip(classes, means))
    tap.ok(worst < 5e-6, f"{provider}: class means within 5e-6", worst)
    result = run("filter", "--stats", "out.json", *L, "--masks", "syn/m", "--images", "syn/i", "--provider", provider,
                 "-o", "out", cwd=folder)
    if not tap.ok(result.code == 0, f"{provider}: filter", result):
        return
    limits = np.float32(1.25 * np.array([c["mean_loss"] for c in classes])).astype(np.float64)
    problems, dropped = [], 0
    for stem, (mask, image) in SETS["syn"].items():
        k = space.to_classes(mask)
        loss, limit = function(image, k), np.where(k >= 0, limits[np.maximum(k, 0)], np.inf)
        got = Png(read(f"{folder}/out/masks/{stem}.png")).pixels
        near = np.abs(loss - limit) < 5e-6 + 1e-5 * (loss > 20) * np.where(np.isfinite(limit), limit, 0)
        wrong = (got != np.where(loss > limit, space.written, mask)) & ~near
        problems += [stem] * bool(wrong.any())
        dropped += int((got != mask).sum())
    tap.equal(problems, [], f"{provider}: filtered masks")
    tap.ok(dropped > 0, f"{provider}: something is dropped")


def counted(*more):
    """What the faulty plug-in says about how it was called."""
    result = run(*stats("plugin:faulty.so,do=count" + ",".join(("", *more)), "-j", "4"), cwd=fresh())
    words = re.search(r"calls (\d+) samples (\d+) largest (\d+) inside (\d+) released (\d+)", result.err)
    tap.ok(result.code == 0 and words, f"counts its calls {more}", result)
    return [int(n) for n in words.groups()] if words else [0] * 5


def check_calls():
    calls, samples, largest, inside, released = counted()
    tap.equal((calls, samples, largest, inside, released), (3, 7, 3, 1, 7),
              "batches of three, one call at a time, each prediction released once")
    calls, samples, largest, inside, released = counted("concurrency=2")
    tap.ok(calls == 3 and samples == 7 and inside <= 2 and released == 7, "two calls at a time at most", inside)
    result = run(*stats("plugin:faulty.so,do=loss,say=hello there"), cwd=fresh())
    tap.ok(result.code == 0 and "freemask: plug-in: hello there\n" in result.err, "its log is heard", result)
    result = run(*stats("plugin:faulty.so,do=loss,say=hello", "--quiet"), cwd=fresh())
    tap.ok(result.code == 0 and not result.err, "--quiet silences it", result)
    result = run(*stats(r"plugin:faulty\,one\=.so,do=loss,say=a\,b\=c\\d"), cwd=fresh())
    tap.ok(result.code == 0 and "a,b=c\\d" in result.err, "commas behind a backslash", result)


# ---- The whole job ------------------------------------------------------------------------------------

RUN = ["run", *L, "--real-masks", "real/m", "--real-images", "real/i", "--synthetic-masks", "syn/m",
       "--synthetic-images", "syn/i", "--n-max", "1", "--seeds", "1:2", "-o", "all"]


def check_opened_once(folder):
    result = run(*RUN[:-1], "once", "--provider", "plugin:faulty.so,do=count,say=opened", cwd=folder)
    counts = [[int(n) for n in words] for words in
              re.findall(r"calls (\d+) samples (\d+) largest \d+ inside \d+ released (\d+)", result.err)]
    tap.ok(result.code == 0 and result.err.count("plug-in: opened\n") == 1 and len(counts) == 1,
           "statistics, filter and report share one opened plug-in, closed once", result)
    tap.ok(counts and counts[0][1] > 14 and counts[0][1] == counts[0][2], "and the pictures are made by it", counts)
    tap.ok("Loss of " in read(f"{folder}/once/report.html").decode(), "and shown")


def check_run():
    folder, provider = fresh(), "plugin:plugin.so"
    result = run(*RUN, "--provider", provider, cwd=folder)
    if not tap.ok(result.code == 0, "run", result):
        return
    page = read(f"{folder}/all/report.html").decode()
    tap.ok("Loss of " in page and "--provider plugin:plugin.so" in page, "its report shows losses")
    tap.equal(json.loads(read(f"{folder}/all/stats.json"))["provider"],
              {"name": "plugin", "plugin": "brightness", "identity": "sharpness 8"}, "stats.json names what made it")
    # A report must not run code that a file names.
    result = run("report", "all", cwd=folder)
    page = read(f"{folder}/all/report.html").decode()
    tap.ok(result.code == 0 and "Loss of " not in page and "Filtered of" in page and "Losses are not shown" in page,
           "report alone loads no plug-in", result)
    if FAULTY:
        result = run("report", "--provider", "plugin:faulty.so", "all", cwd=folder)
        tap.ok(result.code == 0 and "Loss of " not in read(f"{folder}/all/report.html").decode(),
               "nor does one that is told another", result)
    result = run("report", "--provider", provider, "all", cwd=folder)
    tap.ok(result.code == 0 and "Loss of " in read(f"{folder}/all/report.html").decode(),
           "told the same, it does", result)
    if FAULTY:
        check_opened_once(folder)
    base = ["filter", "--stats", "all/stats.json", *L, "--masks", "syn/m", "--images", "syn/i", "-o", "other"]
    result = run(*base, "--provider", provider + ",sharpness=4", cwd=folder)
    tap.ok(result.code == 3 and "another provider" in result.err and not os.path.exists(f"{folder}/other"),
           "statistics of another model are refused", result)
    result = run(*base, "--provider", "baseline", cwd=folder)
    tap.ok(result.code == 3 and "baseline" in result.err, "statistics of a plug-in are none of the baseline's", result)
    result = run(*base, "--provider", provider, cwd=folder)
    same = tree(f"{folder}/other/masks") == tree(f"{folder}/all/masks")
    tap.ok(result.code == 0 and same, "filter by itself does the same", result)


def check_shards():
    folder, provider = fresh(), "plugin:faulty.so,do=logits"
    for i in range(3):
        result = run(*stats(provider, "--shard", f"{i}/3"), cwd=folder)
        shutil.copy(f"{folder}/out.json", f"{folder}/s{i}.json")
        tap.ok(result.code == 0, f"shard {i}", result)
    result = run("merge", "-o", "merged.json", "s2.json", "s0.json", "s1.json", cwd=folder)
    run(*stats(provider), cwd=folder)
    tap.equal(read(f"{folder}/merged.json"), read(f"{folder}/out.json"), "shards add up to the whole")


# ---- What plug-ins change -------------------------------------------------------------------------------

COMMA = """LC_NUMERIC
decimal_point ","
thousands_sep "."
grouping 3;3
END LC_NUMERIC
"""
DISTURBANCES = ("locale", "thread-locale", "folder", "umask", "signals", "print", "random", "rounding", "tiny",
                "threads", "fork", "environment", "close-standard")


def hostile():
    """The environment of a plug-in that keeps or closes what it should not: what it leaks is its own affair."""
    return dict(os.environ, ASAN_OPTIONS=f"{os.environ.get('ASAN_OPTIONS', '')}:detect_leaks=0")


def comma_locale():
    """The environment in which the plug-in finds a locale whose numbers have commas."""
    write(tap.path("locales/source"), COMMA.encode())
    tap.need_programs("localedef")
    subprocess.run(["localedef", "-c", "-i", tap.path("locales/source"), "-f", "ANSI_X3.4-1968",
                    tap.path("locales/xx_XX")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    settings = dict(hostile(), LOCPATH=tap.path("locales"))
    probe = "import locale; locale.setlocale(locale.LC_ALL, 'xx_XX'); print(locale.localeconv()['decimal_point'])"
    found = subprocess.run([sys.executable, "-c", probe], env=settings, stdout=subprocess.PIPE, text=True, check=False)
    tap.equal(found.stdout.strip(), ",", "there is a locale whose numbers have commas")
    return settings


def check_disturbances():
    """What a plug-in changes for the whole process does not change what is computed and printed."""
    settings = comma_locale()
    folder = fresh()
    calm = run(*stats("plugin:faulty.so,do=loss", "--json", "-j1"), cwd=folder, env=settings)
    expected = read(f"{folder}/out.json")
    tap.ok(calm.code == 0 and re.search(r'"mean_loss": 0\.\d', calm.out), "an undisturbed run has points", calm)
    for what in DISTURBANCES:
        # Two threads that close the same number race, which ThreadSanitizer says, as it must.
        racing = what == "close-standard" and "TSAN_OPTIONS" in os.environ
        for when in ("open",) if racing else ("open", "predict"):
            provider, problems = f"plugin:faulty.so,do={what},when={when}", []
            for threads in (1, 3):
                folder = fresh()
                result = run(*stats(provider, "--json", f"-j{threads}"), cwd=folder, env=settings)
                if result.code or result.out != calm.out or read(f"{folder}/out.json") != expected:
                    problems.append(f"-j{threads}: {result}")
                elif os.stat(f"{folder}/out.json").st_mode & 0o777 != 0o666 & ~MASK:
                    problems.append(f"-j{threads}: the file has other rights")
            tap.ok(not problems, f"a plug-in that disturbs: {what} when called to {when}", "\n".join(problems))
    # The filter writes as well, by other threads than the plug-in's.
    for what in ("locale", "folder", "umask", "rounding", "close-standard"):
        if what == "close-standard" and "TSAN_OPTIONS" in os.environ:
            continue
        folder = fresh()
        result = run(*RUN, "--provider", f"plugin:faulty.so,do={what},when=predict", "-j3", cwd=folder, env=settings)
        made = tree(f"{folder}/all") if result.code == 0 else {}
        folder = fresh()
        run(*RUN, "--provider", "plugin:faulty.so,do=loss", "-j3", cwd=folder, env=settings)
        same = tree(f"{folder}/all")
        odd = [name for name in same if made.get(name) != same[name] and name not in NAME_PROVIDER]
        tap.ok(result.code == 0 and not odd, f"run with a plug-in that disturbs: {what}", f"{odd} {result}")


def check_ends():
    """A plug-in that ends the process: never success, and no result."""
    for what, code in (("exit", 3), ("exit-1", 3), ("quick-exit", 3), ("abort", -6), ("raise", 130), ("close-all", 3)):
        for when in ("open", "predict"):
            folder = fresh()
            result = run(*stats(f"plugin:faulty.so,do={what},when={when}", "-j1"), cwd=folder, env=hostile())
            # After close-all there is no standard error, either.
            says = "" if what in ("abort", "close-all") else "interrupted" if what == "raise" else "faulty.so: "
            good = result.code == code and says in result.err and (not says or result.err.count("\n") == 1)
            tap.ok(good and not os.path.exists(f"{folder}/out.json"), f"a plug-in that ends it: {what}, {when}", result)


# ---- What is wrong ------------------------------------------------------------------------------------

def check_broken():
    breaker = Breaker(GOOD)

    def case(name, command, *expected):
        if FAULTY or not any("faulty" in str(word) for word in command):
            breaker.case(name, command, *expected)

    def faulty(what):
        return stats(f"plugin:faulty.so,do={what}")

    case("no such file", stats("plugin:nowhere.so"), 4, ["nowhere.so", "No such file"])
    case("a folder", stats("plugin:real"), 3, "real: cannot be loaded")
    case("no shared object", stats("plugin:real/m/i0.png"), 3, ["i0.png", "cannot be loaded as a plug-in"])
    case("an empty file", stats("plugin:empty.so"), 3, "empty.so", put("empty.so", b""))
    case("a cut plug-in", stats("plugin:cut.so"), 3, "cut.so", put("cut.so", read(PLUGIN)[:900]))
    if os.environ.get("FREEMASK_SHARED"):
        case("a library that is no plug-in", stats("plugin:" + os.environ["FREEMASK_SHARED"]), 3,
             ["is not a plug-in", "fm_plugin_open"])
    case("another ABI", faulty("abi"), 3, ["faulty.so", "ABI 2", "ABI 1"])
    case("another ABI that says so", faulty("abi-refused"), 3, ["faulty.so", "ABI 2", "ABI 1"])
    case("no ABI", faulty("no-abi"), 3, ["faulty.so", "ABI number"])
    for what in ("no-predict", "batch", "concurrency"):
        case(f"a broken contract: {what}", faulty(what), 3, ["faulty.so", "contract"])
    case("queries of logits", faulty("wrong-queries"), 2, ["i0.png", "SCORES"])
    case("loss maps that are not filled", faulty("unfilled"), 3, ["i0.png", "nan"])
    case("a kind that is none", faulty("kind"), 2, ["faulty.so", "kind is 77"])
    case("a refusal of two lines", faulty("refuse"), 3, ["faulty.so: the model has\\x0Ano layers"])
    case("a refusal without words", faulty("silent-open"), 3, ["faulty.so", "does not say why"])
    case("a failing call", faulty("fail"), 3, ["faulty.so: the third call is one too many"])
    case("a failing call without words", faulty("silent"), 3, ["faulty.so", "does not say why"])
    case("no output", faulty("nothing"), 3, ["faulty.so", "no output for 'i0'"])
    case("queries without class logits", faulty("half-queries"), 3, ["i0.png", "3 channels", "11"])
    case("NaN", faulty("nan"), 3, ["i0.png", "nan in channel ", " at (x 0, y 0)"])
    case("a channel too many", faulty("channel"), 3, ["i0.png", "12 channels", "11"])
    case("probabilities declared logits", faulty("probs"), 2, ["i0.png", "softmax"])
    case("an unknown key", stats("plugin:plugin.so,blur=2"), 2, ["plugin.so", "sharpness", "blur"])
    case("a bad value", stats("plugin:plugin.so,sharpness=soft"), 2, ["sharpness", "soft"])
    for name, text, says in (("no file", "plugin:", "plugin:FILE.so"), ("no file but a key", "plugin:,a=b", "FILE.so"),
                             ("a part that is no option", "plugin:plugin.so,sharp", "'sharp'"),
                             ("an empty option", "plugin:plugin.so,", "key=value"),
                             ("an empty key", "plugin:plugin.so,=3", "key=value"),
                             ("a key twice", "plugin:plugin.so,sharpness=1,sharpness=2", "sharpness is given twice"),
                             ("another provider", "plugins:plugin.so", "plugins:plugin.so")):
        case(name, stats(text), 2, says)
    case("a plug-in without images", ["stats", *L, "--masks", "real/m", "--provider", "plugin:faulty.so", "-o", "out.json"],
         2, "--images")
    bad = SETS["real"]["i0"][0].copy()
    bad[3, 5] = 99
    case("a label outside the space", stats("plugin:plugin.so"), 3, ["real/m/i0.png", "99", "x 5", "y 3"],
         put("real/m/i0.png", png(bad)))
    case("an image of another size", stats("plugin:plugin.so"), 3, ["i4.png", "36x24", "30x30"],
         put("real/m/i4.png", png(np.zeros((30, 30)))))
    case("an image missing", stats("plugin:plugin.so"), 3, "i4", remove("real/i/i4.png"))


for name, expected in TRUTHS.items():
    if FAULTY or "faulty" not in name:
        check_one(name, expected)
check_run()
check_broken()
if FAULTY:
    check_calls()
    check_shards()
    check_disturbances()
    check_ends()
tap.done()
