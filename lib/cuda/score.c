/* cuda/score.c - FM_SCORE_RANK on the device: its tables, its workspace, its launches. */
#include "cuda/score.h"

#include <stdlib.h>
#include <string.h>

#include "core/fail.h"
#include "labels/score_steps.h"

/* ---- Tables ----------------------------------------------------------------------------------- */

enum { TABLE_ALIGN = 8 };

void *fm__cu_tables_add(fm__cu_tables *tables, size_t size, fm_error *err) {
  const size_t at = tables->size, room = (size + TABLE_ALIGN - 1) / TABLE_ALIGN * TABLE_ALIGN;
  char *data = realloc(tables->data, at + room);
  if (!data) {
    fm__fail_memory(err, at + room);
    return NULL;
  }
  memset(data + at, 0, room);
  tables->data = data;
  tables->size = at + room;
  return data + at;
}

void fm__cu_tables_free(fm__cu_tables *tables) { free(tables->data); }

/* `score` are statistics of the score. */
static fm_status add_tables(fm__cu_ranks *ranks, fm__cu_tables *tables, const fm_class_stats *score,
                            int32_t classes, fm_error *err) {
  const int64_t steps = (int64_t)classes * ranks->tables * ranks->bins,
                codes = (int64_t)classes * FM__CU_LABELS_OF_BYTE;
  ranks->steps_at = tables->size;
  if (!fm__cu_tables_add(tables, (size_t)steps * sizeof(int16_t), err)) return FM_ERR_MEMORY;
  ranks->codes_at = tables->size;
  if (!fm__cu_tables_add(tables, (size_t)codes * sizeof(uint16_t), err)) return FM_ERR_MEMORY;
  return fm_class_stats_rank_tables(score, (int16_t *)(void *)(tables->data + ranks->steps_at),
                                    steps, (uint16_t *)(void *)(tables->data + ranks->codes_at),
                                    codes, err);
}

fm_status fm__cu_ranks_make(fm__cu_ranks *ranks, fm__cu_tables *tables, const fm_labels *labels,
                            const fm_class_stats *losses, fm_error *err) {
  fm_class_stats_options o = {.size = sizeof o};
  fm_class_stats_layout layout = {.size = sizeof layout};
  fm_class_stats *score = NULL;
  if (!losses) return FM_OK;
  fm_status status = fm_class_stats_get_options(losses, &o, err);
  if (status) return status;
  ranks->strata = o.strata;
  ranks->tables = o.strata > 1 ? 1 + o.strata : 1;
  ranks->shift = fm__cu_bin_shift(o.histogram);
  ranks->bins = 32 * o.histogram + 2;
  o = (fm_class_stats_options){.size = sizeof o, .score = FM_SCORE_RANK, .ranks = losses};
  status = fm_class_stats_create(labels, &o, &score, err);
  if (!status) status = fm_class_stats_get_layout(score, &layout, err);
  ranks->fingerprint = layout.ranks_fingerprint;
  if (!status) status = add_tables(ranks, tables, score, layout.class_count, err);
  fm_class_stats_destroy(score);
  return status;
}

void fm__cu_ranks_use(const fm__cu_ranks *ranks, const fm__cu_space *space, fm__cu_job *job) {
  job->score_strata = ranks->strata;
  if (!ranks->strata) return;
  job->rank_tables = ranks->tables;
  job->rank_bins = ranks->bins;
  job->rank_shift = ranks->shift;
  job->rank_steps = (const int16_t *)(const void *)(space->extra + ranks->steps_at);
  job->code_bins = (const uint16_t *)(const void *)(space->extra + ranks->codes_at);
}

/* ---- The workspace ------------------------------------------------------------------------------ */

enum { ALIGN = 256, ROOM = 16, MOST_IMAGES = 65535 };

static size_t align(size_t size) { return (size + ALIGN - 1) / ALIGN * ALIGN; }

/* Pixels from one image's to the next one's: images begin at multiples of what runs load at once. */
static int64_t room_of(int64_t height, int64_t width) {
  return (height * width + ROOM - 1) / ROOM * ROOM;
}

bool fm__cu_is_batch(const fm__cu_masks *m) {
  return m->images <= MOST_IMAGES && fm_cuda_window_workspace(m->images, m->height, m->width) > 0;
}

/* Where each array begins, and where all of it ends. */
typedef struct layout {
  size_t kinds, window, scores, own, means, places, pixels, counts, end;
} layout;

static layout layout_of(int32_t classes, int32_t images, int64_t height, int64_t width) {
  const size_t pixels = (size_t)images * (size_t)room_of(height, width);
  const size_t levels = (size_t)images * ((size_t)classes + 1);
  layout l;
  l.kinds = 0;
  l.window = l.kinds + align(pixels * sizeof(int32_t));
  l.scores = l.window + align(pixels * sizeof(float));
  l.own = l.scores + align(pixels * sizeof(float));
  l.means = l.own + align(pixels * sizeof(int16_t));
  l.places = l.means + align(fm_cuda_window_workspace(images, height, width));
  l.pixels = l.places + align((size_t)(height + width) * sizeof(int32_t));
  l.counts = l.pixels + align(levels * 2 * sizeof(int64_t));
  l.end = l.counts + align(levels * FM__LEVEL_BINS * sizeof(uint32_t));
  return l;
}

fm__cu_rooms fm__cu_rooms_of(const fm__cu_ranks *ranks, int32_t classes, const fm__cu_masks *masks,
                             size_t own, bool keeps) {
  const size_t pixels = (size_t)masks->images * (size_t)room_of(masks->height, masks->width);
  fm__cu_rooms r = {own, own, own};
  if (masks->fused && (keeps || ranks->strata)) {
    r.losses = align(own);
    r.scores = r.end = r.losses + align(pixels * sizeof(float));
  }
  if (ranks->strata) {
    r.scores = align(r.scores);
    r.end = r.scores + layout_of(classes, masks->images, masks->height, masks->width).end;
  }
  return r;
}

fm__cu_masks fm__cu_masks_of(const fm__cu_job *job) {
  return (fm__cu_masks){job->images, job->height, job->width, job->fused};
}

/* ---- Launches -------------------------------------------------------------------------------------- */

/* Planes of the mask's size, of elements of 4 bytes. */
static fm__cu_planes planes_at(const fm__cu_job *job, char *memory, fm_dtype dtype) {
  fm__cu_planes p = {.data = memory, .dtype = dtype, .element = 4, .dense = true};
  p.col = 4;
  p.row = 4 * job->width;
  p.image = 4 * room_of(job->height, job->width);
  return p;
}

void fm__cu_losses(fm__cu_call *call, char *memory) {
  fm__cu_job *job = &call->job, saved = *job;
  const fm__cu_planes losses = planes_at(job, memory, FM_F32);
  job->out = losses;
  job->sink = FM__CU_LOSSES;
  job->own_counters = job->plain = false;
  fm__cu_launch(call, FM__CU_filter_output, fm__cu_columns(job), job->images, 0);
  *job = saved;
  job->loss = losses;
}

static void use_workspace(fm__cu_job *job, char *memory) {
  const layout l = layout_of(job->class_count, job->images, job->height, job->width);
  job->score_room = room_of(job->height, job->width);
  job->kinds = planes_at(job, memory + l.kinds, FM_I32);
  job->window_steps = planes_at(job, memory + l.window, FM_F32);
  job->scores = planes_at(job, memory + l.scores, FM_F32);
  job->own_steps = (int16_t *)(void *)(memory + l.own);
  job->level_pixels = (int64_t *)(void *)(memory + l.pixels);
  job->level_counts = (uint32_t *)(void *)(memory + l.counts);
  const bool same = job->reference_height == job->height && job->reference_width == job->width;
  job->places = job->reference.data && !same ? (int32_t *)(void *)(memory + l.places) : NULL;
}

static void launch_tiles(fm__cu_call *call, int kernel) {
  fm__cu_launch(call, kernel, fm__cu_tiles(&call->job), call->job.images, 0);
}

/* Means over the windows of a class, where scores will be. */
static void launch_means(fm__cu_call *call, char *memory) {
  fm__cu_job *job = &call->job, saved = *job;
  job->mask = job->kinds;
  job->loss = job->window_steps;
  job->out = job->scores;
  job->radius = fm__score_radius(job->height);
  fm__cu_window(call, memory);
  *job = saved;
}

void fm__cu_scores(fm__cu_call *call, char *memory) {
  fm__cu_job *job = &call->job;
  use_workspace(job, memory);
  const size_t levels = (size_t)job->images * ((size_t)job->class_count + 1);
  fm__cu_clear(call, job->level_counts, levels * FM__LEVEL_BINS * sizeof(uint32_t));
  launch_tiles(call, FM__CU_rank);
  if (job->places) fm__cu_launch(call, FM__CU_places, 1, 1, 0);
  if (job->reference.data) launch_tiles(call, FM__CU_pair);
  launch_tiles(call, FM__CU_level_count);
  fm__cu_launch(call, FM__CU_level_find, (int64_t)job->class_count + 1, job->images,
                FM__CU_THREADS * sizeof(uint32_t));
  launch_tiles(call, FM__CU_level);
  launch_means(call,
               memory + layout_of(job->class_count, job->images, job->height, job->width).means);
  launch_tiles(call, FM__CU_score);
  job->loss = job->scores;
  job->strata.data = NULL;
}
