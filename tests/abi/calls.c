/* abi/calls.c - hands an options structure of any length to the function that takes it. */
#include "calls.h"

#include <stddef.h>
#include <string.h>

static fm_labels *camvid(fm_context *context) {
  fm_labels *labels = NULL;
  fm_labels_create_from_preset(context, "camvid", &labels, NULL);
  return labels;
}

/* Statistics of one pixel. */
static fm_class_stats *one_pixel(fm_context *context) {
  fm_labels *labels = camvid(context);
  fm_class_stats *stats = NULL;
  unsigned char label = 0;
  float value = 1;
  fm_plane mask = fm_plane_make(&label, FM_U8, 1, 1), loss = fm_plane_make(&value, FM_F32, 1, 1);
  fm_class_stats_create(labels, NULL, &stats, NULL);
  fm_class_stats_add(stats, &mask, &loss, NULL, NULL);
  fm_labels_destroy(labels);
  return stats;
}

static void fill_nothing(void *options) { (void)options; }

static fm_status call_context(fm_context *context, const void *options, fm_error *err) {
  (void)context;
  fm_context *made = NULL;
  fm_status status = fm_context_create(options, &made, err);
  fm_context_destroy(made);
  return status;
}

static void fill_labels(void *options) {
  const int32_t classes = 3;
  memcpy((char *)options + offsetof(fm_labels_options, class_count), &classes, sizeof classes);
  static const int64_t ignored = 255;
  const int64_t *list = &ignored;
  const int32_t one = 1;
  memcpy((char *)options + offsetof(fm_labels_options, ignored_labels), &list, sizeof list);
  memcpy((char *)options + offsetof(fm_labels_options, ignored_count), &one, sizeof one);
}

static fm_status call_labels(fm_context *context, const void *options, fm_error *err) {
  fm_labels *made = NULL;
  fm_status status = fm_labels_create(context, options, &made, err);
  fm_labels_destroy(made);
  return status;
}

static fm_status call_class_stats(fm_context *context, const void *options, fm_error *err) {
  fm_labels *labels = camvid(context);
  fm_class_stats *made = NULL;
  fm_status status = fm_class_stats_create(labels, options, &made, err);
  fm_class_stats_destroy(made);
  fm_labels_destroy(labels);
  return status;
}

/* One pixel of camvid's first class. */
static void fill_sums(void *structure) {
  static const int64_t pixels[11] = {1};
  static const double losses[11] = {2};
  fm_class_sums sums = {.image_count = 1, .class_count = 11, .pixels = pixels, .loss_sums = losses};
  memcpy((char *)structure + sizeof(size_t), (char *)&sums + sizeof(size_t),
         sizeof sums - sizeof(size_t));
}

static fm_status call_sums(fm_context *context, const void *structure, fm_error *err) {
  fm_class_stats *stats = one_pixel(context);
  fm_status status = fm_class_stats_add_sums(stats, structure, err);
  fm_class_stats_destroy(stats);
  return status;
}

static void fill_layout(void *structure) {
  fm_context *context = NULL;
  fm_context_create(NULL, &context, NULL);
  fm_class_stats *stats = one_pixel(context);
  fm_class_stats_layout layout = {.size = sizeof layout};
  fm_class_stats_get_layout(stats, &layout, NULL);
  memcpy((char *)structure + sizeof(size_t), (char *)&layout + sizeof(size_t),
         sizeof layout - sizeof(size_t));
  fm_class_stats_destroy(stats);
  fm_context_destroy(context);
}

static fm_status call_layout(fm_context *context, const void *structure, fm_error *err) {
  fm_class_stats *stats = one_pixel(context);
  int64_t words[1 + 11 * 12], count = sizeof words / sizeof *words;
  fm_class_stats_export(stats, words, count, NULL);
  fm_status status = fm_class_stats_import(stats, words, count, structure, err);
  fm_class_stats_destroy(stats);
  return status;
}

static fm_status call_filter(fm_context *context, const void *options, fm_error *err) {
  fm_class_stats *stats = one_pixel(context);
  fm_filter *made = NULL;
  fm_status status = fm_filter_create(stats, options, &made, err);
  fm_filter_destroy(made);
  fm_class_stats_destroy(stats);
  return status;
}

static void fill_means(void *table) {
  static const double means[11] = {1}; /* camvid's classes */
  const double *at = means;
  const int32_t count = 11;
  memcpy((char *)table + offsetof(fm_mean_table, class_count), &count, sizeof count);
  memcpy((char *)table + offsetof(fm_mean_table, mean_loss), &at, sizeof at);
}

static fm_status call_means(fm_context *context, const void *table, fm_error *err) {
  fm_labels *labels = camvid(context);
  fm_filter *made = NULL;
  fm_status status = fm_filter_create_from_means(labels, table, NULL, &made, err);
  fm_filter_destroy(made);
  fm_labels_destroy(labels);
  return status;
}

/* One pixel, weighed with the options or the extra planes that are tried. */
static fm_status weigh_one(fm_context *context, const fm_extra_planes *extra,
                           const fm_weight_options *options, fm_error *err) {
  static unsigned char label, weight;
  static float value;
  fm_class_stats *stats = one_pixel(context);
  fm_filter *filter = NULL;
  fm_plane mask = fm_plane_make(&label, FM_U8, 1, 1), loss = fm_plane_make(&value, FM_F32, 1, 1);
  fm_plane weights = fm_plane_make(&weight, FM_U8, 1, 1);
  fm_filter_create(stats, NULL, &filter, NULL);
  fm_status status = fm_filter_weigh(filter, &mask, &loss, extra, options, &weights, NULL, err);
  fm_filter_destroy(filter);
  fm_class_stats_destroy(stats);
  return status;
}

static fm_status call_extra(fm_context *context, const void *extra, fm_error *err) {
  return weigh_one(context, extra, NULL, err);
}

static fm_status call_weigh(fm_context *context, const void *options, fm_error *err) {
  return weigh_one(context, NULL, options, err);
}

static fm_status call_hardness(fm_context *context, const void *options, fm_error *err) {
  fm_class_stats *stats = one_pixel(context);
  fm_hardness *made = NULL;
  fm_status status = fm_hardness_create(stats, options, &made, err);
  fm_hardness_destroy(made);
  fm_class_stats_destroy(stats);
  return status;
}

static fm_status call_planner(fm_context *context, const void *options, fm_error *err) {
  fm_planner *made = NULL;
  fm_status status = fm_planner_create(context, options, &made, err);
  fm_planner_destroy(made);
  return status;
}

static void fill_schedule(void *options) {
  const int64_t count = 1;
  memcpy((char *)options + offsetof(fm_schedule_options, real_count), &count, sizeof count);
  memcpy((char *)options + offsetof(fm_schedule_options, synthetic_count), &count, sizeof count);
}

static fm_status call_schedule(fm_context *context, const void *options, fm_error *err) {
  fm_schedule *made = NULL;
  fm_status status = fm_schedule_create(context, NULL, options, &made, err);
  fm_schedule_destroy(made);
  return status;
}

static fm_status call_arrays(fm_context *context, const void *arrays, fm_error *err) {
  fm_schedule_options options = {.size = sizeof options, .real_count = 1, .synthetic_count = 1};
  fm_schedule *made = NULL;
  fm_schedule_create(context, NULL, &options, &made, NULL);
  fm_status status = fm_schedule_fill(made, 0, 1, arrays, err);
  fm_schedule_destroy(made);
  return status;
}

static void fill_table(void *table) {
  static const double hardness = 1;
  const double *at = &hardness;
  const int64_t count = 1;
  memcpy((char *)table + offsetof(fm_planner_table, mask_count), &count, sizeof count);
  memcpy((char *)table + offsetof(fm_planner_table, hardness), &at, sizeof at);
}

static void fill_rows(void *options) {
  static const char *const id = "a";
  static const double hardness = 1;
  static const int64_t count = 0;
  fm_plan_rows rows = {.row_count = 1, .mask_ids = &id, .hardness = &hardness, .counts = &count};
  memcpy(options, &rows, sizeof rows);
}

static fm_status call_rows(fm_context *context, const void *rows, fm_error *err) {
  fm_plan *made = NULL;
  fm_status status = fm_plan_create(context, rows, &made, err);
  fm_plan_destroy(made);
  return status;
}

static fm_status call_counts(fm_context *context, const void *table, fm_error *err) {
  uint32_t count;
  return fm_planner_count_images(context, NULL, table, &count, err);
}

static int get_one(int64_t index, fm_sample *sample, void *user) {
  static unsigned char label;
  (void)index;
  (void)user;
  sample->id = "one";
  sample->mask = fm_plane_make(&label, FM_U8, 1, 1);
  return 0;
}

static void fill_source(void *options) {
  const int64_t count = 1;
  const fm_source_get_fn get = get_one;
  memcpy((char *)options + offsetof(fm_source_options, count), &count, sizeof count);
  memcpy((char *)options + offsetof(fm_source_options, get), &get, sizeof get);
}

static fm_status call_source(fm_context *context, const void *options, fm_error *err) {
  fm_source *made = NULL;
  fm_status status = fm_source_create(context, options, &made, err);
  fm_source_destroy(made);
  return status;
}

static int predict_nothing(const fm_sample *const *samples, fm_prediction *const *predictions,
                           int64_t count, void *user) {
  (void)samples;
  (void)predictions;
  (void)count;
  (void)user;
  return 1;
}

static void fill_provider(void *options) {
  const fm_provider_predict_fn predict = predict_nothing;
  memcpy((char *)options + offsetof(fm_provider_options, predict), &predict, sizeof predict);
}

static fm_status call_provider(fm_context *context, const void *options, fm_error *err) {
  fm_provider *made = NULL;
  fm_status status = fm_provider_create(context, options, &made, err);
  fm_provider_destroy(made);
  return status;
}

static void fill_network_loss(void *options) {
  const int32_t kind = FM_OUTPUT_LOGITS;
  memcpy((char *)options + offsetof(fm_network_loss_options, kind), &kind, sizeof kind);
}

static fm_status call_network_loss(fm_context *context, const void *options, fm_error *err) {
  fm_labels_options one = {.size = sizeof one,
                           .class_count = 1,
                           .ignored_labels = (const int64_t[]){255},
                           .ignored_count = 1};
  fm_labels *labels = NULL;
  fm_network_loss *made = NULL;
  fm_labels_create(context, &one, &labels, NULL);
  fm_status status = fm_network_loss_create(labels, options, &made, err);
  fm_network_loss_destroy(made);
  fm_labels_destroy(labels);
  return status;
}

static fm_status call_loop(fm_context *context, const void *options, fm_error *err) {
  fm_source_options source_options = {.size = sizeof source_options, .count = 1, .get = get_one};
  fm_class_stats *stats = one_pixel(context);
  fm_hardness *hardness = NULL;
  fm_planner *planner = NULL;
  fm_source *source = NULL;
  fm_hardness_create(stats, NULL, &hardness, NULL);
  fm_planner_create(context, NULL, &planner, NULL);
  fm_source_create(context, &source_options, &source, NULL);
  fm_status status = fm_source_measure(source, hardness, planner, options, err);
  fm_source_destroy(source);
  fm_planner_destroy(planner);
  fm_hardness_destroy(hardness);
  fm_class_stats_destroy(stats);
  return status;
}

/* An NPY of one pixel: 1.0. */
static fm_status call_read(fm_context *context, const void *options, fm_error *err) {
  static const char header[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }";
  unsigned char file[10 + 118 + 4];
  memset(file, ' ', sizeof file);
  memcpy(file, "\x93NUMPY\1\0\x76\0", 10);
  memcpy(file + 10, header, sizeof header - 1);
  file[127] = '\n';
  memcpy(file + 128, "\0\0\x80\x3f", 4);
  fm_raster *made = NULL;
  fm_status status = fm_loss_decode(context, file, sizeof file, options, &made, err);
  fm_raster_destroy(made);
  return status;
}

static int write_nowhere(const void *data, size_t size, void *user) {
  (void)data;
  (void)size;
  (void)user;
  return 0;
}

/* FM_ERR_UNSUPPORTED here may also mean a build without PNG: the caller asks first. */
static fm_status call_write(fm_context *context, const void *options, fm_error *err) {
  unsigned char label = 0;
  fm_plane mask = fm_plane_make(&label, FM_U8, 1, 1);
  return fm_mask_encode(context, &mask, options, write_nowhere, NULL, err);
}

#define ROW(type, fill, call) \
  { #type, sizeof(type), fill, call }

const options_call options_calls[] = {
    ROW(fm_context_options, fill_nothing, call_context),
    ROW(fm_labels_options, fill_labels, call_labels),
    ROW(fm_class_stats_options, fill_nothing, call_class_stats),
    ROW(fm_class_sums, fill_sums, call_sums),
    ROW(fm_class_stats_layout, fill_layout, call_layout),
    ROW(fm_filter_options, fill_nothing, call_filter),
    ROW(fm_mean_table, fill_means, call_means),
    ROW(fm_extra_planes, fill_nothing, call_extra),
    ROW(fm_weight_options, fill_nothing, call_weigh),
    ROW(fm_hardness_options, fill_nothing, call_hardness),
    ROW(fm_plan_rows, fill_rows, call_rows),
    ROW(fm_planner_options, fill_nothing, call_planner),
    ROW(fm_network_loss_options, fill_network_loss, call_network_loss),
    ROW(fm_schedule_options, fill_schedule, call_schedule),
    ROW(fm_schedule_arrays, fill_nothing, call_arrays),
    ROW(fm_planner_table, fill_table, call_counts),
    ROW(fm_source_options, fill_source, call_source),
    ROW(fm_provider_options, fill_provider, call_provider),
    ROW(fm_loop_options, fill_nothing, call_loop),
    ROW(fm_read_options, fill_nothing, call_read),
    ROW(fm_write_options, fill_nothing, call_write),
};
const size_t options_call_count = sizeof options_calls / sizeof *options_calls;
