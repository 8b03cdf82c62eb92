/* fuzz/fuzz_options.c - any bytes as the options of a call, of any size: each creator refuses them with a
 * documented status, or makes a handle whose options, read back, make another one that has the same. A
 * schedule is also asked for entries anywhere, saved and restored. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { BEYOND = 24, NUMBERS = 32 };

static const double weights[2 * NUMBERS] = {1, 0, 0.5, 1e300, 1e-300, 3, 7, 2};
static const int64_t seeds[NUMBERS] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  -1, -2,
                                       10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
                                       21, 22, 23, 24, 25, 26, 27, 28, 29, 30};
static const double means[2] = {0.5, 2};

/* ---- Bytes as options ------------------------------------------------------------ */

/* A structure with room for a newer release's; its size is what the first byte chooses. */
typedef union sized {
  size_t size;
  unsigned char bytes[512];
  fm_class_stats_options stats;
  fm_filter_options filter;
  fm_hardness_options hardness;
  fm_network_loss_options network;
  fm_schedule_options schedule;
  fm_planner_options planner;
  fm_write_options write;
  fm_read_options read;
} sized;

/* Numbers that mean something are rare among all bytes: most become small. */
static void make_small(sized *o, size_t from, size_t to, const uint8_t *how, size_t count) {
  for (size_t at = from, i = 0; at + 8 <= to && i < count; at += 4, i++) {
    int32_t small = (int8_t)o->bytes[at];
    if (how[i] & 1) memcpy(o->bytes + at, &small, sizeof small);
    if (how[i] & 2) memset(o->bytes + at + 4, 0, 4);
    if (how[i] & 4) memset(o->bytes + at, 0, 4);
  }
}

static size_t size_of(uint8_t choice, size_t known) {
  if (choice < 160) return known;
  if (choice < 200) return choice % (known + 1);
  if (choice < 220) return known + choice % BEYOND;
  return choice < 240 ? (size_t)-1 - choice : 0;
}

static sized read_options(const uint8_t *data, size_t size, size_t known) {
  sized o;
  memset(&o, 0, sizeof o);
  size_t body = size > 32 ? size - 32 : 0;
  if (body > known + BEYOND) body = known + BEYOND;
  if (body) memcpy(o.bytes, data + 32, body);
  if (size > 2) make_small(&o, sizeof(size_t), known, data + 2, size - 2 < 30 ? size - 2 : 30);
  size_t claimed = size > 1 ? size_of(data[1], known) : 0;
  /* The memory behind what is claimed has to be there; the rest of a newer structure is 0, or not. */
  memcpy(o.bytes, &claimed, sizeof claimed);
  if (claimed > known + BEYOND) return o;
  if (size > 1 && data[1] % 2) memset(o.bytes + known, 0, sizeof o - known);
  return o;
}

/* Whether a creator succeeded; a failure is one of options. */
static int made(fm_status status, const void *out, const fm_error *err) {
  if (status == FM_OK) {
    fuzz_expect(out != NULL, "success without an output");
    return 1;
  }
  fuzz_expect(!out && err->code == (int32_t)status, "an output after a failure");
  fuzz_expect(status == FM_ERR_ARGUMENT || status == FM_ERR_UNSUPPORTED || status == FM_ERR_LIMIT ||
                  status == FM_ERR_MEMORY || status == FM_ERR_SHAPE || status == FM_ERR_EMPTY ||
                  status == FM_ERR_DUPLICATE || status == FM_ERR_MISMATCH,
              "a status that is not documented");
  fuzz_expect_sentence(err->message);
  return 0;
}

/* ---- Creators -------------------------------------------------------------------- */

/* Makes a handle twice, the second time from the options that the first one tells. */
#define TWICE(TYPE, OPTIONS, create, get, destroy)                              \
  do {                                                                          \
    TYPE *first = NULL, *second = NULL;                                         \
    OPTIONS told = {.size = sizeof told}, again = {.size = sizeof again};       \
    fm_error err = {0};                                                         \
    fm_status status = create((const OPTIONS *)(const void *)&o, &first, &err); \
    if (made(status, first, &err)) {                                            \
      fuzz_expect(get(first, &told, &err) == FM_OK, "options are not told");    \
      status = create(&told, &second, &err);                                    \
      if (made(status, second, &err)) {                                         \
        fuzz_expect(get(second, &again, &err) == FM_OK, "not told again");      \
        same(&told, &again);                                                    \
      } else {                                                                  \
        fuzz_expect(status == FM_ERR_MEMORY, "makes no other one");             \
      }                                                                         \
    }                                                                           \
    destroy(second);                                                            \
    destroy(first);                                                             \
  } while (0)

static fm_labels *labels;
static fm_mean_table table = {.size = sizeof table, .class_count = 2, .mean_loss = means};

static fm_status new_stats(const fm_class_stats_options *o, fm_class_stats **out, fm_error *err) {
  return fm_class_stats_create(labels, o, out, err);
}

static fm_status new_filter(const fm_filter_options *o, fm_filter **out, fm_error *err) {
  return fm_filter_create_from_means(labels, &table, o, out, err);
}

static fm_status new_hardness(const fm_hardness_options *o, fm_hardness **out, fm_error *err) {
  return fm_hardness_create_from_means(labels, &table, o, out, err);
}

static fm_status new_network(const fm_network_loss_options *o, fm_network_loss **out,
                             fm_error *err) {
  return fm_network_loss_create(labels, o, out, err);
}

static void same_bytes(const void *a, const void *b, size_t size) {
  fuzz_expect(!memcmp(a, b, size), "tells other options");
}

#define same(a, b) same_bytes(a, b, sizeof *(a))

static void try_filter(sized o) {
  TWICE(fm_filter, fm_filter_options, new_filter, fm_filter_get_options, fm_filter_destroy);
}

static void try_hardness(sized o) {
  TWICE(fm_hardness, fm_hardness_options, new_hardness, fm_hardness_get_options,
        fm_hardness_destroy);
}

#undef same
/* Channels and ranks are other copies. */
#define same(a, b) (void)0

/* Statistics that ranks can be taken from. */
static fm_class_stats *real_losses(void) {
  static const uint8_t mask[4] = {0, 1, 1, 255};
  static const float losses[4] = {0.5F, 1, 3, 0};
  fm_plane m = fm_plane_make(mask, FM_U8, 2, 2), l = fm_plane_make(losses, FM_F32, 2, 2);
  fm_class_stats_options options = {.size = sizeof options, .histogram = 2};
  fm_class_stats *stats = NULL;
  fm_error err;
  fuzz_expect(fm_class_stats_create(labels, &options, &stats, &err) == FM_OK, "statistics");
  fuzz_expect(fm_class_stats_add(stats, &m, &l, NULL, &err) == FM_OK, "losses");
  return stats;
}

static void try_stats(sized o) {
  static fm_class_stats *real;
  if (!real) real = real_losses();
  if (o.size <= sizeof o.stats && o.stats.strata > 4) o.stats.strata = 4;
  o.stats.ranks = o.stats.ranks ? real : NULL;
  TWICE(fm_class_stats, fm_class_stats_options, new_stats, fm_class_stats_get_options,
        fm_class_stats_destroy);
}

static void try_network(sized o) {
  static const int32_t channels[2] = {3, 0};
  o.network.channels = o.network.channels ? channels : NULL;
  TWICE(fm_network_loss, fm_network_loss_options, new_network, fm_network_loss_get_options,
        fm_network_loss_destroy);
}

/* ---- Schedules -------------------------------------------------------------------- */

/* Another epoch or offset, and the sum of that, as core/random.h makes it. */
static void change_state(unsigned char *state, const uint8_t *data) {
  uint64_t hash = UINT64_C(0xCBF29CE484222325);
  for (int i = 0; i < 8; i++) state[24 + data[i] % 16] ^= data[(i + 1) % 8];
  for (int i = 0; i < 40; i++) hash = (hash ^ state[i]) * UINT64_C(0x100000001B3);
  for (int i = 0; i < 8; i++) state[40 + i] = (unsigned char)(hash >> 8 * i);
}

static void try_positions(fm_schedule *schedule, const uint8_t *data, size_t size) {
  fm_error err = {0};
  unsigned char state[FM_SCHEDULE_STATE_SIZE];
  for (size_t at = 0; at + 8 <= size && at < 64; at += 8) {
    int64_t position, epoch, length;
    memcpy(&position, data + at, 8);
    if (data[at] & 1) position = (INT64_C(1) << 62) - (position & 0xFFFF);
    if (data[at] & 2) position &= 0xFFFFF;
    fm_schedule_entry entry = {.size = sizeof entry};
    if (fm_schedule_at(schedule, position, &entry, &err) == FM_OK) {
      epoch = entry.epoch;
      fuzz_expect(entry.number >= 0 && entry.index >= 0 && epoch >= 0, "an entry below 0");
      int64_t start = fm_schedule_epoch_start(schedule, epoch);
      length = fm_schedule_epoch_length(schedule, epoch);
      fuzz_expect(start >= 0 && start <= position && position - start < length,
                  "a position outside of its epoch");
    }
    epoch = position;
    length = fm_schedule_epoch_length(schedule, epoch);
    fuzz_expect((fm_schedule_epoch_start(schedule, epoch) < 0) == (length < 0), "half an epoch");
    if (fm_schedule_seek(schedule, position, &err) != FM_OK) continue;
    fuzz_expect(fm_schedule_save(schedule, state, sizeof state, &err) == FM_OK, "not saved");
    fuzz_expect(fm_schedule_seek(schedule, 0, &err) == FM_OK, "no beginning");
    fuzz_expect(fm_schedule_restore(schedule, state, sizeof state, &err) == FM_OK, "not restored");
    fuzz_expect(fm_schedule_position(schedule) == position, "restored elsewhere");
    /* And what is no state, with the right sum. */
    change_state(state, data + at);
    fm_status status = fm_schedule_restore(schedule, state, sizeof state, &err);
    fuzz_expect(status == FM_OK || status == FM_ERR_FORMAT || status == FM_ERR_MISMATCH, "state");
  }
}

static void try_schedule(fm_context *context, sized o, const uint8_t *data, size_t size) {
  o.schedule.real_ids = NULL;
  if (o.schedule.weights) {
    o.schedule.weights = weights;
    o.schedule.real_count &= NUMBERS - 1;
    o.schedule.synthetic_count &= NUMBERS - 1;
    if (o.schedule.weight_count & 1)
      o.schedule.weight_count = o.schedule.real_count + o.schedule.synthetic_count;
  }
  fm_schedule *schedule = NULL, *again = NULL;
  fm_error err = {0};
  fm_status status = fm_schedule_create(context, NULL, &o.schedule, &schedule, &err);
  if (!made(status, schedule, &err)) return;
  fm_schedule_options told = {.size = sizeof told};
  fuzz_expect(fm_schedule_get_options(schedule, &told, &err) == FM_OK, "options are not told");
  if (told.weight_count) told.weights = weights;
  status = fm_schedule_create(context, NULL, &told, &again, &err);
  if (made(status, again, &err))
    fuzz_expect(fm_schedule_fingerprint(again) == fm_schedule_fingerprint(schedule),
                "another schedule");
  try_positions(schedule, data, size);
  fm_schedule_destroy(again);
  fm_schedule_destroy(schedule);
}

/* ---- Planners --------------------------------------------------------------------- */

static void try_planner(fm_context *context, sized o) {
  static const fm_plan_part parts[2] = {{.policy = FM_PLAN_RANK, .share = 0.5},
                                        {.policy = FM_PLAN_UNIFORM, .share = 0.5}};
  if (o.planner.seeds) {
    o.planner.seeds = seeds;
    o.planner.seed_count &= NUMBERS - 1;
  }
  if (o.planner.blend) {
    o.planner.blend = parts;
    o.planner.blend_count &= 1;
  }
  if (o.planner.n_max > 64) o.planner.n_max = 64;
  fm_planner *planner = NULL;
  fm_plan *plan = NULL;
  fm_error err = {0};
  fm_status status = fm_planner_create(context, &o.planner, &planner, &err);
  if (!made(status, planner, &err)) return;
  static const int64_t pixels[2] = {5, 0};
  for (int i = 0; i < 3 && !status; i++) {
    const char *const ids[] = {"a", "b", "c"};
    status = fm_planner_add(planner, ids[i], weights[i], pixels, 2, &err);
  }
  if (!status) status = fm_planner_make_plan(planner, &plan, &err);
  if (status) fuzz_expect_sentence(err.message);
  fuzz_expect(!plan || fm_plan_image_count(plan) >= 0, "a count below 0");
  fm_plan_destroy(plan);
  fm_planner_destroy(planner);
}

/* ---- Files ------------------------------------------------------------------------ */

static void try_files(fm_context *context, sized o) {
  unsigned char pixels[6] = {1, 2, 3, 4, 5, 6};
  fm_plane mask = fm_plane_make(pixels, FM_U8, 2, 3);
  fuzz_bytes bytes = {NULL, 0};
  fm_error err = {0};
  fm_raster *raster = NULL;
  o.write.like = NULL;
  fm_status status = fm_mask_encode(context, &mask, &o.write, fuzz_keep, &bytes, &err);
  if (status) fuzz_expect_sentence(err.message);
  if (!status) {
    sized r = o;
    r.read.member = NULL;
    status = fm_mask_decode(context, bytes.data, bytes.size, &r.read, &raster, &err);
    if (status) fuzz_expect_sentence(err.message);
    fm_raster_destroy(raster);
  }
  free(bytes.data);
}

/* Once: its tables take longer than all that follows. */
static void make_labels(void) {
  static const char text[] = "label,class,name\n255,ignore,\n0,0,road\n1,1,sky\n";
  fm_context *own = NULL;
  fm_error err;
  fuzz_expect(fm_context_create(NULL, &own, &err) == FM_OK, "context");
  fm_status status = fm_labels_decode(own, text, sizeof text - 1, "two", &labels, &err);
  fuzz_expect(status == FM_OK, "labels");
  fm_context_destroy(own);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  fm_context *context = fuzz_open();
  if (!labels) make_labels();
  switch (size ? data[0] % 8 : 0) {
    case 0:
      try_stats(read_options(data, size, sizeof(fm_class_stats_options)));
      break;
    case 1:
      try_filter(read_options(data, size, sizeof(fm_filter_options)));
      break;
    case 2:
      try_hardness(read_options(data, size, sizeof(fm_hardness_options)));
      break;
    case 3:
      try_network(read_options(data, size, sizeof(fm_network_loss_options)));
      break;
    case 4:
      try_planner(context, read_options(data, size, sizeof(fm_planner_options)));
      break;
    case 5:
      try_files(context, read_options(data, size, sizeof(fm_write_options)));
      break;
    default:
      try_schedule(context, read_options(data, size, sizeof(fm_schedule_options)), data, size);
  }
  fuzz_close(context);
  return 0;
}
