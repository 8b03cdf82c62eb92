# cli/test_folders.py - masks, images and losses that are called as people call them.
import json
import os
import unicodedata

from kit import *

rng = np.random.default_rng(3)
CSV = b"label,class,name\n255,ignore,\n0,0,soil\n1,1,crop\n2,2,weed\n"
MASK = rng.integers(0, 3, (12, 16))
LOSS = (0.2 + MASK).astype(np.float32)
PHOTO = rng.integers(0, 255, (12, 16, 3)).astype(np.uint8)
NAMES = ("f1", "f2", "f10")


def photo(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    PIL.Image.fromarray(PHOTO).save(path)


def world(folder, masks=None, images=None, losses=None, names=NAMES):
    """Files called as the patterns say; {} stands for the name."""
    path = tap.path(folder)
    write(f"{path}/labels.csv", CSV)
    for name in names:
        if masks:
            write(f"{path}/{masks.format(name)}", npy(MASK) if masks.endswith("npy") else png(MASK))
        if images:
            photo(f"{path}/{images.format(name)}")
        if losses:
            write(f"{path}/{losses.format(name)}", npy(LOSS))
    return path


def check(path, *more, masks="m", images=None, losses=None, code=0, says=(), name=""):
    arguments = ["check", "-l", "labels.csv", "--masks", masks, *more]
    arguments += ["--images", images] if images else []
    arguments += ["--losses", losses] if losses else []
    result = run(*arguments, cwd=path)
    said = result.out + result.err
    missing = [text for text in ([says] if isinstance(says, str) else says) if text not in said]
    tap.ok(result.code == code and not missing, name, f"does not say {missing}\n{result}")
    return result


# ---- Suffixes that are well known ---------------------------------------------------------------

for suffix in ("_mask", "_train_id", "_label", "_labels", "_gtFine_labelIds", "_seg", "-mask", ".mask"):
    path = world(f"known{suffix}", f"m/{{}}{suffix}.png", "i/{}.jpg", "l/{}.npy")
    check(path, images="i", losses="l", says=f"'{suffix}', which is taken as their suffix",
          name=f"masks in {suffix}")
    result = run("hardness", "-l", "labels.csv", "--masks", "m", "-s", "s.json", "-o", "h.csv", cwd=path) \
        if not run("stats", "-l", "labels.csv", "--masks", "m", "--losses", "l", "-o", "s.json", cwd=path).code \
        else None
    tap.ok(result and result.code == 0 and b"\nf1," in read(f"{path}/h.csv"),
           f"{suffix} is no part of the stem", result)
path = world("asked", "m/{}_mask.png", "i/{}_mask.jpg")
result = check(path, "--mask-suffix", "none", images="i", name="--mask-suffix none")
tap.ok("note" not in result.err, "--mask-suffix none: nothing is guessed", result)

# ---- Suffixes as flags ----------------------------------------------------------------------------

path = world("flags", "m/{}_L.png", "i/{}_rgb.jpg", "l/{}_loss.npy")
result = check(path, "--mask-suffix", "_L", "--image-suffix", "_rgb", "--loss-suffix", "_loss", images="i",
               losses="l", name="three suffixes by flags")
tap.ok("note" not in result.err, "what is said is not guessed", result)
check(path, "--mask-suffix", "_mask,_L.png", images="i", losses="l", says="the names end in '_rgb'",
      name="a list of suffixes, with a type; others are found")
for name in NAMES:
    write(f"{path}/m/{name}_L.npy", npy(MASK))
check(path, "--mask-suffix", "_L", images="i", losses="l", says="every mask is there as .png",
      name="masks as PNG and NPY: PNG, and that is said")
write(f"{path}/m/f1_L.npy", npy(MASK + 9))
check(path, "--mask-suffix", "_L.npy", images="i", losses="l", code=1, says="f1_L.npy", name="a suffix names the type")
os.unlink(f"{path}/m/f1_L.npy")
check(path, "--mask-suffix", "_L.tif", images="i", losses="l", code=0, name="a type that is not there is no matter")
result = run("filter", "-l", "labels.csv", "-s", "s.json", "--masks", "m", "--losses", "l", "--mask-suffix", "_L.png",
             "--loss-suffix", "_loss", "-o", "out", cwd=path) \
    if not run("stats", "-l", "labels.csv", "--masks", "m", "--losses", "l", "--mask-suffix", "_L.png",
               "--loss-suffix", "_loss", "-o", "s.json", cwd=path).code else None
tap.ok(result and result.code == 0 and os.path.exists(f"{path}/out/masks/f1_L.png")
       and json.loads(read(f"{path}/out/filter.json"))["names"] == {"mask_suffix": "_L.png", "loss_suffix": "_loss"},
       "filter takes suffixes and remembers them", result)
result = run("report", "out", cwd=path)
tap.ok(result.code == 0 and b"Pictures are left out" not in read(f"{path}/out/report.html"),
       "report finds the files by what filter remembers", result)

# ---- Other endings and beginnings ------------------------------------------------------------------

for masks, images in (("m/{}_mask.png", "i/{}_sat.jpg"), ("m/{}.png", "i/{}_leftImg8bit.png"),
                      ("m/tile_{}_msk.png", "i/tile_{}_RGB.png"), ("m/mask_{}.png", "i/image_{}.jpg"),
                      ("m/semantic_segmentation_{}.png", "i/rgb_{}.png")):
    path = world("other" + masks.replace("/", "_"), masks, images, names=("0001", "0002", "0010"))
    check(path, images="i", says="note", name=f"{masks} and {images}")
path = world("two", "m/{}.png", "i/{}_rgb.png")
for name in NAMES:
    photo(f"{path}/i/{name}_depth.png")
check(path, images="i", code=1, says=("3 of 3 masks have none", "--image-suffix"), name="of two endings none is guessed")
check(path, "--image-suffix", "_rgb", images="i", name="but a flag tells")
path = world("odd", "m/{}.png", "i/{}.jpg")
os.rename(f"{path}/i/f2.jpg", f"{path}/i/f2_old.jpg")
check(path, images="i", code=1, says=("no image 'f2'", "1 of 3 masks", "nearest lies f2_old.jpg"),
      name="one file that is called otherwise is not guessed at")

# ---- Double extensions, capitals, Unicode ----------------------------------------------------------

for masks, images in (("m/{}.jpg.png", "i/{}.jpg"), ("m/{}.png.png", "i/{}.png"), ("m/{}.PNG", "i/{}.JPG"),
                      ("m/{}.Png", "i/{}.Jpeg"), ("m/{}.jpg_mask.png", "i/{}.jpg")):
    check(world("double" + masks.replace("/", "_"), masks, images), images="i", name=f"{masks} and {images}")
check(world("doubleloss", "m/{}.png", None, "l/{}.png.npy"), losses="l", name="f1.png and f1.png.npy")
umlauts = ("Übung0", "Übung1", "café")
for form, other in (("NFC", "NFD"), ("NFD", "NFC")):
    path = world("unicode" + form, None, names=())
    for name in umlauts:
        write(f"{path}/m/{unicodedata.normalize(form, name)}.png", png(MASK))
        photo(f"{path}/i/{unicodedata.normalize(other, name)}.jpg")
        write(f"{path}/l/{unicodedata.normalize(other, name)}.npy", npy(LOSS))
    if os.environ.get("FREEMASK_UNICODE") == "false":
        tap.skip(f"masks in {form}", "this build lacks utf8proc")
        continue
    check(path, images="i", losses="l", name=f"masks in {form}, images and losses in {other}")
path = world("capitals", "m/{}.png", "i/{}.jpg")
os.rename(f"{path}/i/f1.jpg", f"{path}/i/F1.jpg")
check(path, images="i", code=1, says=("nearest lies F1.jpg", "capitals"), name="capitals are told")

# ---- One folder ------------------------------------------------------------------------------------

for masks, images in (("d/{}.png", "d/{}.jpg"), ("d/{}_mask.png", "d/{}.png"), ("d/{}_label.png", "d/{}_rgb.png"),
                      ("d/{}_mask.png", "d/{}.jpg"), ("d/sub/{}_mask.png", "d/sub/{}.png")):
    path = world("one" + (masks + images).replace("/", "_"), masks, images)
    result = check(path, masks="d", images="d", says="3 masks", name=f"one folder: {masks} and {images}")
    tap.ok("passed over" not in result.err, "no image is said to be passed over", result)
check(world("onefolderloss", "d/{}.png", None, "d/{}.npy"), masks="d", losses="d", says="every mask is there as .png",
      name="one folder: masks and losses")
path = world("own", "m/{}.png", None)
check(path, images="m", code=3, says=("no mask is its own image", "m"), name="masks are not their own images")
os.symlink("m", f"{path}/link")
check(path, images="link", code=3, says="no mask is its own image", name="not by a link, either")
path = world("ownloss", "m/{}.npy", None)
check(path, losses="m", code=3, says="the mask is its own loss map", name="masks are not their own losses")

# ---- What is missing -------------------------------------------------------------------------------

path = world("missing", "m/{}.png", "i/{}.jpg", "l/{}.npy")
os.unlink(f"{path}/i/f2.jpg")
photo(f"{path}/i/extra.jpg")
result = check(path, images="i", code=1, says=("no image 'f2'", "1 of 3 masks have none", "1 of 3 images have no mask",
                                               "extra.jpg"), name="both sides are told")
photo(f"{path}/i/f2.bmp")
check(path, images="i", code=1, says=("nearest lies f2.bmp", "not read"), name="a type that is not read is told")
os.makedirs(f"{path}/i/sub")
os.rename(f"{path}/i/f1.jpg", f"{path}/i/sub/f1.jpg")
os.unlink(f"{path}/i/f2.bmp")
check(path, images="i", code=1, says=("nearest lies sub/f1.jpg", "subfolder"), name="another subfolder is told")
for name in NAMES:
    os.unlink(f"{path}/l/{name}.npy")
check(path, losses="l", code=1, says=("3 of 3 masks have none", "the folder is empty"), name="an empty folder is told")
result = run("stats", "-l", "labels.csv", "--masks", "m", "--losses", "l", "-o", "s.json", cwd=path)
tap.ok(result.code == 3 and "no loss map 'f1' (.npy, .npz) in l (3 of 3 masks have none); the folder is empty"
       in result.err, "stats tells the same", result)
result = check(path, images="i", code=1, name="once for all masks")
tap.equal(result.out.count("no image"), 1, "one sentence for all masks")
result = run("check", "--json", "-l", "labels.csv", "--masks", "m", "--images", "i", cwd=path)
tap.ok(any("have no mask" in note for note in json.loads(result.out)["notes"]), "--json holds the notes", result)

# ---- Subfolders ------------------------------------------------------------------------------------

check(world("deep", "m/a/b/{}_mask.png", "i/a/b/{}.jpg", "l/a/b/{}.npy"), images="i", losses="l", name="subfolders")
path = world("passed", "m/{}.png", "i/{}.jpg")
write(f"{path}/m/x.gif", b"GIF89a")
write(f"{path}/m/f1.jpg", b"")
write(f"{path}/m/notes.txt", b"")
check(path, says="m: passed over 1 file of type .gif, such as x.gif", name="what is passed over is named")
path = world("jpegs", None, "m/{}.jpg")
check(path, code=3, says=("no masks", "3 files of type .jpg, such as f1.jpg", "changes labels"),
      name="JPEG masks: the reason")
tap.done()
