/* examples/03_many_machines.c - statistics of a set that is spread over machines: what each
 * of them exports is an array of integers, and adding the arrays up is the merge. MPI_SUM,
 * all_reduce(SUM) or the loop below give the same bits in any order.
 *
 * What the words belong to travels beside them, so that nobody adds up apples and pears.
 *
 * Introduces fm_class_stats_word_count, _export, _get_layout, _import, fm_hardness_measure.
 *
 *     cc 03_many_machines.c $(pkg-config --cflags --libs libfreemask)
 */
#include <freemask/freemask.h>
#include <stdio.h>
#include <stdlib.h>

enum { MACHINES = 3, PIXELS = 4, ROAD = 0, CAR = 13 };

static const unsigned char masks[MACHINES][PIXELS] = {
    {ROAD, ROAD, CAR, 255}, {ROAD, ROAD, ROAD, ROAD}, {CAR, CAR, ROAD, 255}};
static const float losses[MACHINES][PIXELS] = {
    {0.1F, 1e-7F, 2.5F, 0}, {0.1F, 0.1F, 3e7F, 0.1F}, {1e-3F, 0.7F, 0.1F, 0}};

static void check(fm_status status, const fm_error *err) {
  if (!status) return;
  fprintf(stderr, "%s: %s\n", fm_status_name(status), err->message);
  exit(EXIT_FAILURE);
}

/* What one machine sends: the words of its own images, and their layout. */
static int64_t *words_of(fm_labels *labels, int machine, int64_t *count,
                         fm_class_stats_layout *layout) {
  fm_error err;
  fm_class_stats *stats;
  check(fm_class_stats_create(labels, NULL, &stats, &err), &err);
  fm_plane mask = fm_plane_make(masks[machine], FM_U8, 2, 2);
  fm_plane loss = fm_plane_make(losses[machine], FM_F32, 2, 2);
  check(fm_class_stats_add(stats, &mask, &loss, NULL, &err), &err);
  *count = fm_class_stats_word_count(stats);
  int64_t *words = malloc((size_t)*count * sizeof *words);
  if (!words) abort();
  check(fm_class_stats_export(stats, words, *count, &err), &err);
  check(fm_class_stats_get_layout(stats, layout, &err), &err);
  fm_class_stats_destroy(stats);
  return words;
}

/* The sum over machines in the order first, first + step, ... modulo their number. */
static fm_class_stats *reduce(fm_labels *labels, int first, int step) {
  fm_error err;
  fm_class_stats *all;
  fm_class_stats_layout layout = {.size = sizeof layout};
  int64_t count;
  int64_t *sum = words_of(labels, first, &count, &layout);
  for (int i = 1; i < MACHINES; i++) {
    int64_t *words = words_of(labels, (first + i * step) % MACHINES, &count, &layout);
    for (int64_t w = 0; w < count; w++) sum[w] += words[w];
    free(words);
  }
  check(fm_class_stats_create(labels, NULL, &all, &err), &err);
  check(fm_class_stats_import(all, sum, count, &layout, &err), &err);
  free(sum);
  return all;
}

int main(void) {
  fm_error err;
  fm_context *context;
  fm_labels *labels;
  fm_hardness *hardness;
  check(fm_context_create(NULL, &context, &err), &err);
  check(fm_labels_create_from_preset(context, "cityscapes", &labels, &err), &err);
  fm_class_stats *forwards = reduce(labels, 0, 1), *backwards = reduce(labels, 2, 2);
  printf("road %.17g, either way: %s\n", fm_class_stats_mean(forwards, ROAD, FM_ALL_STRATA),
         fm_class_stats_mean(forwards, ROAD, FM_ALL_STRATA) ==
                 fm_class_stats_mean(backwards, ROAD, FM_ALL_STRATA)
             ? "yes"
             : "no");

  /* Hardness needs the class table only: any machine can measure any mask. */
  fm_hardness_options as_it_is = {.size = sizeof as_it_is};
  as_it_is.resize_width = as_it_is.resize_height = FM_NO_RESIZE;
  check(fm_hardness_create(forwards, &as_it_is, &hardness, &err), &err);
  for (int i = 0; i < MACHINES; i++) {
    double value;
    fm_plane mask = fm_plane_make(masks[i], FM_U8, 2, 2);
    check(fm_hardness_measure(hardness, &mask, &value, NULL, &err), &err);
    printf("mask %d: hardness %.17g\n", i, value);
  }
  fm_hardness_destroy(hardness);
  fm_class_stats_destroy(backwards);
  fm_class_stats_destroy(forwards);
  fm_labels_destroy(labels);
  fm_context_destroy(context);
  return 0;
}
