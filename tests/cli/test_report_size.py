#!/usr/bin/env python3
# cli/test_report_size.py - how large pages and statistics get: 150 classes, 1,000 images and 100,000.
# SPDX-License-Identifier: MIT
"""Few different files under many names, full of noise, which pictures cannot shrink. The 100,000 are rows of a
table: to filter as many would take too long."""
import json

from kit import *

MB = 1_000_000
rng = np.random.default_rng(5)


def world(name, classes, images, different, size):
    """Links to `different` masks, images and losses, for `images` names."""
    root = tap.path(name)
    write(f"{root}/labels.csv", ("label,class,name\n255,ignore,\n" + "".join(f"{k},{k},class {k}\n" for k in range(classes))).encode())
    for i in range(different):
        mask = np.kron(rng.integers(0, classes, (size[0] // 8, size[1] // 8)), np.ones((8, 8), int))
        loss = (rng.gamma(1.3, 0.3, size) * (1 + mask % 5)).astype(np.float32)
        image = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
        write(f"{root}/rm/{i}.png", png(mask))
        write(f"{root}/rl/{i}.npy", npy(loss))
        write(f"{root}/of/{i}.png", png(mask))
        write(f"{root}/of/{i}.npy", npy((loss * rng.gamma(3, 0.4, size)).astype(np.float32)))
        os.makedirs(f"{root}/of/i", exist_ok=True)
        PIL.Image.fromarray(image).save(f"{root}/of/i/{i}.png", compress_level=1)
    for folder, end in (("sm", "png"), ("sl", "npy"), ("si", "png")):
        os.makedirs(f"{root}/{folder}")
        for i in range(images):
            source = f"{root}/of/{'i/' if folder == 'si' else ''}{i % different}.{end}"
            os.link(source, f"{root}/{folder}/{i % different}_seed_{i // different}.{end}")
    return root


def report(root, images, *more):
    _, good, _ = commands(root)
    good(f"{images} images: statistics", "stats", "-l", "labels.csv", "--masks", "rm", "--losses", "rl", "--histogram", "32", "-o", "stats.json", *more)
    good(f"{images} images: filter", "filter", "-l", "labels.csv", "-s", "stats.json", "--masks", "sm", "--losses", "sl", "-o", "out", "-q")
    write(f"{root}/out/run.json", json.dumps({"format": "freemask-run", "version": 1, "labels": "../labels.csv", "real": {},
                                               "synthetic": {"images": "../si"}}).encode())
    good(f"{images} images: report", "report", "out")
    page = read(f"{root}/out/report.html")
    tap.ok(json.loads(read(f"{root}/out/filter.json"))["count"] == images and page.count(b"<img") > 30 and b"left out" not in page,
           f"{images} images: with pictures", page.count(b"<img"))
    return page


root = world("few", 150, 1000, 16, (96, 128))
page = report(root, 1000)
tap.ok(len(page) < 2 * MB, "1,000 images, 150 classes: below 2 MB", len(page))
shown = page.count(b"<figcaption>worst: ")
tap.ok(shown >= 20, "crops are shared out among the classes", shown)
tap.ok(all(page.count(b"<figcaption>worst: ", page.index(b'id="more%d"' % k), page.index(b"</tr>", page.index(b'id="more%d"' % k))) <= 1
           for k in range(150)), "one for each before any has two")
run("stats", "-l", "labels.csv", "--masks", "rm", "--losses", "rl", "--policy", "paired", "-o", "paired.json", cwd=root)
tap.ok(os.path.getsize(f"{root}/paired.json") < MB, "statistics for paired, 150 classes: below 1 MB", os.path.getsize(f"{root}/paired.json"))

# As if there were more: their rows are neither the worst nor the best, and the record does not have them.
head, *rows = read(f"{root}/out/filter.csv").decode().splitlines()
middle = sorted(rows, key=lambda row: float(row.split(",")[3]))[500].split(",", 1)[1]
rows += [f"more_{i},{middle}" for i in range(99_000)]
write(f"{root}/out/filter.csv", "\n".join([head, *sorted(rows), ""]).encode())
made = json.loads(read(f"{root}/out/filter.json"))
write(f"{root}/out/filter.json", json.dumps(dict(made, count=100_000)).encode())
result = run("report", "out", cwd=root)
many = read(f"{root}/out/report.html")
tap.ok(result.code == 0 and b"100,000</b>" in many, "100,000 images: report", result)
tap.ok(len(page) < len(many) < 20 * MB and many.count(b"<figcaption>worst: ") > 2 * shown, "below 20 MB, with more pictures", len(many))
tap.done()
