/* base/folder_names.c - what files are called. */
#include "base/folder_names.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#if defined(FREEMASK_HAVE_UTF8PROC)
#include <utf8proc.h>
#endif

#include "base/alloc.h"
#include "base/json_file.h"
#include "base/path.h"

folder_names folder_names_now;
const char *const folder_exif[] = {"apply", "ignore", NULL};

const fm_read_options *folder_read_options(void) {
  static const fm_read_options as_stored = {.size = sizeof as_stored,
                                            .orientation = FM_ORIENTATION_KEEP};
  return folder_names_now.exif == EXIF_IGNORE ? &as_stored : NULL;
}

const fm_read_options *folder_array_options(void) {
  static fm_read_options named = {.size = sizeof named};
  if (!folder_names_now.array) return NULL;
  named.member = folder_names_now.array;
  return &named;
}

/* ---- Remembering ---------------------------------------------------------------------- */

json_t *folder_names_save(void) {
  const folder_names *n = &folder_names_now;
  json_t *object = json_object();
  if (n->masks) json_object_set_new(object, "mask_suffix", json_text(n->masks));
  if (n->images) json_object_set_new(object, "image_suffix", json_text(n->images));
  if (n->losses) json_object_set_new(object, "loss_suffix", json_text(n->losses));
  if (n->synthetic) json_object_set_new(object, "synthetic_name", json_text(n->synthetic));
  if (n->array) json_object_set_new(object, "array", json_text(n->array));
  if (n->exif) json_object_set_new(object, "exif", json_string(folder_exif[n->exif]));
  return object;
}

/* A copy that is never freed: the setting is the process's. */
static void load_text(const json_t *object, const char *name, const char **to) {
  const char *value = json_string_value(json_object_get(object, name));
  if (value && !*to) *to = alloc_text(value);
}

void folder_names_load(const json_t *object) {
  const char *exif = json_string_value(json_object_get(object, "exif"));
  load_text(object, "mask_suffix", &folder_names_now.masks);
  load_text(object, "image_suffix", &folder_names_now.images);
  load_text(object, "loss_suffix", &folder_names_now.losses);
  load_text(object, "synthetic_name", &folder_names_now.synthetic);
  load_text(object, "array", &folder_names_now.array);
  if (exif && !strcmp(exif, folder_exif[EXIF_IGNORE])) folder_names_now.exif = EXIF_IGNORE;
}

const char *folder_names_of(folder_kind kind) {
  const folder_names *n = &folder_names_now;
  return kind == FOLDER_MASKS    ? n->masks
         : kind == FOLDER_IMAGES ? n->images
         : kind == FOLDER_STRATA ? NULL
                                 : n->losses;
}

/* ---- Types ---------------------------------------------------------------------------- */

enum { MOST_TYPES = 8 };

/* By folder_kind: the types of files that are listed, case-insensitively. */
static const char *const types[][MOST_TYPES] = {
    [FOLDER_MASKS] = {".png", ".tif", ".tiff", ".npy", ".npz"},
    [FOLDER_IMAGES] = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"},
    [FOLDER_LOSSES] = {".npy", ".npz"},
    [FOLDER_QUERIES] = {".npz", ".npy"},
    [FOLDER_STRATA] = {".png", ".tif", ".tiff", ".npy", ".npz"},
};

static const char *const shown_types[] = {
    [FOLDER_MASKS] = ".png, .tif, .npy, .npz",
    [FOLDER_IMAGES] = ".jpg, .png, .webp, .tif",
    [FOLDER_LOSSES] = ".npy, .npz",
    [FOLDER_QUERIES] = ".npz, or .class.npy and .mask.npy",
    [FOLDER_STRATA] = ".png, .tif, .npy, .npz",
};

enum { MOST_LISTED = 32 };

/* Types that other tools write, NULL-terminated. */
static const char *const image_types[MOST_LISTED] = {
    ".jpg", ".jpeg", ".jfif", ".png",  ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif", ".pgm",
    ".ppm", ".jp2",  ".j2k",  ".avif", ".heic", ".jxl", ".exr",  ".hdr", ".tga", ".dng", ".mat"};
static const char *const array_types[MOST_LISTED] = {
    ".npy", ".npz", ".mat", ".h5",   ".hdf5",        ".hdf", ".pt",
    ".pth", ".pkl", ".nii", ".zarr", ".safetensors", ".bin"};
static const char *const torch_types[MOST_LISTED] = {".pt", ".pth", ".pkl"};
static const char *const lossy_types[MOST_LISTED] = {".jpg", ".jpeg", ".jfif", ".webp"};

static bool among(const char *dot, const char *const *list, size_t count) {
  for (size_t i = 0; i < count && list[i]; i++)
    if (!strcasecmp(dot, list[i])) return true;
  return false;
}

bool folder_names_wanted(folder_kind kind, const char *name) {
  const char *dot = strrchr(name, '.');
  return dot && among(dot, types[kind], MOST_TYPES);
}

bool folder_names_passed(folder_kind kind, const char *name) {
  const char *dot = strrchr(name, '.');
  bool arrays = kind == FOLDER_LOSSES || kind == FOLDER_QUERIES;
  if (!dot || folder_names_wanted(kind, name)) return false;
  return among(dot, arrays ? array_types : image_types, MOST_LISTED);
}

const char *folder_names_advice(folder_kind kind, const char *name) {
  const char *dot = strrchr(name, '.');
  if (!dot) return "files without a type are not read";
  if (kind == FOLDER_LOSSES || kind == FOLDER_QUERIES)
    return among(dot, torch_types, MOST_LISTED)
               ? "files of PyTorch are not read: save numpy.save(name, "
                 "tensor.float().cpu().numpy())"
               : "save them with numpy.save or numpy.savez_compressed";
  if (kind != FOLDER_IMAGES && among(dot, lossy_types, MOST_LISTED))
    return "they are compressed with losses, which changes labels: masks are PNG, TIFF, NPY or NPZ";
  return "they are not read: convert them to PNG, as Pillow does: Image.open(a).save('a.png')";
}

bool folder_names_pixels(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot && (among(dot, image_types, MOST_LISTED) || among(dot, array_types, MOST_LISTED));
}

const char *folder_names_types(folder_kind kind) { return shown_types[kind]; }

/* ---- Stems ---------------------------------------------------------------------------- */

/* "a.jpg" is the stem of a mask that is called "a.jpg.png". */
static void cut_image_type(char *name) {
  char *dot = strrchr(name, '.');
  if (dot && dot != name && folder_names_wanted(FOLDER_IMAGES, name)) *dot = '\0';
}

/* Where the type of a suffix begins; at its end if it has none. */
static size_t type_of(const char *suffix, size_t length) {
  for (size_t i = length; i-- > 0;) {
    if (suffix[i] != '.') continue;
    char type[16] = "";
    if (length - i < sizeof type) memcpy(type, suffix + i, length - i);
    return folder_names_pixels(type) ? i : length;
  }
  return length;
}

/* Cuts a suffix of `length` bytes off the name, which has lost its `type`; `*typed` tells whether
 * the type is the suffix's as well. False if the name does not end in it. */
static bool cut_suffix(char *name, const char *type, const char *suffix, size_t length,
                       bool *typed) {
  size_t bare = type_of(suffix, length), whole = strlen(name), rest = length - bare;
  if (whole <= bare || memcmp(name + whole - bare, suffix, bare) != 0) return false;
  name[whole - bare] = '\0';
  *typed = !rest || (strlen(type) == rest && !strncasecmp(type, suffix + bare, rest));
  return true;
}

char *folder_names_stem(const char *relative, const char *suffixes, bool *matched) {
  char *stem = alloc_text(relative), *slash = strrchr(stem, '/');
  char *name = slash ? slash + 1 : stem, *dot = strrchr(name, '.');
  const char *type = dot && dot != name ? relative + (dot - stem) : "";
  bool found = false, typed = false;
  if (*type) *dot = '\0';
  cut_image_type(name);
  for (const char *at = suffixes; at && *at && !found; at += *at == ',') {
    size_t length = strcspn(at, ",");
    found = length && cut_suffix(name, type, at, length, &typed);
    at += length;
  }
  if (found) cut_image_type(name);
  if (matched) *matched = found && typed;
  return stem;
}

/* ---- Forms of letters ----------------------------------------------------------------- */

char *folder_names_form(const char *name, bool composed) {
#if defined(FREEMASK_HAVE_UTF8PROC)
  const char *c = name;
  while (*c && (unsigned char)*c < 0x80) c++;
  if (!*c) return NULL;
  utf8proc_uint8_t *form = NULL;
  utf8proc_map(
      (const utf8proc_uint8_t *)name, 0, &form,
      UTF8PROC_NULLTERM | UTF8PROC_STABLE | (composed ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE));
  if (form && strcmp((const char *)form, name) != 0) return (char *)form;
  free(form);
#else
  (void)name;
  (void)composed;
#endif
  return NULL;
}
