/* examples/07_mpi.c - the whole job under MPI: each rank has the images of a shard, which is a hash of their
 * names, and what ranks exchange are integers that MPI_SUM adds up. So the statistics, the filtered masks and
 * the plan are the same, to the byte, for any number of ranks.
 *
 *     mpicc 07_mpi.c $(pkg-config --cflags --libs libfreemask) -o mpi
 *     mpirun -n 8 ./mpi cityscapes real synthetic result
 *
 * A set is a folder with stems.txt, which has a name on each line, and masks/NAME.png and losses/NAME.npy.
 * `result`, which is there with a folder masks in it, gets stats.json, masks/NAME.png of the synthetic set, and
 * from each rank a part of the plan.
 *
 * Introduces fm_shard_of, fm_ranking, fm_planner_make_plan_of, reading and writing files.
 */
#include <freemask/freemask.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 1024 };

static int rank, ranks;

static void stop(const char *what, const char *why) {
  fprintf(stderr, "rank %d: %s: %s\n", rank, what, why);
  MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
  exit(EXIT_FAILURE);
}

static void check(fm_status status, const fm_error *err) {
  if (status) stop(fm_status_name(status), err->message);
}

static void *room_for(size_t count, size_t size) {
  void *room = calloc(count ? count : 1, size);
  if (!room) stop("memory", "there is none");
  return room;
}

/* ---- This rank's part of a set ------------------------------------------------------ */

typedef struct part {
  const char *folder;
  char **stems;
  int64_t count;
} part;

static part part_of(const char *folder) {
  part p = {.folder = folder};
  char path[LONGEST], line[LONGEST];
  snprintf(path, sizeof path, "%s/stems.txt", folder);
  FILE *file = fopen(path, "r");
  if (!file) stop(path, "cannot be opened");
  while (fgets(line, sizeof line, file)) {
    line[strcspn(line, "\r\n")] = '\0';
    if (fm_shard_of(line, ranks) != rank) continue;
    p.stems = realloc(p.stems, (size_t)(p.count + 1) * sizeof *p.stems);
    if (!p.stems) stop("memory", "there is none");
    p.stems[p.count] = room_for(strlen(line) + 1, 1);
    strcpy(p.stems[p.count++], line);
  }
  fclose(file);
  return p;
}

static void free_part(part *p) {
  for (int64_t i = 0; i < p->count; i++) free(p->stems[i]);
  free(p->stems);
}

static fm_raster *read_mask(const fm_context *context, const part *p, int64_t i) {
  fm_error err;
  fm_raster *mask;
  char path[2 * LONGEST];
  snprintf(path, sizeof path, "%s/masks/%s.png", p->folder, p->stems[i]);
  check(fm_mask_read(context, path, NULL, &mask, &err), &err);
  return mask;
}

static fm_raster *read_loss(const fm_context *context, const part *p, int64_t i) {
  fm_error err;
  fm_raster *loss;
  char path[2 * LONGEST];
  snprintf(path, sizeof path, "%s/losses/%s.npy", p->folder, p->stems[i]);
  check(fm_loss_read(context, path, NULL, &loss, &err), &err);
  return loss;
}

/* ---- Statistics --------------------------------------------------------------------- */

/* Of the whole set, on every rank. */
static fm_class_stats *measure(const fm_context *context, fm_labels *labels, const part *real) {
  fm_error err;
  fm_class_stats *stats;
  check(fm_class_stats_create(labels, NULL, &stats, &err), &err);
  for (int64_t i = 0; i < real->count; i++) {
    fm_raster *mask = read_mask(context, real, i), *loss = read_loss(context, real, i);
    fm_plane labels_of = fm_raster_plane(mask), losses_of = fm_raster_plane(loss);
    check(fm_class_stats_add(stats, &labels_of, &losses_of, NULL, &err), &err);
    fm_raster_destroy(mask);
    fm_raster_destroy(loss);
  }
  fm_class_stats_layout layout = {.size = sizeof layout};
  int64_t count = fm_class_stats_word_count(stats);
  int64_t *words = room_for((size_t)count, sizeof *words);
  check(fm_class_stats_export(stats, words, count, &err), &err);
  check(fm_class_stats_get_layout(stats, &layout, &err), &err);
  MPI_Allreduce(MPI_IN_PLACE, words, (int)count, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  fm_class_stats_clear(stats);
  check(fm_class_stats_import(stats, words, count, &layout, &err), &err);
  free(words);
  return stats;
}

/* ---- Filter ------------------------------------------------------------------------- */

static void filter_masks(const fm_context *context, const fm_class_stats *stats,
                         const part *synthetic, const char *result) {
  fm_error err;
  fm_filter *filter;
  int64_t pixels[2] = {0, 0}; /* valid, dropped */
  check(fm_filter_create(stats, NULL, &filter, &err), &err);
  for (int64_t i = 0; i < synthetic->count; i++) {
    fm_filter_report report = {.size = sizeof report};
    fm_raster *mask = read_mask(context, synthetic, i), *loss = read_loss(context, synthetic, i);
    fm_plane labels_of = fm_raster_plane(mask), losses_of = fm_raster_plane(loss);
    char path[2 * LONGEST];
    check(fm_filter_apply(filter, &labels_of, &losses_of, NULL, &labels_of, &report, &err), &err);
    snprintf(path, sizeof path, "%s/masks/%s.png", result, synthetic->stems[i]);
    check(fm_mask_write(context, path, &labels_of, NULL, &err), &err);
    pixels[0] += report.valid;
    pixels[1] += report.dropped;
    fm_raster_destroy(mask);
    fm_raster_destroy(loss);
  }
  fm_filter_destroy(filter);
  MPI_Allreduce(MPI_IN_PLACE, pixels, 2, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  if (!rank) printf("dropped %lld of %lld pixels\n", (long long)pixels[1], (long long)pixels[0]);
}

/* ---- Plan --------------------------------------------------------------------------- */

static double *measure_hardness(const fm_context *context, const fm_class_stats *stats,
                                const part *real) {
  fm_error err;
  fm_hardness *hardness;
  double *values = room_for((size_t)real->count, sizeof *values);
  check(fm_hardness_create(stats, NULL, &hardness, &err), &err);
  for (int64_t i = 0; i < real->count; i++) {
    fm_raster *mask = read_mask(context, real, i);
    fm_plane labels_of = fm_raster_plane(mask);
    check(fm_hardness_measure(hardness, &labels_of, &values[i], NULL, &err), &err);
    fm_raster_destroy(mask);
  }
  fm_hardness_destroy(hardness);
  return values;
}

/* How many images each of this rank's masks gets in the plan of all masks, which no rank has. */
static uint32_t *rank_masks(const fm_context *context, const part *real, const double *hardness) {
  fm_error err;
  fm_ranking *ranking;
  const char *const *ids = (const char *const *)real->stems;
  check(fm_ranking_create(context, 0, &ranking, &err), &err);
  while (!fm_ranking_is_done(ranking)) {
    int64_t count = fm_ranking_word_count(ranking);
    int64_t *words = room_for((size_t)count, sizeof *words);
    check(fm_ranking_add(ranking, ids, hardness, real->count, &err), &err);
    check(fm_ranking_export(ranking, words, count, &err), &err);
    MPI_Allreduce(MPI_IN_PLACE, words, (int)count, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    check(fm_ranking_advance(ranking, words, count, &err), &err);
    free(words);
  }
  uint32_t *counts = room_for((size_t)real->count, sizeof *counts);
  check(fm_ranking_count_images(ranking, ids, hardness, real->count, counts, &err), &err);
  if (!rank)
    printf("%lld images for %lld masks\n", (long long)fm_ranking_image_count(ranking),
           (long long)fm_ranking_mask_count(ranking));
  fm_ranking_destroy(ranking);
  return counts;
}

static void plan(const fm_context *context, const fm_class_stats *stats, const part *real,
                 const char *result) {
  fm_error err;
  fm_planner *planner;
  fm_plan *rows;
  char path[2 * LONGEST];
  double *hardness = measure_hardness(context, stats, real);
  uint32_t *counts = rank_masks(context, real, hardness);
  check(fm_planner_create(context, NULL, &planner, &err), &err);
  for (int64_t i = 0; i < real->count; i++)
    check(fm_planner_add(planner, real->stems[i], hardness[i], NULL, 0, &err), &err);
  if (real->count) {
    check(fm_planner_make_plan_of(planner, counts, real->count, &rows, &err), &err);
    snprintf(path, sizeof path, "%s/plan-%d-of-%d.csv", result, rank, ranks);
    check(fm_plan_write(rows, path, &err), &err);
    fm_plan_destroy(rows);
  }
  fm_planner_destroy(planner);
  free(counts);
  free(hardness);
}

int main(int argc, char **argv) {
  fm_error err;
  fm_context *context;
  fm_labels *labels;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  if (argc != 5) stop(argv[0], "expected LABELS REAL SYNTHETIC RESULT");
  const char *result = argv[4];
  check(fm_context_create(NULL, &context, &err), &err);
  check(fm_labels_create_from_preset(context, argv[1], &labels, &err), &err);
  part real = part_of(argv[2]), synthetic = part_of(argv[3]);
  fm_class_stats *stats = measure(context, labels, &real);
  if (!rank) {
    char path[2 * LONGEST];
    snprintf(path, sizeof path, "%s/stats.json", result);
    check(fm_class_stats_write(stats, path, &err), &err);
  }
  filter_masks(context, stats, &synthetic, result);
  plan(context, stats, &real, result);
  fm_class_stats_destroy(stats);
  free_part(&synthetic);
  free_part(&real);
  fm_labels_destroy(labels);
  fm_context_destroy(context);
  MPI_Finalize();
  return 0;
}
