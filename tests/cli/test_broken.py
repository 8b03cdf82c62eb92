#!/usr/bin/env python3
# cli/test_broken.py - broken inputs and flags: the right exit code, one clear line, nothing left.
# SPDX-License-Identifier: MIT
"""Every case copies a good folder, breaks one thing, runs one command in 2 GiB of address space.
Exit codes: 2 usage, 3 bad data, 4 files and folders. What the message has to name is given."""
import json
import signal

from kit import *

space = ref.preset("camvid")
rng = np.random.default_rng(13)
GOOD = tap.path("good")

for i in range(4):
    mask = random_mask(rng, space, (40, 50))
    mask[0, :4] = [0, 1, 2, 3]
    loss = random_loss(rng, space, mask)
    loss[0, :4] = 0.5
    if i == 1:
        loss[:] = 0.5  # its mask is changed below: no loss may be to blame
    data = png(mask, 4, bytes(range(48))) if i == 1 else png(mask)
    write(f"{GOOD}/masks/m{i}.png", data)
    write(f"{GOOD}/losses/m{i}.npy", npy(loss))
MASK = "masks/m1.png"
LOSS = "losses/m2.npy"

STATS = "stats --labels camvid --masks masks --losses losses -o out.json".split()
FILTER = "filter --stats stats.json --labels camvid --masks masks --losses losses -o out".split()
HARDNESS = "hardness --stats stats.json --labels camvid --masks masks -o out.csv".split()
PLAN = "plan --hardness hardness.csv -o out.csv".split()
MERGE = "merge -o out.json s0.json s1.json".split()


def prepare():
    for arguments in ("stats --labels camvid --masks masks --losses losses -o stats.json",
                      "stats --labels camvid --masks masks --losses losses -o s0.json --shard 0/2",
                      "stats --labels camvid --masks masks --losses losses -o s1.json --shard 1/2",
                      "hardness --stats stats.json --labels camvid --masks masks -o hardness.csv"):
        result = run(*arguments.split(), cwd=GOOD)
        tap.ok(result.code == 0, f"good: {arguments.split()[0]}", result)
    for command in (STATS, FILTER, HARDNESS, PLAN, MERGE):
        folder = tap.path("works")
        shutil.copytree(GOOD, folder)
        result = run(*command, cwd=folder)
        tap.ok(result.code == 0, f"unbroken, {command[0]} works", result)
        shutil.rmtree(folder)


case = Breaker(GOOD).case


# ---- PNG ----------------------------------------------------------------------------------------

def broken_png():
    good = read(f"{GOOD}/{MASK}")
    where = {kind: good.index(kind) for kind in (b"IHDR", b"PLTE", b"IDAT", b"IEND")}
    cuts = [("empty", 0), ("within the signature", 5), ("behind the signature", 8),
            ("within IHDR", where[b"IHDR"] + 9), ("within the palette", where[b"PLTE"] + 11),
            ("within the pixels", where[b"IDAT"] + 20), ("before the end mark", where[b"IEND"] - 4)]
    for name, at in cuts:
        for command in (STATS, FILTER, HARDNESS):
            case(f"PNG cut {name}", command, 3, "m1.png", put(MASK, good[:at]))
    for kind, at in where.items():
        if kind != b"IEND":
            length = struct.unpack(">I", good[at - 4:at])[0]
            case(f"PNG with a damaged sum of {kind.decode()}", STATS, 3, "m1.png",
                 put(MASK, flip(at + 4 + length)(good)))
    case("PNG with damaged pixels", FILTER, 3, "m1.png", change(MASK, flip(where[b"IDAT"] + 12)))

    pixels = np.zeros((40, 50), np.int64)
    raw = b"".join(b"\0" + bytes(50) for _ in range(40))
    tiny = chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    start_ = b"\x89PNG\r\n\x1a\n"
    wrong_adler = zlib.compress(raw)[:-1] + b"\x77"
    case("PNG whose pixels do not match their check sum", STATS, 3, "m1.png",
         put(MASK, start_ + header(50, 40, 8, 0) + chunk(b"IDAT", wrong_adler) + chunk(b"IEND", b"")))
    case("PNG with too few rows", STATS, 3, "m1.png",
         put(MASK, start_ + header(50, 40, 8, 0) + chunk(b"IDAT", zlib.compress(raw[:999])) + chunk(b"IEND", b"")))
    for more in (bytes(51), bytes(100_000_000)):
        for command in (STATS, FILTER, HARDNESS):
            data = zlib.compress(raw + more)
            case(f"PNG with {len(more)} bytes too many", command, 3, ["m1.png", "40 rows"],
                 put(MASK, start_ + header(50, 40, 8, 0) + chunk(b"IDAT", data) + chunk(b"IEND", b"")))
    for size in (65535, 30000, 16000):
        for depth, interlace in ((8, 0), (1, 0), (16, 1)):
            case(f"PNG that claims {size}x{size}, {depth} bits{', interlaced' * interlace}", STATS, 3,
                 "m1.png", put(MASK, start_ + header(size, size, depth, 0, interlace) + tiny))
    case("PNG that claims 2^31-1 columns", FILTER, 3, "m1.png",
         put(MASK, start_ + header(2**31 - 1, 2**31 - 1, 8, 0) + tiny))
    case("PNG of width 0", STATS, 3, "m1.png", put(MASK, start_ + header(0, 40, 8, 0) + tiny))
    case("PNG of depth 3", STATS, 3, "m1.png", put(MASK, start_ + header(50, 40, 3, 0) + tiny))
    case("PNG of color type 7", STATS, 3, "m1.png", put(MASK, start_ + header(50, 40, 8, 7) + tiny))
    rgb = start_ + header(50, 40, 8, 2) + chunk(b"IDAT", zlib.compress(
        b"".join(b"\0" + bytes([9, 9, 8]) * 50 for _ in range(40)))) + chunk(b"IEND", b"")
    for command in (STATS, FILTER, HARDNESS):
        case("mask in color", command, 3, ["m1.png", "pixel (x 0, y 0) is #090908", "freemask convert"], put(MASK, rgb))
    jpeg = b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0" + bytes(200) + b"\xff\xd9"
    for command in (STATS, FILTER):
        case("JPEG as a mask", command, 3, ["m1.png", "JPEG"], put(MASK, jpeg))
    case("text as a mask", STATS, 3, "m1.png", put(MASK, b"this is no mask at all\n" * 20))
    case("NPY as a mask in a .png file, of floats", STATS, 3, "m1.png",
         put(MASK, npy(np.zeros((40, 50), np.float32))))
    bad = pixels.copy()
    bad[39, 49] = 12
    for command in (STATS, FILTER, HARDNESS):
        case("a label outside the space", command, 3, ["m1.png", "12", "x 49", "y 39", "camvid"],
             put(MASK, png(bad)))
    bad[7, 3] = 255
    case("the first of two labels outside the space", STATS, 3, ["255", "x 3", "y 7"], put(MASK, png(bad)))
    case("a 16-bit label outside the space", STATS, 3, ["m1.png", "40000"],
         put(MASK, png(np.full((40, 50), 40000), 16)))


# ---- NPY ----------------------------------------------------------------------------------------

def broken_npy():
    body = np.full((40, 50), 0.5, np.float32).tobytes()

    def lying(shape="(40, 50)", descr="'<f4'", order="False", data=body, **more):
        return npy_lying(f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}", data, **more)

    assert np.array_equal(np.lib.format.read_array(__import__("io").BytesIO(lying())), np.full((40, 50), 0.5))
    good = read(f"{GOOD}/{LOSS}")
    for name, at in (("empty", 0), ("within the magic", 4), ("within the header", 40), ("within the numbers", 500),
                     ("by one byte", len(good) - 1)):
        for command in (STATS, FILTER):
            case(f"NPY cut {name}", command, 3, "m2.npy", put(LOSS, good[:at]))
    cases = [("of another shape than its bytes", lying("(400, 500)")),
             ("of a huge shape", lying("(1000000, 1000000)")),
             ("of a shape beyond 64 bits", lying("(99999999999999999999, 2)")),
             ("whose shape overflows when multiplied", lying("(4294967296, 4294967296)")),
             ("of a negative shape", lying("(-40, 50)")),
             ("of an empty shape", lying("()")),
             ("without pixels", lying("(0, 50)")),
             ("of one dimension", lying("(2000,)")),
             ("of three dimensions", lying("(2, 20, 50)")),
             ("of Python objects", lying(descr="'|O'", data=b"\x80\x03cos\nsystem\nq\0." + bytes(8000))),
             ("of whole numbers", lying(descr="'<i4'")),
             ("of complex numbers", lying("(40, 25)", descr="'<c8'")),
             ("of records", lying(descr="[('a', '<f4')]")),
             ("of text", lying(descr="'<U1'")),
             ("of an unknown type", lying(descr="'<f3'")),
             ("whose header is no dictionary", npy_lying("hello", body)),
             ("without a shape", npy_lying("{'descr': '<f4', 'fortran_order': False, }", body)),
             ("whose header calls functions", npy_lying(
                 "{'descr': '<f4', 'fortran_order': False, 'shape': __import__('os').abort(), }", body)),
             ("of version 9", b"\x93NUMPY\x09\0" + good[8:]),
             ("that claims a header of 4 GiB", b"\x93NUMPY\x02\0\xff\xff\xff\xff" + good[10:]),
             ("that claims a header of 64 KiB", b"\x93NUMPY\x01\0\xff\xff" + good[10:]),
             ("with a header of a million blanks", npy_lying(" " * 1000000, body, version=2)),
             ("that is a PNG", read(f"{GOOD}/{MASK}")),
             ("that is text", b"0.5 " * 2000)]
    for name, data in cases:
        case(f"NPY {name}", STATS, 3, "m2.npy", put(LOSS, data))
    for name, data in cases[:3]:
        case(f"NPY {name}", FILTER, 3, "m2.npy", put(LOSS, data))

    for name, value, says in (("NaN", np.nan, "nan"), ("infinite", np.inf, "inf"), ("-infinite", -np.inf, "-inf"),
                              ("negative", -0.25, "-0.25")):
        for dtype in (np.float32, np.float16, np.float64):
            loss = np.full((40, 50), 0.5, dtype)
            loss[0, 3] = value
            loss[5, 5] = value
            for command in (STATS, FILTER):
                case(f"a {name} loss, {np.dtype(dtype).name}", command, 3, ["m2.npy", says, "x 3", "y 0"],
                     put(LOSS, npy(loss)))
    loss = np.full((40, 50), 0.5)
    loss[0, 3] = 1e300
    case("a loss too large for a float", STATS, 3, "m2.npy", put(LOSS, npy(loss)))
    for shape in ((40, 51), (39, 50), (50, 40), (1, 1)):
        for command in (STATS, FILTER):
            case(f"losses of {shape[1]}x{shape[0]} for a mask of 50x40", command, 3,
                 ["m2", f"{shape[1]}x{shape[0]}", "50x40"], put(LOSS, npy(np.zeros(shape, np.float32))))


# ---- Folders ------------------------------------------------------------------------------------

def broken_folders():
    def empty(relative):
        def apply(folder):
            shutil.rmtree(f"{folder}/{relative}")
            os.mkdir(f"{folder}/{relative}")
        return apply

    def gone(relative):
        return lambda folder: shutil.rmtree(f"{folder}/{relative}")

    def as_file(relative):
        def apply(folder):
            shutil.rmtree(f"{folder}/{relative}")
            write(f"{folder}/{relative}", b"a file")
        return apply

    def with_folder(relative):
        def apply(folder):
            os.unlink(f"{folder}/{relative}")
            os.mkdir(f"{folder}/{relative}")
        return apply

    for command in (STATS, FILTER, HARDNESS):
        case("an empty folder of masks", command, 3, "masks", empty("masks"))
        case("no folder of masks", command, 4, "masks", gone("masks"))
        case("a file as the folder of masks", command, 4, "masks", as_file("masks"))
    for command in (STATS, FILTER):
        case("losses for one mask missing", command, 3, "m2", remove(LOSS))
        case("an empty folder of losses", command, 3, "m0", empty("losses"))
        case("no folder of losses", command, 4, "losses", gone("losses"))
        case("two masks of one stem", command, 3, "m3", put("masks/m3.npy", npy(np.zeros((40, 50), np.uint8))))
    for command in (FILTER, HARDNESS):
        case("no statistics", command, 4, "stats.json", remove("stats.json"))
        case("a folder as statistics", command, 4, "stats.json", with_folder("stats.json"))
    case("no table of hardness", PLAN, 4, "hardness.csv", remove("hardness.csv"))
    case("a folder as the table of hardness", PLAN, 4, "hardness.csv", with_folder("hardness.csv"))
    case("no shard", MERGE, 4, "s1.json", remove("s1.json"))

    for command in (STATS, HARDNESS, PLAN, MERGE):
        case("output into a folder that is not there", command + ["-o", "no/where"], (2, 4), "")
    for command in (STATS[:-1], HARDNESS[:-1], PLAN[:-1]):
        case("output into a folder that is not there", command + ["no/where"], 4, "no/where")
        case("output onto a folder", command + ["masks"], 4, "masks")
        case("output below a file", command + ["stats.json/x"], 4, "stats.json/x")
        case("output where nothing can be written", command + ["/proc/self/x"], 4, "/proc/self/x")
    case("output below a file", FILTER[:-1] + ["stats.json/x"], 4, "stats.json")
    case("output onto a file", FILTER[:-1] + ["stats.json"], (2, 4), "stats.json")
    case("output onto the inputs", FILTER[:-1] + ["masks"], 2, "masks")
    case("output into a folder with files", FILTER[:-1] + ["losses"], 2, "losses")
    case("output where nothing can be written", FILTER[:-1] + ["/proc/self/x"], 4, "/proc/self/x")


def full_disk():
    """Files cannot grow beyond a few bytes: what was begun is taken away again."""
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))

    for number, command in enumerate((STATS, FILTER, HARDNESS, PLAN, MERGE)):
        folder = tap.path(f"full{number}")
        shutil.copytree(GOOD, folder)
        names = everything(folder)
        process = subprocess.Popen([TOOL, *command], cwd=folder, stdin=subprocess.DEVNULL, preexec_fn=limit,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        result = Result(process)
        tap.ok(result.code == 4 and result.err.count("\n") == 1 and result.err.startswith("freemask: ") and
               everything(folder) == names, f"{command[0]}: a full disk",
               f"{result}\nleft: {sorted(set(everything(folder)) ^ set(names))}")
        shutil.rmtree(folder)


# ---- JSON and CSV -------------------------------------------------------------------------------

def broken_json():
    text = read(f"{GOOD}/stats.json")

    def altered(function):
        value = json.loads(text)
        function(value)
        return json.dumps(value).encode()

    def at_class(k, **members):
        return altered(lambda v: v["classes"][k].update(members))

    words = numbers_of(json.loads(text)["classes"][1]["words"])

    def of(numbers):
        return at_class(1, words=text_of(numbers))
    plain = text_of(words)
    cases = [("empty", b""), ("cut", text[:len(text) // 2]), ("of no JSON", b"hello"), ("null", b"null"),
             ("an empty list", b"[]"), ("an empty object", b"{}"), ("deep", b"[" * 100000),
             ("with rubbish behind it", text + b"x"), ("not in UTF-8", text.replace(b"sky", b"sk\xff")),
             ("with a NUL byte", text.replace(b"sky", b"s\0y")),
             ("of another format", altered(lambda v: v.update(format="something"))),
             ("of another version", altered(lambda v: v.update(version=99))),
             ("with a text for the version", altered(lambda v: v.update(version="1"))),
             ("without classes", altered(lambda v: v.pop("classes"))),
             ("with text for classes", altered(lambda v: v.update(classes="many"))),
             ("with a class missing", altered(lambda v: v["classes"].pop())),
             ("with a class too many", altered(lambda v: v["classes"].append(v["classes"][0]))),
             ("with no words", altered(lambda v: v["classes"][1].pop("words"))),
             ("with too few words", of(words[:-1])),
             ("with too many words", of(words + [0])),
             ("with a negative word", of(words[:3] + [-1] + words[4:])),
             ("with a list of words", at_class(1, words=words)),
             ("with a broken word", of(words[:3] + [0.5] + words[4:])),
             ("with a word beyond 64 bits", of([2**63] + words[1:])),
             ("with no word in its words", at_class(1, words="")), ("with a blank first", at_class(1, words=" " + plain)),
             ("with a blank last", at_class(1, words=plain + " ")), ("with two blanks", at_class(1, words=plain.replace(" ", "  ", 1))),
             ("with tabs", at_class(1, words=plain.replace(" ", "\t"))), ("with a leading zero", at_class(1, words="0" + plain)),
             ("with no zeros", at_class(1, words=plain + " +0")), ("with a plus alone", at_class(1, words=plain + " +")),
             ("with zeros beyond 64 bits", at_class(1, words=f"+{2**64}")), ("with zeros up to there", at_class(1, words=f"+{2**63 - 1} +{2**63 - 1}")),
             ("with more words than a file may have", altered(lambda v: v.update(strata=255, histogram=32, **{
                 "classes": [dict(v["classes"][0], index=i, name=f"<c{i}>", words="+264690") for i in range(500)],
                 "labels": dict(v["labels"], classes=500)}))),
             ("with a sum but no pixels", of([0] + words[1:])),
             ("with a larger sum than losses can have", of(words[:11] + [1])),
             ("with another sum than its mean", of(words[:5] + [words[5] ^ 1] + words[6:])),
             ("with another mean than its sum", at_class(1, mean_loss=99.0)),
             ("without a mean", altered(lambda v: v["classes"][1].pop("mean_loss"))),
             ("with a negative number of images", altered(lambda v: v.update(images=-1))),
             ("with other images than its set", altered(lambda v: v.update(images=5)))]
    for name, data in cases:
        case(f"statistics {name}", FILTER, 3, "stats.json", put("stats.json", data))
    for name, data in cases[:6]:
        case(f"statistics {name}", HARDNESS, 3, "stats.json", put("stats.json", data))
        case(f"a shard {name}", MERGE, 3, "s1.json", put("s1.json", data))
    swap = {"camvid": "ade20k"}
    for command in (FILTER, HARDNESS):
        other = [swap.get(a, a) for a in command]
        case("statistics of another label space", other, 3, ["stats.json", "camvid", "ade20k"])
        case("statistics of one shard", command, 3, ["stats.json", "0/2"], lambda folder: shutil.copy(
            f"{folder}/s0.json", f"{folder}/stats.json"))
    case("the same shard twice", MERGE[:-1] + ["s0.json"], 3, "s0.json")
    case("a shard missing", MERGE[:-1], 3, "s0.json")
    other = json.loads(read(f"{GOOD}/s1.json"))
    other["labels"]["fingerprint"] = f"{int(other['labels']['fingerprint'], 16) ^ 1:016x}"
    case("a shard with another fingerprint than its labels", MERGE, 3, ["s1.json", "fingerprint"],
         put("s1.json", json.dumps(other).encode()))
    write(tap.path("other.csv"), labels_csv(space).replace(b"\n0,0,", b"\n0,0,other "))
    result = run("stats", "--labels", "other.csv", "--masks", "good/masks", "--losses", "good/losses", "-o", "other.json",
                 "--shard", "1/2", cwd=os.path.dirname(GOOD))
    tap.ok(result.code == 0, "statistics of another label space are made", result)
    case("a shard of another label space", MERGE, 3, ["s1.json", "label space"], put("s1.json", read(tap.path("other.json"))))
    case("the whole set twice", "merge -o out.json stats.json stats.json".split(), 3, "stats.json")


def broken_csv():
    text = read(f"{GOOD}/hardness.csv").decode()
    lines = text.splitlines()
    row = lines[2].split(",")

    def table(*rows):
        return "".join(r + "\n" for r in rows).encode()

    cases = [("empty", b""), ("with the header alone", table(lines[0])),
             ("without a header", table(*lines[1:])),
             ("with a column missing", table("mask,valid_pixels", "m0,5")),
             ("with another header", table("name,hardness,valid_pixels", *lines[1:])),
             ("with a field missing", table(lines[0], lines[1], f"{row[0]},{row[1]}")),
             ("with a field too many", table(lines[0], lines[1] + ",7")),
             ("with hardness nan", table(lines[0], lines[1], f"{row[0]},nan,7")),
             ("with hardness inf", table(lines[0], f"{row[0]},inf,7")),
             ("with hardness 1e999", table(lines[0], f"{row[0]},1e999,7")),
             ("with hardness -1", table(lines[0], f"{row[0]},-1,7")),
             ("with no hardness", table(lines[0], f"{row[0]},,7")),
             ("with hardness of text", table(lines[0], f"{row[0]},high,7")),
             ("with half a number", table(lines[0], f"{row[0]},1.5x,7")),
             ("with pixels of text", table(lines[0], f"{row[0]},1.5,many")),
             ("with a mask twice", table(*lines, lines[1])),
             ("with a mask without a name", table(lines[0], ",1.5,7")),
             ("with an open quote", table(lines[0], '"m0,1.5,7')),
             ("with NUL bytes", table(*lines) + b"\0\0"),
             ("that is a PNG", read(f"{GOOD}/{MASK}"))]
    for name, data in cases:
        case(f"table {name}", PLAN, 3, "hardness.csv", put("hardness.csv", data))

    spaces = [("empty", b""), ("with the header alone", b"label,class,name\n"),
              ("with another header", b"a,b,c\n1,2,x\n"),
              ("without an ignored label", b"label,class,name\n0,0,a\n"),
              ("with a class missing", b"label,class,name\n0,0,a\n1,2,b\n9,ignore,\n"),
              ("with a label twice", b"label,class,name\n0,0,a\n0,1,b\n9,ignore,\n"),
              ("with a label beyond 65535", b"label,class,name\n0,0,a\n65536,ignore,\n"),
              ("with a class of text", b"label,class,name\n0,zero,a\n9,ignore,\n"),
              ("without any class", b"label,class,name\n9,ignore,\n")]
    for name, data in spaces:
        case(f"label space {name}", [a if a != "camvid" else "space.csv" for a in STATS], 3, "space.csv",
             put("space.csv", data))


def odd_names():
    header = b"mask,hardness,rank,count,seeds\n"
    for name, says in (("", "expected a name"), ("a\nb", "control"), ("a\x7fb", "control"), ("../a", "folder"), ("/a", "folder"),
                       ("a/../b", "folder"), ("a/..", "folder"), ("a//b", "folder"), ("a" * 5000, "expected a name")):
        table = header + b"good,1,2,1,42\n" + f'"{name}",0.5,1,1,42\n'.encode()
        case(f"a mask called {name[:9]!r}", "export --plan plan.csv --to list -o list".split(), 3, ["plan.csv", says],
             put("plan.csv", table))
    case("a hardness of '../a'", PLAN, 3, ["hardness.csv", "folder"],
         put("hardness.csv", read(f"{GOOD}/hardness.csv") + b"../a,1,1\n"))


# ---- Flags --------------------------------------------------------------------------------------

def bad_flags():
    case("no command", [], 2, "command")
    case("an unknown command", ["fliter"], 2, "fliter")
    for command in (STATS, FILTER, HARDNESS, PLAN, MERGE):
        case("an unknown flag", command + ["--color"], 2, "--color")
        case("a flag without its value", command + ["-o"], 2, "-o")
    for command in (STATS, FILTER, HARDNESS, PLAN):
        case("an operand", command + ["more"], 2, "more")
    for missing in ("--labels", "--masks", "--losses", "-o"):
        at = STATS.index(missing)
        case(f"no {missing}", STATS[:at] + STATS[at + 2:], 2, missing)
    case("no --stats", FILTER[:1] + FILTER[3:], 2, "--stats")
    case("no shards", ["merge", "-o", "out.json"], 2, "")
    case("no label space of that name", [a if a != "camvid" else "camwid" for a in STATS], 2, ["camwid", "camvid"])
    for value in ("0", "-1", "nan", "inf", "x", "", "1.2.3", "1e99"):
        case(f"--tolerance '{value}'", FILTER + ["--tolerance", value], 2, "tolerance")
    for value in ("-0.1", "1.5", "nan", "half"):
        case(f"--min-kept {value}", FILTER + ["--min-kept", value], 2, "min-kept")
    for value in ("2/2", "-1/2", "0/0", "1", "a/b", "1/", "/2", "0/2x", "99999999999999999999/2"):
        case(f"--shard {value}", STATS + ["--shard", value], 2, "shard")
    for value in ("0", "-3", "x", "1.5", "99999999999999999999", "1048577"):
        case(f"--n-max {value}", PLAN + ["--n-max", value], 2, "n-max")
    case("--n-max above the seeds", PLAN + ["--n-max", "21"], 2, ["21", "20"])
    case("--n-max above own seeds", PLAN + ["--n-max", "6", "--seeds", "1:6"], 2, ["6", "5"])
    for value in ("5:5", "7:3", "x:y", "1", ":", "1,2,x", "1,1"):
        case(f"--seeds {value}", PLAN + ["--n-max", "1" if value != "1,1" else "2", "--seeds", value],
             2 if value != "1" else (0, 2), "seed") if value != "1" else None
    for value in ("x", "-1", "18446744073709551616", "1.5"):
        case(f"--seed {value}", PLAN + ["--seed", value], 2, "seed")
    for value in ("0x0", "512", "512x", "x512", "-1x5", "65537x1", "axb"):
        case(f"--resize {value}", HARDNESS + ["--resize", value], 2, "resize")
    for value in ("0", "-2", "many", "1025"):
        case(f"-j {value}", STATS + ["-j", value], 2, "threads")
    case("--histogram 3", STATS + ["--histogram", "3"], 2, "histogram")
    case("--policy, a plan's", FILTER + ["--policy", "rank"], 2, "'rank', expected one of paper, quantile, strata, paired")
    case("--n-max, a flag of plan", FILTER + ["--n-max", "3"], 2, "unknown flag '--n-max'")
    case("--unseen maybe", FILTER + ["--unseen", "maybe"], 2, "maybe")
    case("--losses and --images", STATS + ["--images", "masks", "--provider", "baseline"], 2, "--losses")
    case("a provider that is none", "stats --labels camvid --masks masks --images masks --provider magic "
         "-o out.json".split(), 2, "magic")
    for command, inputs in ((STATS, ["masks/m0.png", "losses/m1.npy"]), (HARDNESS, ["stats.json", "masks/m0.png"]),
                            (PLAN, ["hardness.csv"]), (MERGE, ["s0.json", "s1.json"])):
        for output in inputs:
            at = command.index("-o") + 1
            case(f"-o {output}", command[:at] + [output] + command[at + 1:], 2, [output, "input"])
    case("-o stats.json", "report -o ./stats.json .".split(), 2, ["stats.json", "input"])
    case("-o a link to an input", PLAN[:-1] + ["link.csv"], 2, ["link.csv", "input"],
         lambda folder: os.symlink("hardness.csv", f"{folder}/link.csv"))
    case("--resume and --overwrite", FILTER + ["--resume", "--overwrite"], 2, "--resume")


prepare()
broken_png()
broken_npy()
broken_folders()
full_disk()
broken_json()
broken_csv()
odd_names()
bad_flags()
tap.done()
