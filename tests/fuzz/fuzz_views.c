/* fuzz/fuzz_views.c - calls on pixels with any views: strides of either sign, zero, overlapping, not
 * aligned; any sizes, dtypes and values. Each call does to a view what it does, in plain C, to a packed copy
 * of it, or refuses it and changes nothing. SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { ROOM = 4096, MOST_SIDE = 40, CLASSES = 5, GUARD = 64 };

/* ---- Choices -------------------------------------------------------------------- */

typedef struct choices {
  const uint8_t *at, *end;
} choices;

static int next(choices *c) { return c->at < c->end ? *c->at++ : 0; }

/* Strides that fit together are rare among all numbers: most are made of the element's size. */
static int64_t stride_of(choices *c, int64_t usual) {
  int how = next(c);
  if (how < 96) return usual;
  if (how < 144) return -usual;
  if (how < 176) return usual + next(c) % 9;
  if (how < 200) return usual * (1 + next(c) % 3);
  if (how < 208) return 0;
  return (int64_t)(int8_t)next(c) * (how < 240 ? 1 : 64);
}

/* A view of the arena; data is where all of it lies inside, or NULL if it cannot. */
static fm_plane view_of(choices *c, fm_dtype dtype, int64_t height, int64_t width, uint8_t *arena) {
  int64_t element = (int64_t)fm_dtype_size(dtype);
  fm_plane plane = fm_plane_make(NULL, dtype, height, width);
  plane.col_stride = stride_of(c, element);
  plane.row_stride = stride_of(c, plane.col_stride * width);
  int64_t row = plane.row_stride, col = plane.col_stride, low = 0, high = element;
  if (!row && !col) row = element * width, col = element; /* packed */
  low += (row < 0 ? row * (height - 1) : 0) + (col < 0 ? col * (width - 1) : 0);
  high += (row > 0 ? row * (height - 1) : 0) + (col > 0 ? col * (width - 1) : 0);
  int64_t span = high - low;
  if (span > ROOM) return plane;
  plane.data = arena + (int64_t)(next(c) << 4 | next(c)) % (ROOM - span + 1) - low;
  return plane;
}

/* ---- Copies --------------------------------------------------------------------- */

/* Its bytes, packed; the call that gets the view has to refuse what cannot be copied. */
static fm_plane packed(const fm_plane *from, uint8_t *to) {
  size_t element = fm_dtype_size((fm_dtype)from->dtype);
  fm_plane plane = fm_plane_make(to, (fm_dtype)from->dtype, from->height, from->width);
  int64_t row = from->row_stride, col = from->col_stride;
  if (!row && !col) row = (int64_t)element * from->width, col = (int64_t)element;
  for (int64_t y = 0; y < from->height; y++)
    for (int64_t x = 0; x < from->width; x++, to += element)
      memcpy(to, (char *)from->data + y * row + x * col, element);
  return plane;
}

/* Whether the two hold the same numbers. */
static void expect_equal(const fm_plane *view, const fm_plane *copy, const char *what) {
  static uint8_t bytes[ROOM * 8];
  fm_plane other = packed(view, bytes);
  size_t size = (size_t)(other.height * other.width) * fm_dtype_size((fm_dtype)other.dtype);
  fuzz_expect(!memcmp(bytes, copy->data, size), what);
}

/* ---- One case ------------------------------------------------------------------- */

typedef struct one {
  fm_labels *labels, *plain; /* of the best kernels, and of those in C */
  fm_plane mask, loss, out;
  fm_plane mask_copy, loss_copy, out_copy;
  uint8_t *arena; /* where the views lie */
} one;

static fm_labels *labels_of(fm_kernels kernels) {
  static const char table[] = "label,class,name\n255,ignore,\n0,0,a\n1,1,b\n2,2,c\n3,3,d\n7,4,e\n";
  fm_context_options options = {.size = sizeof options, .kernels = (uint32_t)kernels};
  fm_context *context = NULL;
  fm_labels *labels = NULL;
  fm_error err;
  fuzz_expect(fm_context_create(&options, &context, &err) == FM_OK, "context");
  fuzz_expect(fm_labels_decode(context, table, sizeof table - 1, "five", &labels, &err) == FM_OK,
              "labels");
  fm_context_destroy(context);
  return labels;
}

static void expect_refusal(fm_status status, const fm_error *err) {
  fuzz_expect(status == FM_ERR_ARGUMENT || status == FM_ERR_UNSUPPORTED || status == FM_ERR_SHAPE ||
                  status == FM_ERR_LABEL || status == FM_ERR_LOSS || status == FM_ERR_LIMIT,
              "a status that is not documented");
  fuzz_expect_sentence(err->message);
}

/* A refusal of the view alone is about its memory; it is no other when both are refused. */
static int judge(fm_status status, fm_status plain, const fm_error *err, const fm_error *other) {
  if (status) expect_refusal(status, err);
  if (plain) expect_refusal(plain, other);
  if (status && !plain)
    fuzz_expect(status == FM_ERR_ARGUMENT &&
                    (strstr(err->message, "stride") || strstr(err->message, "overlap") ||
                     strstr(err->message, "share")),
                "a view is refused, its copy is not");
  if (!status) fuzz_expect(!plain, "a copy is refused, its view is not");
  return !status;
}

/* What a refused call has to leave alone. */
static uint8_t before[ROOM + 2 * GUARD];

static void keep(const one *o) { memcpy(before, o->arena - GUARD, sizeof before); }

static void expect_kept(const one *o) {
  fuzz_expect(!memcmp(before, o->arena - GUARD, sizeof before), "changed by a call that failed");
}

static void expect_guards(const one *o) {
  fuzz_expect(!memcmp(before, o->arena - GUARD, GUARD) &&
                  !memcmp(before + GUARD + ROOM, o->arena + ROOM, GUARD),
              "written outside of the view");
}

static void add(const one *o, const fm_labels *labels, const fm_plane *mask, const fm_plane *loss,
                fm_class_stats **out, fm_status *status, fm_error *err) {
  fm_class_stats_options options = {.size = sizeof options, .histogram = 4};
  (void)o;
  fuzz_expect(fm_class_stats_create(labels, &options, out, err) == FM_OK, "statistics");
  *status = fm_class_stats_add(*out, mask, loss, NULL, err);
}

static void try_stats(const one *o) {
  fm_class_stats *a = NULL, *b = NULL;
  fm_error err = {0}, other = {0};
  fm_status status, plain;
  add(o, o->labels, &o->mask, &o->loss, &a, &status, &err);
  add(o, o->plain, &o->mask_copy, &o->loss_copy, &b, &plain, &other);
  judge(status, plain, &err, &other);
  int64_t count = fm_class_stats_word_count(a), *words = calloc((size_t)count * 2, sizeof *words);
  fuzz_expect(words != NULL, "memory");
  (void)fm_class_stats_export(a, words, count, &err);
  (void)fm_class_stats_export(b, words + count, count, &err);
  if (status)
    for (int64_t i = 0; i < count; i++) fuzz_expect(!words[i], "added by a call that failed");
  else
    fuzz_expect(!memcmp(words, words + count, (size_t)count * sizeof *words), "other sums");
  free(words);
  fm_class_stats_destroy(a);
  fm_class_stats_destroy(b);
}

static fm_filter *filter_of(const fm_labels *labels, double share) {
  static const double means[CLASSES] = {0.1, 0.5, 1, 2, 8};
  fm_mean_table table = {.size = sizeof table, .mean_loss = means, .class_count = CLASSES};
  fm_filter_options options = {.size = sizeof options, .min_kept_share = share};
  fm_filter *filter = NULL;
  fm_error err;
  fuzz_expect(fm_filter_create_from_means(labels, &table, &options, &filter, &err) == FM_OK,
              "filter");
  return filter;
}

typedef fm_status call(const one *o, const fm_labels *labels, const fm_plane *mask,
                       const fm_plane *loss, const fm_plane *out, int64_t *counts, fm_error *err);

static fm_status apply(const one *o, const fm_labels *labels, const fm_plane *mask,
                       const fm_plane *loss, const fm_plane *out, int64_t *counts, fm_error *err) {
  fm_filter *filter = filter_of(labels, o->mask.height % 3 ? 0 : 0.4);
  fm_filter_report report = {
      .size = sizeof report, .class_valid = counts, .class_dropped = counts + CLASSES};
  fm_status status = fm_filter_apply(filter, mask, loss, NULL, out, &report, err);
  fm_filter_destroy(filter);
  return status;
}

static fm_status weigh(const one *o, const fm_labels *labels, const fm_plane *mask,
                       const fm_plane *loss, const fm_plane *out, int64_t *counts, fm_error *err) {
  fm_filter *filter = filter_of(labels, 0);
  fm_filter_report report = {
      .size = sizeof report, .class_valid = counts, .class_dropped = counts + CLASSES};
  (void)o;
  fm_status status = fm_filter_weigh(filter, mask, loss, NULL, NULL, out, &report, err);
  fm_filter_destroy(filter);
  return status;
}

static fm_status to_classes(const one *o, const fm_labels *labels, const fm_plane *mask,
                            const fm_plane *loss, const fm_plane *out, int64_t *counts,
                            fm_error *err) {
  (void)o, (void)loss, (void)counts;
  return fm_labels_to_classes(labels, mask, 255, out, err);
}

static fm_status count(const one *o, const fm_labels *labels, const fm_plane *mask,
                       const fm_plane *loss, const fm_plane *out, int64_t *counts, fm_error *err) {
  (void)o, (void)loss, (void)out;
  return fm_labels_count(labels, mask, counts, counts + CLASSES, err);
}

static fm_status network(const one *o, const fm_labels *labels, const fm_plane *mask,
                         const fm_plane *loss, const fm_plane *out, int64_t *counts,
                         fm_error *err) {
  /* The loss plane's numbers as one channel of two classes... of five: as a volume of one row each. */
  fm_network_loss_options options = {.size = sizeof options,
                                     .kind = FM_OUTPUT_LOGITS,
                                     .channel_count = (int32_t)loss->height,
                                     .trust_kind = 1};
  int32_t channels[CLASSES];
  for (int32_t k = 0; k < CLASSES; k++) channels[k] = k % (int32_t)loss->height;
  options.channels = channels;
  fm_network_loss *model = NULL;
  (void)o, (void)counts;
  fuzz_expect(fm_network_loss_create(labels, &options, &model, err) == FM_OK, "network loss");
  fm_volume values =
      fm_volume_make(loss->data, (fm_dtype)loss->dtype, loss->height, 1, loss->width);
  values.channel_stride = loss->row_stride;
  values.col_stride = loss->col_stride;
  fm_network_output output = {.size = sizeof output, .values = values};
  fm_status status = fm_network_loss_map(model, &output, mask, out, err);
  fm_network_loss_destroy(model);
  return status;
}

static void try_call(const one *o, call *make, int writes, int exact) {
  int64_t counts[4 * CLASSES] = {0};
  fm_error err = {0}, other = {0};
  keep(o);
  /* The copies first, for the call may change the arena. */
  fm_status plain = make(o, o->plain, &o->mask_copy, &o->loss_copy, &o->out_copy, counts, &other);
  fm_status status = make(o, o->labels, &o->mask, &o->loss, &o->out, counts + 2 * CLASSES, &err);
  if (judge(status, plain, &err, &other)) {
    expect_guards(o);
    fuzz_expect(!exact || !memcmp(counts, counts + 2 * CLASSES, sizeof counts / 2), "other counts");
    if (writes && exact) expect_equal(&o->out, &o->out_copy, "other pixels");
    if (!writes) expect_kept(o);
  } else {
    expect_kept(o);
  }
}

/* ---- All of them ---------------------------------------------------------------- */

static void fill(uint8_t *arena, choices *c) {
  uint32_t state = (uint32_t)next(c) + 1;
  int kind = next(c) % 4;
  for (int i = 0; i < ROOM; i++) {
    state = state * 1664525 + 1013904223;
    uint32_t top = state >> 24;
    /* Labels, numbers between, parts of floats, anything. */
    arena[i] = (uint8_t)(kind == 0   ? top % 4
                         : kind == 1 ? (top & 1 ? 0 : 0x3F)
                         : kind == 2 ? 1
                                     : top);
  }
  while (c->at < c->end) {
    int at = next(c) << 4;
    arena[(at + next(c)) % ROOM] = (uint8_t)next(c);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static uint8_t memory[ROOM + 2 * GUARD], copies[3][ROOM * 8];
  static one o;
  static const fm_dtype losses[] = {FM_F16, FM_BF16, FM_F32, FM_F64};
  if (!o.labels) o.labels = labels_of(FM_KERNELS_BEST);
  if (!o.plain) o.plain = labels_of(FM_KERNELS_C);
  choices c = {data, data + size};
  o.arena = memory + GUARD;
  int64_t height = 1 + next(&c) % MOST_SIDE, width = 1 + next(&c) % MOST_SIDE;
  int calls = next(&c);
  fm_dtype mask_type = (fm_dtype)(FM_U8 + next(&c) % 8), loss_type = losses[next(&c) % 4];
  fm_dtype out_type =
      (calls & 7) == 1 || (calls & 7) == 4 ? FM_F32 : (fm_dtype)(FM_U8 + next(&c) % 8);
  o.mask = view_of(&c, mask_type, height, width, o.arena);
  o.loss = view_of(&c, loss_type, (calls & 7) == 4 ? 1 + height % 5 : height, width, o.arena);
  o.out = next(&c) % 8 ? view_of(&c, out_type, height, width, o.arena) : o.mask; /* in place */
  if (!o.mask.data || !o.loss.data || !o.out.data) return 0;
  fill(o.arena, &c);
  o.mask_copy = packed(&o.mask, copies[0]);
  o.loss_copy = packed(&o.loss, copies[1]);
  o.out_copy = packed(&o.out, copies[2]);
  switch (calls & 7) {
    case 0:
      try_call(&o, apply, 1, 1);
      break;
    case 1:
      try_call(&o, weigh, 1, 1);
      break;
    case 2:
      try_call(&o, to_classes, 1, 1);
      break;
    case 3:
      try_call(&o, count, 0, 1);
      break;
    case 4:
      try_call(&o, network, 1, 0);
      break;
    default:
      try_stats(&o);
  }
  return 0;
}
