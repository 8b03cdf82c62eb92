#!/usr/bin/env python3
# cli/test_network_broken.py - outputs of networks that are broken, lie, or are of another kind.
# SPDX-License-Identifier: MIT
import io
import json
import zipfile

from kit import *

space = ref.preset("camvid")
rng = np.random.default_rng(37)
GOOD = tap.path("good")
K = space.classes
logits = []
for i in range(3):
    mask = random_mask(rng, space, (30, 40))
    mask[0, :4] = [0, 1, 2, 3]
    x = (rng.normal(size=(K, 8, 10)) * 3).astype(np.float32)
    logits.append(x)
    write(f"{GOOD}/masks/m{i}.png", png(mask))
    write(f"{GOOD}/logits/m{i}.npy", npy(x))
    c, m = (rng.normal(size=(7, K + 1))).astype(np.float32), (rng.normal(size=(7, 6, 9)) * 3).astype(np.float32)
    out = io.BytesIO()
    (np.savez_compressed if i == 1 and INFLATES else np.savez)(out, class_logits=c, mask_logits=m)
    write(f"{GOOD}/queries/m{i}.npz", out.getvalue())
    write(f"{GOOD}/pairs/m{i}.class.npy", npy(c))
    write(f"{GOOD}/pairs/m{i}.mask.npy", npy(m))
ONE = "logits/m1.npy"
L = "--labels camvid --masks masks".split()
STATS = ["stats", *L, "--logits", "logits", "-o", "out.json"]
QUERIES = ["stats", *L, "--queries", "queries", "-o", "out.json"]
PAIRS = ["stats", *L, "--queries", "pairs", "-o", "out.json"]
FILTER = ["filter", "--stats", "stats.json", *L, "--logits", "logits", "-o", "out"]


def prepare():
    result = run("stats", *L, "--logits", "logits", "-o", "stats.json", cwd=GOOD)
    tap.ok(result.code == 0, "good: stats", result)
    for command in (STATS, QUERIES, PAIRS, FILTER):
        folder = tap.path("works")
        shutil.copytree(GOOD, folder)
        result = run(*command, cwd=folder)
        tap.ok(result.code == 0, f"unbroken, {command[0]} works", result)
        shutil.rmtree(folder)


prepare()
case = Breaker(GOOD).case


def shares(x):
    e = np.exp(x - x.max(0))
    return (e / e.sum(0)).astype(np.float32)


# ---- Kinds ----------------------------------------------------------------------------------------

def each(function):
    """Every file of logits another array."""
    def apply(folder):
        for i, x in enumerate(logits):
            write(f"{folder}/logits/m{i}.npy", npy(function(x)))
    return apply


def kinds():
    for command in (STATS, FILTER):
        case("probabilities as logits", command, 2, ["m0.npy", "softmax", "--kind probs", "--trust-kind"], each(shares))
        case("scores as logits", command, 2, ["m0.npy", "--kind scores"], each(lambda x: shares(x) * 1.3))
        case("logits as probabilities", command + ["--kind", "probs"], 2, ["m0.npy", "below 0", "--kind logits"])
        case("scores as probabilities", command + ["--kind", "probs"], 2, ["m0.npy", "--kind scores"],
             each(lambda x: shares(x) * 0.5))
        case("logits as scores", command + ["--kind", "scores"], 2, ["m0.npy", "--kind logits"])
    case("no kind", STATS + ["--kind", "odds"], 2, ["--kind", "logits, probs, scores"])
    case("binary with eleven classes", STATS + ["--kind", "binary"], 2, ["binary", "11"])
    result = run(*STATS[:-1], "trusted.json", "--trust-kind", cwd=prepared(each(shares)))
    tap.ok(result.code == 0, "--trust-kind takes it", result)


def prepared(break_it):
    folder = tap.path("prepared")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(GOOD, folder)
    break_it(folder)
    return folder


def flags():
    for name, more, says in (
            ("two sources", ["--losses", "logits"], ["--losses", "--logits"]),
            ("logits and queries", ["--queries", "queries"], ["--logits", "--queries"]),
            ("logits and a provider", ["--provider", "baseline"], ["--logits", "--provider"]),
            ("logits and images", ["--images", "masks"], ["--logits", "--images"]),
            ("composing logits", ["--compose-first"], "--compose-first"),
            ("channels that are words", ["--channels", "one:two"], ["--channels", "one:two"]),
            ("too few channels", ["--channels", "0:10"], ["10 channels", "11 classes"]),
            ("a channel below 0", ["--channels=-1:10"], "--channels"),
            ("channels beyond the output", ["--channels", "1:12"], ["channels[10]", "11"]),
            ("a huge channel", ["--channels", ",".join(["99999999999"] * 11)], "--channels")):
        case(name, STATS + more, 2, says)
    case("kind of queries", QUERIES + ["--kind", "probs"], 2, "--kind")
    case("queries, channels last", QUERIES + ["--channels-last"], 2, "--channels-last")
    case("flags about outputs without any", ["stats", *L, "--losses", "logits", "--align-corners", "-o", "out.json"], 2,
         "--align-corners")
    case("run with logits for one set", ["run", "--labels", "camvid", "--real-masks", "masks", "--real-logits",
                                         "logits", "--synthetic-masks", "masks", "-o", "out"], 2, "--synthetic-logits")
    case("run with logits and queries", ["run", "--labels", "camvid", "--real-masks", "masks", "--real-logits",
                                         "logits", "--synthetic-masks", "masks", "--synthetic-queries", "queries", "-o",
                                         "out"], 2, "--real-")


# ---- Arrays ---------------------------------------------------------------------------------------

def arrays():
    good = read(f"{GOOD}/{ONE}")
    body = logits[1].tobytes()

    def lying(shape=f"({K}, 8, 10)", descr="'<f4'", order="False", data=body, **more):
        return npy_lying(f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}", data, **more)

    assert np.array_equal(np.load(io.BytesIO(lying())), logits[1])
    case("one channel more", STATS, 3, ["m1.npy", "12", "11"], put(ONE, npy(np.zeros((K + 1, 8, 10), np.float32))))
    case("one channel less", FILTER, 3, ["m1.npy", "10", "11"], put(ONE, npy(np.zeros((K - 1, 8, 10), np.float32))))
    case("channels last, not said", STATS, 3, ["m1.npy", "8 channels", "11"],
         put(ONE, npy(np.ascontiguousarray(logits[1].transpose(1, 2, 0)))))
    case("channels first, said to be last", STATS + ["--channels-last"], 3, ["m0.npy", "10 channels", "11"])
    for name, value in (("nan", np.nan), ("inf", np.inf), ("-inf", -np.inf)):
        for dtype in (np.float32, np.float16):
            x = logits[1].astype(dtype)
            x[4, 3, 2] = value
            for command in (STATS, FILTER):
                case(f"{name} among the logits, {np.dtype(dtype).name}", command, 3, ["m1.npy", name, "channel 4"],
                     put(ONE, npy(x)))
    x = logits[1].astype(np.float64)
    x[4, 3, 2] = 1e300
    case("a number too large for a float", STATS, 3, ["m1.npy", "inf"], put(ONE, npy(x)))
    for name, at in (("empty", 0), ("within the magic", 4), ("within the length", 9), ("within the header", 40),
                     ("within the numbers", 500), ("by one byte", len(good) - 1)):
        case(f"NPY cut {name}", STATS, 3, "m1.npy", put(ONE, good[:at]))
    cases = [("with a byte too many", good + b"\0"),
             ("of another shape than its bytes", lying("(11, 80, 100)")),
             ("of a huge shape", lying("(11, 1000000, 1000000)")),
             ("of a shape beyond 64 bits", lying("(99999999999999999999, 2, 2)")),
             ("whose shape overflows when multiplied", lying("(4294967296, 4294967296, 16)")),
             ("whose shape overflows to its size", lying("(2, 9223372036854775807, 440)")),
             ("of a negative shape", lying("(-11, 8, 10)")),
             ("of an empty shape", lying("()", data=body[:4])),
             ("without pixels", lying("(11, 0, 10)", data=b"")),
             ("of two dimensions", lying("(88, 10)")),
             ("of four dimensions", lying("(11, 2, 4, 10)")),
             ("of 33 dimensions", lying("(" + "1, " * 30 + "11, 8, 10)")),
             ("of Python objects", lying(descr="'|O'")),
             ("of whole numbers", lying(descr="'<i4'")),
             ("of bfloat16 as raw bytes", lying("(11, 16, 10)", descr="'<V2'")),
             ("of long doubles", lying("(11, 2, 10)", descr="'<f16'")),
             ("of records", lying(descr="[('a', '<f4')]")),
             ("whose header is no dictionary", npy_lying("hello", body)),
             ("without a shape", npy_lying("{'descr': '<f4', 'fortran_order': False, }", body)),
             ("with two shapes", npy_lying("{'descr': '<f4', 'fortran_order': False, 'shape': (11, 8, 10), "
                                           "'shape': (11, 8, 10), }", body)),
             ("whose header calls functions", npy_lying("{'descr': '<f4', 'fortran_order': False, "
                                                        "'shape': __import__('os').abort(), }", body)),
             ("of version 9", b"\x93NUMPY\x09\0" + good[8:]),
             ("that claims a header of 4 GiB", b"\x93NUMPY\x02\0\xff\xff\xff\xff" + good[10:]),
             ("that is a PNG", read(f"{GOOD}/masks/m1.png")),
             ("that is text", b"0.5 " * 2000)]
    for name, data in cases:
        case(f"NPY {name}", STATS, 3, "m1.npy", put(ONE, data))
    bad = np.full((30, 40), 3)
    bad[7, 5] = 13
    case("a label outside the space", STATS, 3, ["m1.png", "13", "x 5", "y 7"], put("masks/m1.png", png(bad)))
    case("an output missing", STATS, 3, ["m1", "network output"], remove(ONE))
    case("a class file without its mask file", PAIRS, 3, "m1", remove("pairs/m1.mask.npy"))
    case("a mask file without its class file", PAIRS, 3, "m1", remove("pairs/m1.class.npy"))
    case("no folder", STATS[:-3] + ["nowhere", "-o", "out.json"], 4, "nowhere")


# ---- Archives -------------------------------------------------------------------------------------

def archive(members, method=zipfile.ZIP_STORED, comment=b""):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, data in members:
            file.writestr(name, data)
        file.comment = comment
    return out.getvalue()


def queries(q=7, c=K + 1, h=6, w=9):
    return npy(rng.normal(size=(q, c)).astype(np.float32)), npy((rng.normal(size=(q, h, w)) * 3).astype(np.float32))


def patch(data, at, value):
    return data[:at] + value + data[at + len(value):]


def archives():
    one = "queries/m1.npz"
    good = read(f"{GOOD}/{one}")
    c, m = queries()
    plain = archive((("class_logits.npy", c), ("mask_logits.npy", m)))
    packed = archive((("class_logits.npy", c), ("mask_logits.npy", m)), zipfile.ZIP_DEFLATED)
    end, entry = plain.rindex(b"PK\5\6"), plain.index(b"PK\1\2")
    packed_entry = packed.index(b"PK\1\2")
    for name, at in (("to nothing", 0), ("to ten bytes", 10), ("in the middle", len(good) // 2),
                     ("by one byte", len(good) - 1), ("before the directory", good.index(b"PK\1\2"))):
        case(f"NPZ cut {name}", QUERIES, 3, "m1.npz", put(one, good[:at]))
    cases = [
        ("that is an NPY file", c),
        ("that is text", b"no archive at all\n" * 50),
        ("without arrays", archive([])),
        ("without class logits", archive((("mask_logits.npy", m),))),
        ("without mask logits", archive((("class_logits.npy", c),))),
        ("whose members are no arrays", archive((("class_logits.npy", b"hello"), ("mask_logits.npy", m)))),
        ("with arrays of other sizes", archive((("class_logits.npy", queries(q=6)[0]), ("mask_logits.npy", m)))),
        ("with a class too many", archive((("class_logits.npy", queries(c=K + 2)[0]), ("mask_logits.npy", m)))),
        ("with planes as class logits", archive((("class_logits.npy", m), ("mask_logits.npy", m)))),
        ("with a plane as mask logits", archive((("class_logits.npy", c), ("mask_logits.npy", c)))),
        ("packed by LZMA", archive((("class_logits.npy", c), ("mask_logits.npy", m)), zipfile.ZIP_LZMA)),
        ("that is encrypted", patch(plain, entry + 8, b"\1\0")),
        ("whose directory lies beyond it", patch(plain, end + 16, b"\xf0\xff\xff\x7f")),
        ("whose directory is longer than it", patch(plain, end + 12, b"\xf0\xff\xff\x7f")),
        ("whose directory is of another kind", patch(plain, entry, b"XX")),
        ("that claims 60,000 members", patch(plain, end + 8, b"\x60\xea\x60\xea")),
        ("that claims more members than it has", patch(plain, end + 8, b"\x09\0\x09\0")),
        ("in two parts", patch(plain, end + 4, b"\1\0")),
        ("of a name longer than the directory", patch(plain, entry + 28, b"\xff\xff")),
        ("whose member lies beyond it", patch(plain, entry + 42, b"\xf0\xff\xff\x7f")),
        ("whose member is longer than it", patch(plain, entry + 20, b"\0\0\0\x10\0\0\0\x10")),
        ("whose member has no header", patch(plain, entry + 42, b"\3\0\0\0")),
        ("whose local name reaches beyond it", patch(plain, 26, b"\xff\xff\xff\xff")),
        ("with a wrong check sum", patch(plain, entry + 16, b"\1\2\3\4")),
        ("with a damaged number", patch(plain, 200, bytes((plain[200] ^ 1,)))),
        ("that claims 3 GiB for a few bytes", patch(packed, packed_entry + 24, b"\0\0\0\xc0")),
        ("that claims 2^64 - 1 bytes", patch(packed, packed_entry + 24, b"\xff\xff\xff\xff")),
        ("that is stored in fewer bytes than it claims", patch(plain, entry + 24, b"\xff\xff\xff\0")),
        ("of nothing but signatures", b"PK\5\6" * 30),
    ]
    inflating = [
        ("with damaged packed bytes", patch(packed, 60, b"\xff\xff\xff\xff")),
        ("that unpacks to more than it claims", patch(packed, packed_entry + 24, b"\x20\0\0\0")),
        ("that unpacks to less than it claims", patch(packed, packed_entry + 24, b"\x10\x27\0\0")),
    ]
    for name, data in cases + inflating * INFLATES:
        case(f"NPZ {name}", QUERIES, 3, "m1.npz", put(one, data))
    if not INFLATES:
        case("NPZ that is compressed", QUERIES, 3, ["m1.npz", "libdeflate", "np.savez"], put(one, packed))
    bomb = archive((("class_logits.npy", npy(np.zeros((7, K + 1), np.float32))),
                    ("mask_logits.npy", npy(np.zeros((7, 1, 1), np.float32)) + bytes(300 << 20))), zipfile.ZIP_DEFLATED)
    case("NPZ bomb: 300 MiB of zeros behind an array", QUERIES, 3, "m1.npz", put(one, bomb), address_space=GIB)
    pathological = b"PK\5\6" + bytes(16) + b"\xff\xff" + b"PK\5\6" * 40000
    case("NPZ of many false ends", QUERIES, 3, "m1.npz", put(one, pathological))
    for name, data in (("with a comment", archive((("class_logits.npy", c), ("mask_logits.npy", m)), comment=b"hi" * 30)),
                       ("packed", packed if INFLATES else plain)):
        result = run(*QUERIES, cwd=prepared(put(one, data)))
        tap.ok(result.code == 0, f"NPZ {name} is taken", result)
    x = np.frombuffer(m, np.float32, 7 * 54, len(m) - 7 * 54 * 4).reshape(7, 6, 9).copy()
    x[3, 2, 1] = np.nan
    case("NPZ with NaN", QUERIES, 3, ["m1.npz", "nan"], put(one, archive((("class_logits.npy", c), ("mask_logits.npy", npy(x))))))
    soft = shares(rng.normal(size=(K + 1, 7)) * 3).T
    case("class logits behind a softmax", QUERIES, 2, ["m1.npz", "softmax"],
         put(one, archive((("class_logits.npy", npy(np.ascontiguousarray(soft))), ("mask_logits.npy", m)))))


def check_finds():
    for name, path, data, says in (("a channel too many", ONE, npy(np.zeros((K + 1, 8, 10), np.float32)), "m1.npy"),
                                   ("a cut file", ONE, read(f"{GOOD}/{ONE}")[:300], "m1.npy"),
                                   ("a file missing", ONE, None, "network output"),
                                   ("NaN", ONE, npy(np.full((K, 8, 10), np.nan, np.float32)), "nan")):
        folder = prepared((lambda f, p=path, d=data: write(f"{f}/{p}", d) if d is not None else os.unlink(f"{f}/{p}")))
        result = run("check", *L, "--logits", "logits", "--json", cwd=folder)
        findings = json.loads(result.out or "{}").get("findings", [])
        tap.ok(result.code == 1 and len(findings) == 1 and says in json.dumps(findings), f"check finds {name}", result)


kinds()
flags()
arrays()
archives()
check_finds()
tap.done()
