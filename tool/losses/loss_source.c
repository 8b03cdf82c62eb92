/* losses/loss_source.c - chooses how losses are made, and finds the partner of each mask. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "base/path.h"
#include "base/pixel.h"
#include "losses/loss_way.h"

bool loss_provider_is_plugin(const char *provider) {
  return provider && !strncmp(provider, "plugin:", 7);
}

bool loss_options_need_all(const loss_options *o) {
  return o->provider && !loss_provider_is_plugin(o->provider);
}

/* ---- The folders -------------------------------------------------------------------- */

const loss_folder loss_folders[LOSS_FOLDERS] = {
    [LOSS_MAPS] = {.name = "losses",
                   .real = "real-losses",
                   .synthetic = "synthetic-losses",
                   .help = "loss maps: <stem>.npy, [H, W] in nats",
                   .real_help = "their loss maps",
                   .synthetic_help = "their loss maps",
                   .title = "Losses",
                   .way = &loss_way_maps,
                   .partners = FOLDER_LOSSES},
    [LOSS_LOGITS] = {.name = "logits",
                     .real = "real-logits",
                     .synthetic = "synthetic-logits",
                     .help = "a network's outputs: <stem>.npy, [C, h, w]",
                     .real_help = "or a network's outputs for them",
                     .synthetic_help = "or a network's outputs for them",
                     .title = "Outputs",
                     .way = &loss_way_logits,
                     .partners = FOLDER_LOSSES,
                     .outputs = true},
    [LOSS_QUERIES] = {.name = "queries",
                      .real = "real-queries",
                      .synthetic = "synthetic-queries",
                      .help = "outputs of Mask2Former and the like: <stem>.npz",
                      .real_help = "or those of Mask2Former and the like",
                      .synthetic_help = "or those of Mask2Former and the like",
                      .title = "Outputs, queries",
                      .way = &loss_way_queries,
                      .partners = FOLDER_QUERIES,
                      .outputs = true},
    [LOSS_IMAGES] = {.name = "images",
                     .real = "real-images",
                     .synthetic = "synthetic-images",
                     .help = "images, for --provider",
                     .real_help = "the real images",
                     .synthetic_help = "the synthetic images",
                     .title = "Images",
                     .partners = FOLDER_IMAGES,
                     .provided = true},
};

int loss_options_which(const loss_options *o) {
  int which = 0;
  while (which < LOSS_FOLDERS && !o->folders[which]) which++;
  return which;
}

bool loss_options_have_files(const loss_options *o) {
  int which = loss_options_which(o);
  return which < LOSS_FOLDERS && !loss_folders[which].provided;
}

bool loss_options_have_outputs(const loss_options *o) {
  int which = loss_options_which(o);
  return which < LOSS_FOLDERS && loss_folders[which].outputs;
}

void loss_folders_save(const char *const folders[LOSS_FOLDERS], const char *path, json_t *object) {
  for (int i = 0; i < LOSS_FOLDERS; i++) {
    char *stored = path_to_store(path, folders[i]);
    json_object_set_new(object, loss_folders[i].name, json_text(stored));
    free(stored);
  }
}

int loss_folders_load(const json_t *object, const char *path, char *folders[LOSS_FOLDERS],
                      fault *f) {
  int code = EXIT_FINE;
  for (int i = 0; i < LOSS_FOLDERS && !code; i++)
    code = json_member_path_or_null(object, path, loss_folders[i].name, &folders[i], f);
  return code;
}

/* ---- Choosing ----------------------------------------------------------------------- */

static int two_sources(const char *first, const char *second, fault *f) {
  return fault_set(f, EXIT_USAGE, "--%s and --%s are both given, expected one source of losses",
                   first, second);
}

/* A folder that is provided goes with a provider; everything else goes alone. */
static int check_one(const loss_options *o, fault *f) {
  int which = loss_options_which(o);
  for (int i = which + 1; i < LOSS_FOLDERS; i++)
    if (o->folders[i]) return two_sources(loss_folders[which].name, loss_folders[i].name, f);
  if (which == LOSS_FOLDERS)
    return fault_set(f, EXIT_USAGE,
                     "no source of losses, expected --losses DIR, --logits DIR, --queries DIR or "
                     "--images DIR --provider baseline");
  if (o->provider && !loss_folders[which].provided)
    return two_sources(loss_folders[which].name, "provider", f);
  if (!o->provider && loss_folders[which].provided)
    return fault_set(f, EXIT_USAGE,
                     "--%s needs --provider baseline (or a plug-in), which makes losses of them",
                     loss_folders[which].name);
  return EXIT_FINE;
}

int loss_options_check(const loss_options *o, fault *f) {
  if (o->provider && strcmp(o->provider, "baseline") && !loss_provider_is_plugin(o->provider))
    return fault_set(f, EXIT_USAGE, "--provider is '%s', expected baseline or plugin:FILE.so",
                     o->provider);
  int code = check_one(o, f);
  return code ? code
              : network_flags_check(&o->network, o->folders[LOSS_LOGITS] != NULL,
                                    o->folders[LOSS_QUERIES] != NULL, f);
}

static const loss_way *choose(const loss_options *o, int which) {
  if (loss_folders[which].way) return loss_folders[which].way;
  return loss_provider_is_plugin(o->provider) ? &loss_way_plugin : &loss_way_baseline;
}

/* ---- Partners ----------------------------------------------------------------------- */

static int pair(loss_source *s, bool lenient, fault *f) {
  folder_finder find = s->way->find ? s->way->find : folder_find;
  int code = folder_pair(s->masks, &s->partners, find, s->way->what, &s->pairs, f);
  if (code || lenient || !s->pairs.missing) return code;
  return folder_pairs_missing(s->masks, &s->partners, &s->pairs, s->way->what, f);
}

int loss_source_open(fm_context *context, fm_labels *labels, const loss_options *options,
                     const folder *masks, bool lenient, loss_source **out, fault *f) {
  loss_source *s = alloc_zeroed(1, sizeof *s);
  int which = loss_options_which(options);
  s->context = context;
  s->labels = labels;
  s->masks = masks;
  s->folder = &loss_folders[which];
  s->way = choose(options, which);
  int code = folder_list(s->folder->partners, options->folders[which], labels, &s->partners, f);
  if (!code) code = pair(s, lenient, f);
  if (!code && s->way->open) code = s->way->open(s, options, f);
  if (code)
    loss_source_close(s);
  else
    *out = s;
  return code;
}

void loss_source_close(loss_source *s) {
  if (!s) return;
  if (s->way->close && s->own) s->way->close(s->own);
  folder_pairs_free(&s->pairs);
  folder_free(&s->partners);
  free(s);
}

bool loss_source_show(loss_source *s) {
  s->shows = s->way->shows && s->way->shows(s->own);
  return s->shows;
}

bool loss_source_has(const loss_source *s, size_t mask_index) {
  return s->pairs.of[mask_index] != NULL;
}

const folder *loss_source_files(const loss_source *s) { return &s->partners; }
const folder_pairs *loss_source_pairs(const loss_source *s) { return &s->pairs; }
const char *loss_source_what(const loss_source *s) { return s->way->what; }

char *loss_source_path(const loss_source *s, size_t mask_index) {
  return folder_path(&s->partners, s->pairs.of[mask_index]);
}

char *loss_source_second_path(const loss_source *s, size_t mask_index) {
  const folder_file *first = s->pairs.of[mask_index];
  const folder_file *second = s->way->second ? s->way->second(&s->partners, first) : NULL;
  return second ? folder_path(&s->partners, second) : NULL;
}

/* ---- Getting ------------------------------------------------------------------------ */

size_t loss_source_batch(const loss_source *s) { return s->way->batch ? s->way->batch(s->own) : 1; }

int loss_source_get(const loss_source *s, const loss_request *requests, size_t count, loss_map *out,
                    fault *f) {
  memset(out, 0, count * sizeof *out);
  int code = s->way->get(s, requests, count, out, f);
  for (size_t i = 0; code && i < count; i++) loss_map_free(&out[i]);
  return code;
}

void loss_map_free(loss_map *map) {
  fm_raster_destroy(map->raster);
  free(map->memory);
  free(map->shown);
  *map = (loss_map){0};
}

void loss_map_make(loss_map *out, const fm_plane *mask) {
  out->memory = alloc_zeroed((size_t)(mask->height * mask->width), sizeof(float));
  out->plane = fm_plane_make(out->memory, FM_F32, mask->height, mask->width);
}

/* Where a loss is below log 2, the mask's own class is the most likely one: the network's output is not
 * looked at again. */
static void own_classes(const fm_labels *labels, const fm_plane *mask, const float *losses,
                        int32_t *shown, int64_t *asked) {
  static const float SURE = 0.69F;
  const fm_plane m = pixel_strides(mask);
  for (int64_t y = 0, i = 0; y < m.height; y++) {
    const uint8_t *row = (const uint8_t *)m.data + y * m.row_stride;
    for (int64_t x = 0; x < m.width; x++, i++) {
      const int64_t label = pixel_label(row + x * m.col_stride, m.dtype);
      const bool sure = losses[i] < SURE;
      shown[i] = sure ? fm_labels_class_of(labels, label) : -1;
      asked[i] = sure ? fm_labels_ignore_label(labels) : label;
    }
  }
}

int loss_map_show(const loss_source *s, const fm_network_loss *loss,
                  const fm_network_output *output, const loss_request *r, const char *path,
                  loss_map *map, fault *f) {
  const size_t pixels = (size_t)(r->mask.height * r->mask.width);
  fm_error err;
  if (!s->shows) return EXIT_FINE;
  int64_t *asked = alloc_zeroed(pixels, sizeof *asked);
  int32_t *found = alloc_zeroed(pixels, sizeof *found);
  map->shown = alloc_zeroed(pixels, sizeof *map->shown);
  own_classes(s->labels, &r->mask, map->memory, map->shown, asked);
  const fm_plane mask = fm_plane_make(asked, FM_I64, r->mask.height, r->mask.width);
  const fm_plane classes = fm_plane_make(found, FM_I32, r->mask.height, r->mask.width);
  int code = EXIT_FINE;
  if (fm_network_class_map(loss, output, &mask, &classes, &err))
    code = loss_blame_partner(s, r->mask_index, path, &err, f);
  for (size_t i = 0; i < pixels && !code; i++)
    if (found[i] >= 0) map->shown[i] = found[i];
  free(asked);
  free(found);
  return code;
}

int loss_check_size(const fm_plane *mask, int64_t height, int64_t width, const char *what,
                    const char *path, fault *f) {
  if (mask->height == height && mask->width == width) return EXIT_FINE;
  const bool turned = mask->height == width && mask->width == height;
  fault_set(f, EXIT_DATA,
            "%s: the %s is %" PRId64 "x%" PRId64 ", its mask %" PRId64 "x%" PRId64
            ", expected equal sizes%s",
            path, what, width, height, mask->width, mask->height,
            !turned                  ? ""
            : !strcmp(what, "image") ? "; one of them lies on its side (--exif says whether images "
                                       "are turned as EXIF tells)"
                                     : "; it seems to be transposed (numpy.swapaxes)");
  f->status = FM_ERR_SHAPE;
  return EXIT_DATA;
}

int loss_read_image(const loss_source *s, const loss_request *r, const char *path, fm_raster **out,
                    fault *f) {
  fm_error err;
  if (input_read(s->context, &input_image, path, folder_read_options(), out, r->seen, &err))
    return fault_library(f, &err, path);
  fm_volume image = fm_raster_volume(*out);
  return loss_check_size(&r->mask, image.height, image.width, "image", path, f);
}

int loss_blame_partner(const loss_source *s, size_t mask_index, const char *path,
                       const fm_error *err, fault *f) {
  if (err->code != FM_ERR_LABEL) return fault_library(f, err, path);
  char *mask = folder_path(s->masks, &s->masks->files[mask_index]);
  int code = fault_library(f, err, mask);
  free(mask);
  return code;
}

int loss_source_blame(const loss_source *s, size_t mask_index, const char *mask_path,
                      const fm_error *err, fault *f) {
  if (err->code != FM_ERR_LOSS) return fault_library(f, err, mask_path);
  char *path = loss_source_path(s, mask_index);
  int code = fault_library(f, err, path);
  free(path);
  return code;
}

/* ---- The model ---------------------------------------------------------------------- */

bool loss_source_needs_model(const loss_source *s) {
  return s->way->needs_model && s->way->needs_model(s->own);
}

int loss_source_fit(loss_source *s, int threads, bool quiet, fault *f) {
  return s->way->fit ? s->way->fit(s, threads, quiet, f) : EXIT_FINE;
}

json_t *loss_source_model(const loss_source *s) {
  return s->way->model ? s->way->model(s->own) : NULL;
}

int loss_source_use_model(loss_source *s, const json_t *model, const char *stats_path, fault *f) {
  return s->way->use_model ? s->way->use_model(s, model, stats_path, f) : EXIT_FINE;
}
