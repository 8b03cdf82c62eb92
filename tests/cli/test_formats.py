# cli/test_formats.py - masks, losses and outputs as people save them.
import io
import json
import os

from kit import *
from tiff import tiff

rng = np.random.default_rng(5)
CSV = b"label,class,name\n255,ignore,\n0,0,soil\n1,1,crop\n2,2,weed\n"
TWO = b"label,class,name\n255,ignore,\n0,0,other\n1,1,building\n"
H, W = 24, 32
MASKS = {name: rng.choice([0, 1, 2, 255], (H, W), p=[0.4, 0.3, 0.2, 0.1]) for name in ("a", "b", "c")}
LOGITS = {name: rng.normal(0, 2, (3, H, W)).astype(np.float32) for name in MASKS}


def npz(compressed=True, **arrays):
    out = io.BytesIO()
    (np.savez_compressed if compressed and INFLATES else np.savez)(out, **arrays)
    return out.getvalue()


def loss_of(name):
    logits = LOGITS[name].astype(np.float64)
    safe = np.where(MASKS[name] == 255, 0, MASKS[name])
    return np.log(np.exp(logits).sum(0)) - np.take_along_axis(logits, safe[None], 0)[0]


def world(folder, **files):
    """files: sub=function(name) giving (extension, bytes)."""
    path = tap.path(folder)
    write(f"{path}/l.csv", CSV)
    write(f"{path}/two.csv", TWO)
    for sub, make in files.items():
        for name in MASKS:
            extension, data = make(name)
            write(f"{path}/{sub}/{name}{extension}", data)
    return path


def as_png(name):
    return ".png", png(MASKS[name])


def stats(path, *flags, labels="l.csv", masks="m"):
    result = run("stats", "-q", "-l", labels, "--masks", masks, *flags, "-o", "s.json", cwd=path)
    sums = json.loads(read(f"{path}/s.json")) if not result.code else None
    if sums:
        os.unlink(f"{path}/s.json")
    return result, sums and sums["classes"]


def same(name, path, expected, *flags, **more):
    result, classes = stats(path, *flags, **more)
    tap.ok(classes is not None and len(classes) == len(expected)
           and all(abs(a["mean_loss"] - b["mean_loss"]) <= 1e-5 and a["pixels"] == b["pixels"]
                   for a, b in zip(classes, expected)), name, result)


def says(name, path, texts, *flags, code=3, **more):
    result, _ = stats(path, *flags, **more)
    lines = result.err.splitlines()
    tap.ok(result.code == code and len(lines) == 1 and all(text in result.err for text in texts), name, result)


# ---- Masks and losses -----------------------------------------------------------------------------

path = world("plain", m=as_png, l=lambda name: (".npy", npy(loss_of(name).astype(np.float32))))
_, PLAIN = stats(path, "--losses", "l")
tap.ok(PLAIN is not None, "PNG and NPY")
kinds = {"npy": lambda name: (".npy", npy(MASKS[name].astype(np.int64))),
         "npz": lambda name: (".npz", npz(mask=MASKS[name].astype(np.uint8))),
         "keras": lambda name: (".npy", npy(MASKS[name].astype(np.uint8)[..., None]))}
if os.environ.get("FREEMASK_TIFF") != "false":
    kinds |= {"tif": lambda name: (".tif", tiff(MASKS[name].astype(np.uint8))),
              "tiled": lambda name: (".TIFF", tiff(MASKS[name].astype(np.uint16), 16, ">", tile=16, deflate=True)),
              "wide": lambda name: (".tif", tiff(MASKS[name].astype(np.int32), 32, rows_per_strip=5))}
else:
    tap.skip("TIFF", "this build lacks it")
for kind, make in kinds.items():
    path = world("mask" + kind, m=make, l=lambda name: (".npy", npy(loss_of(name).astype(np.float32))))
    same(f"masks as {kind}", path, PLAIN, "--losses", "l")
    run("stats", "-q", "-l", "l.csv", "--masks", "m", "--losses", "l", "-o", "s.json", cwd=path)
    result = run("filter", "-q", "-l", "l.csv", "-s", "s.json", "--masks", "m", "--losses", "l", "--tolerance", "1e30",
                 "-o", "out", cwd=path)
    tap.ok(result.code == 0 and all(np.array_equal(Png(read(f"{path}/out/masks/{name}.png")).pixels, MASKS[name])
                                    for name in MASKS), f"masks as {kind} are filtered into PNG", result)
for kind, make in {"npz": lambda name: (".npz", npz(arr_0=loss_of(name).astype(np.float32))),
                   "stored npz": lambda name: (".npz", npz(False, x=loss_of(name).astype(np.float32))),
                   "[1, H, W]": lambda name: (".npy", npy(loss_of(name).astype(np.float32)[None])),
                   "[H, W, 1]": lambda name: (".npy", npy(loss_of(name).astype(np.float32)[..., None])),
                   "f8": lambda name: (".npy", npy(loss_of(name).astype(np.float32).astype(np.float64)))}.items():
    same(f"losses as {kind}", world("loss" + kind.replace("/", ""), m=as_png, l=make), PLAIN, "--losses", "l")
path = world("several", m=as_png, l=lambda name: (".npz", npz(loss=loss_of(name).astype(np.float32), other=np.zeros(3))))
says("archives of several arrays name the flag", path, ["holds 2 arrays", "--array NAME"], "--losses", "l")
same("--array names the one", path, PLAIN, "--losses", "l", "--array", "loss")
says("--array that is not there", path, ["no array 'x'", "loss.npy"], "--losses", "l", "--array", "x")
path = world("turned", m=as_png, l=lambda name: (".npy", npy(loss_of(name).T.astype(np.float32))))
says("transposed losses", path, ["24x32, its mask 32x24", "transposed"], "--losses", "l")

# ---- A hair below zero --------------------------------------------------------------------------------

def rounded(name, low):
    loss = np.where(loss_of(name) < 0.5, low, loss_of(name)).astype(np.float32)
    return ".npy", npy(loss)


def rounded_half(name):
    return np.where(loss_of(name) < 0.5, -9.9e-6, loss_of(name)).astype(np.float16)


path = world("rounded", m=as_png, l=lambda name: rounded(name, -9.9e-6), z=lambda name: rounded(name, 0),
             low=lambda name: rounded(name, -1.1e-5), h=lambda name: (".npy", npy(rounded_half(name))))


def expected_count():
    return sum(int(((loss_of(name) < 0.5) & (MASKS[name] != 255)).sum()) for name in MASKS)


_, zero = stats(path, "--losses", "z")
same("losses above -1e-5 count as 0", path, zero, "--losses", "l")
for folder in ("l", "h"):
    result = run("check", "-l", "l.csv", "--masks", "m", "--losses", folder, cwd=path)
    tap.ok(result.code == 0 and f"{expected_count()} losses of 3 loss maps are a hair below 0" in result.err,
           f"check says how many: {folder}", result)
says("-1.1e-5 does not", path, ["loss: -1.1e-05", "above -1e-05"], "--losses", "low")
run("stats", "-q", "-l", "l.csv", "--masks", "m", "--losses", "z", "-o", "s.json", cwd=path)
trees = []
for folder in ("z", "l"):
    run("filter", "-q", "-l", "l.csv", "-s", "s.json", "--masks", "m", "--losses", folder, "-o", f"f{folder}", cwd=path)
    trees.append(tree(f"{path}/f{folder}/masks"))
tap.ok(trees[0] == trees[1] and len(trees[0]) == 3, "the filter takes them as 0, too")

# ---- Outputs of networks ------------------------------------------------------------------------------

path = world("outputs", m=as_png, chw=lambda name: (".npy", npy(LOGITS[name])),
             npz=lambda name: (".npz", npz(logits=LOGITS[name])),
             batch=lambda name: (".npy", npy(LOGITS[name][None])),
             nnunet=lambda name: (".npz", npz(probabilities=LOGITS[name][:, None])),
             hwc=lambda name: (".npy", npy(LOGITS[name].transpose(1, 2, 0))),
             more=lambda name: (".npy", npy(np.concatenate([LOGITS[name] * 0 - 60, LOGITS[name]]))),
             first=lambda name: (".npy", npy(np.concatenate([LOGITS[name][:1] * 0 - 60, LOGITS[name]]))),
             last=lambda name: (".npy", npy(np.concatenate([LOGITS[name], LOGITS[name][:1] * 0 - 60]))),
             hwk=lambda name: (".npy", npy(np.concatenate([LOGITS[name], LOGITS[name][:1]]).transpose(1, 2, 0))),
             cwh=lambda name: (".npy", npy(LOGITS[name].transpose(0, 2, 1))),
             small=lambda name: (".npy", npy(LOGITS[name][:, ::2, ::2].transpose(0, 2, 1).copy())),
             argmax=lambda name: (".npy", npy(LOGITS[name].argmax(0).astype(np.uint8))),
             flat=lambda name: (".npy", npy(loss_of(name).astype(np.float32))))
_, LOGIT = stats(path, "--logits", "chw")
tap.ok(LOGIT is not None, "logits [C, h, w]")
for folder in ("npz", "batch", "nnunet"):
    same(f"logits as {folder}", path, LOGIT, "--logits", folder)
says("[h, w, C] names its flag", path, ["expected 3", "--channels-last"], "--logits", "hwc")
same("which helps", path, LOGIT, "--logits", "hwc", "--channels-last")
says("[C, h, w] with --channels-last", path, ["leave out --channels-last"], "--logits", "chw", "--channels-last")
for folder, flag in (("first", "1:4"), ("last", "0:3")):
    says(f"K + 1 channels, the {folder} is none", path, ["4 channels, expected 3", "--channels 1:4", "--channels 0:3"],
         "--logits", folder)
    same("which helps", path, LOGIT, "--logits", folder, "--channels", flag)
says("[h, w, K + 1]", path, ["--channels-last", "--channels 1:4"], "--logits", "hwk")
says("2 K channels", path, ["--channels A:B"], "--logits", "more")
says("[C, w, h]", path, ["32 rows and 24 columns", "swapaxes"], "--logits", "cwh")
says("[C, w, h] of another resolution", path, ["swapaxes"], "--logits", "small")
says("predictions", path, ["before argmax"], "--logits", "argmax")
says("losses given as logits", path, ["--losses"], "--logits", "flat")
BINARY = {name: (MASKS[name] == 1).astype(int) for name in MASKS}
path = world("binary", m=lambda name: (".png", png(BINARY[name])), one=lambda name: (".npy", npy(LOGITS[name][:1])),
             flat=lambda name: (".npy", npy(LOGITS[name][0])))
says("one channel of two classes", path, ["--kind binary"], "--logits", "one", labels="two.csv")
says("one channel without an axis", path, ["--kind binary", "--losses"], "--logits", "flat", labels="two.csv")
_, TOLD = stats(path, "--logits", "one", "--kind", "binary", labels="two.csv")
same("--kind binary reads both", path, TOLD, "--logits", "flat", "--kind", "binary", labels="two.csv")

# ---- Images --------------------------------------------------------------------------------------------

def photo(name, kind, way=1):
    out, upright = io.BytesIO(), PIL.Image.fromarray(rng.integers(0, 255, (H, W, 3)).astype(np.uint8))
    stored = upright.transpose(PIL.Image.ROTATE_90) if way == 6 else upright
    exif = PIL.Image.Exif()
    exif[0x0112] = way
    stored.save(out, kind, exif=exif)
    return out.getvalue()


types = [("JPEG", ".jpg"), ("PNG", ".png")]
types += [("WEBP", ".webp")] if os.environ.get("FREEMASK_WEBP") != "false" else []
for kind, extension in types:
    path = world("image" + kind, m=as_png, i=lambda name, extension=extension, kind=kind:
                 (extension, photo(name, kind, 6 if name == "a" else 1)))
    result = run("check", "-l", "l.csv", "--masks", "m", "--images", "i", cwd=path)
    tap.ok(result.code == 0 and "1 of 3 images are stored in another orientation" in result.err, f"{kind}: turned",
           result)
    result = run("check", "-l", "l.csv", "--masks", "m", "--images", "i", "--exif", "ignore", cwd=path)
    tap.ok(result.code == 1 and "i/a" in result.out and "24x32" in result.out and "--exif" in result.out,
           f"{kind}: --exif ignore", result)
if os.environ.get("FREEMASK_TIFF") != "false":
    path = world("imagetif", m=as_png, i=lambda name: (".tif", tiff(MASKS[name].astype(np.uint8))))
    result = run("check", "-l", "l.csv", "--masks", "m", "--images", "i", cwd=path)
    tap.ok(result.code == 0, "TIFF images", result)
    result = run("stats", "-q", "-l", "l.csv", "--masks", "m", "--images", "i", "--provider", "baseline", "-o", "s.json",
                 cwd=path)
    tap.ok(result.code == 0, "for the baseline, too", result)
tap.done()
