# cli/test_confusions.py - what dropped pixels show, against NumPy.
# SPDX-License-Identifier: MIT
import json

from kit import *

rng = np.random.default_rng(77)
K, SIZE, IMAGES = 4, (24, 36), 5
write(tap.path("labels.csv"), ("label,class,name\n255,ignore,\n" + "".join(f"{k},{k},<c{k}>\n" for k in range(K))).encode())
world = {}
for kind in ("real", "syn"):
    for i in range(IMAGES):
        mask = np.kron(rng.integers(0, K, (4, 6)), np.ones((6, 6), int))
        mask[:2] = 255
        z = rng.normal(size=(K, *SIZE)).astype(np.float32)
        if kind == "real":
            np.put_along_axis(z, np.where(mask == 255, 0, mask)[None], 3, 0)
        stem = f"a{i}" if kind == "real" else f"a{i}_seed_1"
        write(tap.path(kind, "m", stem + ".png"), png(mask))
        write(tap.path(kind, "o", stem + ".npy"), npy(z))
        world[kind, stem] = mask, z


def flags(kind):
    return ["--labels", "labels.csv", "--masks", f"{kind}/m", "--logits", f"{kind}/o"]


def wanted(folder):
    table = np.zeros((K, K), int)
    for (kind, stem), (mask, z) in world.items():
        if kind == "syn":
            gone = (mask != 255) & (np.array(Image.open(tap.path(folder, "masks", stem + ".png"))) == 255)
            np.add.at(table, (mask[gone], z.argmax(0)[gone]), 1)
    return table


def counted(folder):
    table = np.zeros((K, K), int)
    for k, entry in enumerate(json.loads(read(tap.path(folder, "filter.json")))["classes"]):
        table[k] = numbers_of(entry["shown"])
    return table


from PIL import Image  # noqa: E402

run("stats", *flags("real"), "--histogram", "32", "-o", "stats.json", cwd=tap.path())
result = run("filter", *flags("syn"), "--stats", "stats.json", "-o", "out", "--json", cwd=tap.path())
tap.ok(result.code == 0, "filter", result)
tap.equal(counted("out").tolist(), wanted("out").tolist(), "pairs of classes, each pixel")
table = wanted("out") * (1 - np.eye(K, dtype=int))
pairs = json.loads(result.out)["numbers"]["confusions"]
tap.equal([p["pixels"] for p in pairs], sorted(table[table > 0].tolist(), reverse=True), "--json: the most frequent first")
tap.ok(all(table[p["mask"], p["shown"]] == p["pixels"] and p["mask_name"] == f"<c{p['mask']}>" for p in pairs), "each is its pair's")
parts = [f"{i}/2" for i in range(2)]
for i, part in enumerate(parts):
    run("filter", *flags("syn"), "--stats", "stats.json", "-o", f"part{i}", "--shard", part, cwd=tap.path())
tap.equal((counted("part0") + counted("part1")).tolist(), counted("out").tolist(), "shards add up")
before = read(tap.path("out/filter.json"))
result = run("filter", *flags("syn"), "--stats", "stats.json", "-o", "out", "--resume", cwd=tap.path())
tap.ok(result.code == 0 and read(tap.path("out/filter.json")) == before, "a finished run keeps them", result)
result = run("report", "out", cwd=tap.path())
page = read(tap.path("out/report.html")).decode()
tap.ok(result.code == 0 and 'id="confusions"' in page and "&lt;c0&gt;" in page and "<c0>" not in page, "the page shows them", result)
for damaged in ([0, 1], "", "1", "1 0 0 0 0 0 0 0 0", "-1 +9", f"{10**9} +{K - 1}", f"{2**63} +{K - 1}", "a", f"+{2**64}"):
    broken = json.loads(before)
    broken["classes"][0]["shown"] = damaged
    write(tap.path("bad/filter.json"), json.dumps(broken).encode())
    result = run("report", "bad", cwd=tap.path())
    tap.ok(result.code == 3 and '"shown"' in result.err, f"broken: {damaged}", result)

# Loss maps do not tell.
for kind in ("real", "syn"):
    for (of, stem), (mask, z) in world.items():
        if of == kind:
            loss = np.log(np.exp(z).sum(0)) - np.take_along_axis(z, np.where(mask == 255, 0, mask)[None], 0)[0]
            write(tap.path(kind, "l", stem + ".npy"), npy(loss.astype(np.float32)))
run("stats", "--labels", "labels.csv", "--masks", "real/m", "--losses", "real/l", "-o", "maps.json", cwd=tap.path())
run("filter", "--labels", "labels.csv", "--masks", "syn/m", "--losses", "syn/l", "--stats", "maps.json", "-o", "maps", cwd=tap.path())
run("report", "maps", cwd=tap.path())
tap.ok(all(c["shown"] is None for c in json.loads(read(tap.path("maps/filter.json")))["classes"]), "of loss maps: not known")
tap.ok("loss maps tell how implausible a class is" in read(tap.path("maps/report.html")).decode(), "and the page says what would")
tap.done()
