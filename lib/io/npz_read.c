/* io/npz_read.c - arrays in archives: what np.savez and np.savez_compressed write. */
#include <string.h>

#include "core/context.h"
#include "core/fail.h"
#include "io/decode.h"
#include "io/zip.h"

static const char EXTENSION[] = ".npy";
enum { EXTENSION_SIZE = sizeof EXTENSION - 1 };

/* What trainers call the two arrays of queries: plain words, transformers, detectron2. */
static const char *const CLASS_NAMES[] = {"class_logits", "class_queries_logits", "pred_logits",
                                          NULL};
static const char *const MASK_NAMES[] = {"mask_logits", "masks_queries_logits", "pred_masks", NULL};

static bool is_array(const fm__zip_member *m) {
  return m->name_size > EXTENSION_SIZE &&
         !memcmp(m->name + m->name_size - EXTENSION_SIZE, EXTENSION, EXTENSION_SIZE);
}

/* "x.npy" is also called "x". */
static bool is_called(const fm__zip_member *m, const char *name) {
  size_t size = strlen(name);
  if (m->name_size == size) return !memcmp(m->name, name, size);
  return is_array(m) && m->name_size == size + EXTENSION_SIZE && !memcmp(m->name, name, size);
}

/* Looks an array up by its name; NULL: any. Returns how many there are; `*out` is the first. */
static int find(const fm__zip *zip, const char *name, fm__zip_member *out) {
  fm__zip_member member;
  int found = 0;
  for (size_t at = 0; fm__zip_next(zip, &at, &member);) {
    if (name ? !is_called(&member, name) : !is_array(&member)) continue;
    if (!found++) *out = member;
  }
  return found;
}

/* "a.npy, b.npy, ...": what the archive holds, for messages. */
static const char *list(const fm__zip *zip, char *text, size_t room) {
  fm__zip_member member;
  size_t used = 0;
  int shown = 0;
  for (size_t at = 0; fm__zip_next(zip, &at, &member) && used + 60 < room; shown++) {
    if (shown == 4) {
      memcpy(text + used, ", ...", 6);
      return text;
    }
    size_t size = member.name_size < 40 ? member.name_size : 40;
    memcpy(text + used, ", ", shown ? 2 : 0);
    used += shown ? 2 : 0;
    memcpy(text + used, member.name, size);
    used += size;
    text[used] = '\0';
  }
  if (!shown) memcpy(text, "nothing", 8);
  return text;
}

static fm_status find_one(const fm__zip *zip, const char *name, fm__zip_member *out,
                          fm_error *err) {
  char names[300];
  int found = find(zip, name, out);
  if (found == 1) return FM_OK;
  if (name && found)
    return fm__fail(err, FM_ERR_FORMAT, "the archive has several members called '%.60s'", name);
  list(zip, names, sizeof names);
  if (name)
    return fm__fail(err, FM_ERR_FORMAT, "the archive holds no array '%.60s', but %s", name, names);
  if (found)
    return fm__fail(err, FM_ERR_FORMAT,
                    "the archive holds %d arrays (%s): say which one to read "
                    "(fm_read_options.member)",
                    found, names);
  return fm__fail(err, FM_ERR_FORMAT,
                  "the archive holds no NumPy array, but %s: is it a file of PyTorch?", names);
}

/* The bytes that an array can have at most: numbers have at most 8, a header some more. */
static uint64_t most_bytes(const fm__request *request) {
  const uint64_t pixels = (uint64_t)request->max_pixels, bytes = (uint64_t)request->max_bytes;
  if (request->content == FM__OUTPUT || pixels > (UINT64_MAX >> 4)) return bytes;
  return 8 * pixels + 65536 < bytes ? 8 * pixels + 65536 : bytes;
}

static fm_status read_member(const fm__zip *zip, const fm__zip_member *member,
                             const fm__request *request, fm_raster **out, fm_error *err) {
  unsigned char *bytes = NULL;
  fm_status status = fm__zip_load(zip, member, most_bytes(request), &bytes, err);
  if (!status) {
    fm__input input;
    status = fm__input_memory(bytes, (size_t)member->size, INT64_MAX, &input, err);
    if (!status && (input.size < 6 || memcmp(bytes, "\x93NUMPY", 6) != 0))
      status = fm__fail(err, FM_ERR_FORMAT, "is not a NumPy array");
    if (!status) status = fm__npy_read(zip->context, &input, request, out, err);
    fm__free(zip->context, bytes);
  }
  if (status)
    fm__fail_prefix(err, "%.*s", member->name_size < 100 ? (int)member->name_size : 100,
                    member->name);
  return status;
}

/* The first of several names that the archive has. */
static fm_status find_named(const fm__zip *zip, const char *const *names, fm__zip_member *out,
                            fm_error *err) {
  for (int i = 0; names[i]; i++)
    if (find(zip, names[i], out)) return find_one(zip, names[i], out, err);
  return find_one(zip, names[0], out, err);
}

static fm_status read_queries(const fm__zip *zip, const fm__request *request, fm_raster **out,
                              fm_error *err) {
  fm__zip_member classes, masks;
  fm__request output = *request;
  fm_raster *plane = NULL, *volume = NULL;
  output.content = FM__OUTPUT;
  fm_status status = find_named(zip, CLASS_NAMES, &classes, err);
  if (!status) status = find_named(zip, MASK_NAMES, &masks, err);
  if (!status) status = read_member(zip, &classes, request, &plane, err);
  if (!status) status = read_member(zip, &masks, &output, &volume, err);
  if (!status && plane->plane.height != volume->volume.channels)
    status = fm__fail(err, FM_ERR_FORMAT, "class logits are of %lld queries, mask logits of %lld",
                      (long long)plane->plane.height, (long long)volume->volume.channels);
  if (status) {
    fm_raster_destroy(plane);
    fm_raster_destroy(volume);
    return status;
  }
  fm__raster_join(volume, plane);
  *out = volume;
  return FM_OK;
}

fm_status fm__npz_read(const fm_context *context, fm__input *input, const fm__request *request,
                       fm_raster **out, fm_error *err) {
  fm__zip zip;
  fm__zip_member member;
  fm_status status = fm__zip_open(context, input, &zip, err);
  if (status) return status;
  if (request->content == FM__QUERIES) {
    status = read_queries(&zip, request, out, err);
  } else {
    status = find_one(&zip, request->member, &member, err);
    if (!status) status = read_member(&zip, &member, request, out, err);
  }
  fm__zip_close(&zip);
  return status;
}
