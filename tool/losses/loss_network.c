/* losses/loss_network.c - losses from the outputs of a network, in NPY and NPZ files.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/text.h"
#include "losses/loss_way.h"
#include "losses/output_file.h"
#include "losses/query_file.h"

typedef struct network_source {
  network_flags flags;
  fm_network_loss *loss;
} network_source;

/* ---- Logits: one array -------------------------------------------------------------- */

static int read_logits(const loss_source *s, const char *path, input_seen *seen, fm_raster **raster,
                       fm_volume *out, fault *f) {
  const network_flags *flags = &((const network_source *)s->own)->flags;
  return output_file_read(s->context, path, flags->channels_last, flags->kind >= KIND_BINARY, seen,
                          raster, out, f);
}

/* Channels of the first file; the others have to have as many. */
static int count_channels(const loss_source *s, int64_t *out, fault *f) {
  for (size_t i = 0; i < s->masks->count; i++) {
    if (!s->pairs.of[i]) continue;
    char *path = loss_source_path(s, i);
    fm_raster *raster = NULL;
    fm_volume volume;
    int code = read_logits(s, path, NULL, &raster, &volume, f);
    if (!code) *out = volume.channels;
    fm_raster_destroy(raster);
    free(path);
    return code;
  }
  return EXIT_FINE;
}

static int open_logits(loss_source *s, const loss_options *options, fault *f) {
  int64_t channels = 0;
  network_source *n = alloc_zeroed(1, sizeof *n);
  s->own = n;
  n->flags = options->network;
  int code = n->flags.channels ? count_channels(s, &channels, f) : EXIT_FINE;
  return code ? code : network_flags_make(&n->flags, false, s->labels, channels, &n->loss, f);
}

static void close_source(void *own) {
  network_source *n = own;
  fm_network_loss_destroy(n->loss);
  free(n);
}

static int fail(const loss_source *s, const loss_request *r, const fm_error *err, const char *path,
                fault *f) {
  int code = loss_blame_partner(s, r->mask_index, path, err, f);
  network_flags_explain(&((const network_source *)s->own)->flags, f);
  return code;
}

/* ---- What is wrong with a shape, and which flag helps ------------------------------------ */

/* Adds a way forward to a fault. */
static int advise(fault *f, const char *words) {
  fault plain = *f;
  int code = fault_set(f, plain.exit_code, "%s; %s", plain.text, words);
  f->status = plain.status;
  return code;
}

/* The number of channels is wrong: which axis, or which part of it, may hold the classes? */
static void advise_channels(const network_flags *flags, int64_t classes, const fm_volume *v,
                            fault *f) {
  text t = {0};
  const int64_t last = flags->channels_last ? v->height : v->width;
  if (!flags->channels_last && last == classes)
    text_add(&t, "the last axis has %" PRId64 ", as many as there are classes: --channels-last",
             last);
  else if (flags->channels_last && last == classes)
    text_add(&t,
             "the first axis has %" PRId64
             ", as many as there are classes: leave out "
             "--channels-last",
             last);
  else if (v->channels == 1 && classes == 2)
    text_add(&t, "one channel tells two classes apart: --kind binary, or binary-probs, reads it");
  else if (v->channels == classes + 1)
    text_add(&t,
             "if the first channel is a background or void that is no class, --channels "
             "1:%" PRId64 "; if the last one is, --channels 0:%" PRId64,
             classes + 1, classes);
  else if (!flags->channels_last && last == classes + 1)
    text_add(&t,
             "the last axis has one more than there are classes: --channels-last, with "
             "--channels 1:%" PRId64 " if the first is no class, 0:%" PRId64 " if the last",
             classes + 1, classes);
  else if (v->channels > classes)
    text_add(&t, "--channels A:B, or a list, names those of the %" PRId64 " classes", classes);
  else
    text_add(&t, "are these the outputs of a network for these classes?");
  advise(f, t.data);
  text_free(&t);
}

/* Outputs have another resolution than their masks, but not another orientation. */
static bool is_transposed(const fm_volume *v, const fm_plane *mask) {
  return v->height != v->width && v->height * mask->height == v->width * mask->width &&
         v->height * mask->width != v->width * mask->height;
}

static int refuse_transposed(const fm_volume *v, const fm_plane *mask, const char *path, fault *f) {
  fault_set(f, EXIT_DATA,
            "%s: the output has %" PRId64 " rows and %" PRId64 " columns, its mask %" PRId64
            " and %" PRId64
            ": it seems to be saved as [C, w, h], expected [C, h, w] "
            "(numpy.swapaxes)",
            path, v->height, v->width, mask->height, mask->width);
  f->status = FM_ERR_SHAPE;
  return EXIT_DATA;
}

/* The file holds no array of three axes: what may it be? */
static void advise_array(const loss_source *s, const char *path, fault *f) {
  const bool two = fm_labels_class_count(s->labels) == 2;
  fm_raster *raster = NULL;
  if (!fm_loss_read(s->context, path, folder_array_options(), &raster, NULL))
    advise(f, two ? "an array [h, w] is one channel of two classes, which --kind binary or "
                    "binary-probs reads, or it holds losses: --losses"
                  : "an array [h, w] may hold losses: --losses");
  else if (!fm_mask_read(s->context, path, folder_array_options(), &raster, NULL))
    advise(f,
           "whole numbers are what a network predicts, not how sure it is: save its output "
           "before argmax, as float16 or float32");
  fm_raster_destroy(raster);
}

static int logits_of(const loss_source *s, const loss_request *r, loss_map *out, fault *f) {
  const network_source *n = s->own;
  char *path = loss_source_path(s, r->mask_index);
  fm_raster *raster = NULL;
  fm_volume volume;
  fm_error err;
  int code = read_logits(s, path, r->seen, &raster, &volume, f);
  if (!code) {
    fm_network_output output = {.size = sizeof output, .values = volume};
    loss_map_make(out, &r->mask);
    if (is_transposed(&volume, &r->mask)) {
      code = refuse_transposed(&volume, &r->mask, path, f);
    } else if (fm_network_loss_map(n->loss, &output, &r->mask, &out->plane, &err)) {
      code = fail(s, r, &err, path, f);
      if (err.code == FM_ERR_SHAPE)
        advise_channels(&n->flags, fm_labels_class_count(s->labels), &volume, f);
    } else {
      code = loss_map_show(s, n->loss, &output, r, path, out, f);
    }
  } else if (f->status == FM_ERR_FORMAT || f->status == FM_ERR_UNSUPPORTED) {
    advise_array(s, path, f);
  }
  fm_raster_destroy(raster);
  free(path);
  return code;
}

static int get_logits(const loss_source *s, const loss_request *requests, size_t count,
                      loss_map *out, fault *f) {
  int code = EXIT_FINE;
  for (size_t i = 0; i < count && !code; i++) code = logits_of(s, &requests[i], &out[i], f);
  return code;
}

/* ---- Queries: two arrays ------------------------------------------------------------ */

/* <stem>.npz, or <stem>.class.npy next to <stem>.mask.npy. */
static const folder_file *find_half(const folder *partners, const char *stem, const char *half) {
  text name = {0};
  text_add(&name, "%s.%s", stem, half);
  const folder_file *found = folder_find(partners, name.data);
  text_free(&name);
  return found;
}

static const folder_file *find_queries(const folder *partners, const char *stem) {
  const folder_file *found = folder_find(partners, stem);
  if (found && path_ends_with(found->relative, ".npz")) return found;
  return find_half(partners, stem, "mask") ? find_half(partners, stem, "class") : NULL;
}

static const folder_file *second_of_queries(const folder *partners, const folder_file *first) {
  if (path_ends_with(first->relative, ".npz")) return NULL;
  char *stem = alloc_text(first->stem);
  stem[strlen(stem) - strlen(".class")] = '\0';
  const folder_file *second = find_half(partners, stem, "mask");
  free(stem);
  return second;
}

static int read_queries(const loss_source *s, size_t index, const char *path, input_seen *seen,
                        query_arrays *out, fault *f) {
  char *other = loss_source_second_path(s, index);
  int code = query_file_read(s->context, path, other, seen, out, f);
  free(other);
  return code;
}

static int queries_of(const loss_source *s, const loss_request *r, loss_map *out, fault *f) {
  const network_source *n = s->own;
  char *path = loss_source_path(s, r->mask_index);
  query_arrays q = {0};
  fm_error err;
  int code = read_queries(s, r->mask_index, path, r->seen, &q, f);
  if (!code) {
    fm_network_output output = {
        .size = sizeof output, .values = q.mask_logits, .class_logits = q.class_logits};
    loss_map_make(out, &r->mask);
    if (fm_network_loss_map(n->loss, &output, &r->mask, &out->plane, &err))
      code = fail(s, r, &err, path, f);
    else
      code = loss_map_show(s, n->loss, &output, r, path, out, f);
  }
  query_arrays_free(&q);
  free(path);
  return code;
}

static int get_queries(const loss_source *s, const loss_request *requests, size_t count,
                       loss_map *out, fault *f) {
  int code = EXIT_FINE;
  for (size_t i = 0; i < count && !code; i++) code = queries_of(s, &requests[i], &out[i], f);
  return code;
}

/* With a channel map, as many classes as the first file's rows have, but "no object". */
static int count_classes(const loss_source *s, int64_t *out, fault *f) {
  for (size_t i = 0; i < s->masks->count; i++) {
    if (!s->pairs.of[i]) continue;
    char *path = loss_source_path(s, i);
    query_arrays q = {0};
    int code = read_queries(s, i, path, NULL, &q, f);
    if (!code) *out = q.class_logits.width - 1;
    query_arrays_free(&q);
    free(path);
    return code;
  }
  return EXIT_FINE;
}

static int open_queries(loss_source *s, const loss_options *options, fault *f) {
  int64_t channels = 0;
  network_source *n = alloc_zeroed(1, sizeof *n);
  s->own = n;
  n->flags = options->network;
  int code = n->flags.channels ? count_classes(s, &channels, f) : EXIT_FINE;
  return code ? code : network_flags_make(&n->flags, true, s->labels, channels, &n->loss, f);
}

static bool shows(const void *own) {
  (void)own;
  return true;
}

const loss_way loss_way_logits = {.what = "network output",
                                  .open = open_logits,
                                  .close = close_source,
                                  .shows = shows,
                                  .get = get_logits};

const loss_way loss_way_queries = {.what = "network output",
                                   .find = find_queries,
                                   .second = second_of_queries,
                                   .open = open_queries,
                                   .close = close_source,
                                   .shows = shows,
                                   .get = get_queries};
