/* bench/network_loss.c - how long losses from network outputs take, and how much memory.
 *
 *     network_loss [seconds per case] [c | best]
 *
 * Prints a line per case: name, milliseconds (best of the runs), peak bytes allocated.
 * SPDX-License-Identifier: MIT */
#include <freemask/freemask.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct meter {
  size_t now, peak;
} meter;

static void *allocate(size_t size, void *user) {
  meter *m = user;
  size_t *block = malloc(size + 64);
  if (!block) return NULL;
  *block = size;
  m->now += size;
  if (m->now > m->peak) m->peak = m->now;
  return (char *)block + 64;
}

static void release(void *memory, void *user) {
  meter *m = user;
  size_t *block = (size_t *)(void *)((char *)memory - 64);
  m->now -= *block;
  free(block);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void stop(const fm_error *err) {
  fprintf(stderr, "%s\n", err->message);
  exit(1);
}

/* Roughly normal numbers. */
static float noise(void) {
  static unsigned long long state = 88172645463325252ULL;
  float sum = 0;
  for (int i = 0; i < 4; i++) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    sum += (float)(state >> 40) / 16777216.0F - 0.5F;
  }
  return sum * 1.7F;
}

typedef struct bench {
  meter memory;
  fm_context *context;
  fm_labels *labels;
  fm_network_loss *model;
  fm_volume output;
  fm_plane classes, mask, loss;
} bench;

static void run_once(bench *b) {
  fm_error err;
  fm_status status =
      b->classes.data
          ? fm_network_loss_queries(b->model, &b->classes, &b->output, &b->mask, &b->loss, &err)
          : fm_network_loss_map(b->model, &b->output, &b->mask, &b->loss, &err);
  if (status) stop(&err);
}

static void run(const char *name, bench *b, double seconds) {
  size_t before = b->memory.now;
  b->memory.peak = before;
  double best = 1e9, end = now() + seconds;
  do {
    double start = now();
    run_once(b);
    double took = now() - start;
    if (took < best) best = took;
  } while (now() < end);
  double bytes = (double)(b->output.channels * b->output.height * b->output.width) *
                 (double)fm_dtype_size((fm_dtype)b->output.dtype);
  printf("%-28s %9.3f ms %9zu bytes %7.2f GB/s of input\n", name, best * 1e3,
         b->memory.peak - before, bytes / best / 1e9);
}

static float *noises(size_t count, float scale) {
  float *values = malloc(count * sizeof *values);
  for (size_t i = 0; values && i < count; i++) values[i] = noise() * scale;
  return values;
}

/* Labels in patches, as masks have them. */
static void fill_mask(unsigned char *mask, int size, int classes, int patch) {
  for (int y = 0; y < size; y++)
    for (int x = 0; x < size; x++)
      mask[y * size + x] = (unsigned char)((y / patch * 7 + x / patch * 13) % classes);
}

static const char *only; /* the one case to run */

static void bench_case(const char *name, int classes, int queries, int inner, int outer, int kind,
                       uint32_t kernels, double seconds, float scale) {
  static bench b;
  if (only && strcmp(only, name)) return;
  memset(&b, 0, sizeof b);
  fm_error err;
  fm_context_options co = {.size = sizeof co,
                           .allocate = allocate,
                           .release = release,
                           .allocator_user = &b.memory,
                           .kernels = kernels};
  fm_labels_options lo = {.size = sizeof lo, .class_count = classes, .ignore_label = 255};
  fm_network_loss_options no = {.size = sizeof no, .kind = kind, .trust_kind = 1};
  if (fm_context_create(&co, &b.context, &err) ||
      fm_labels_create(b.context, &lo, &b.labels, &err) ||
      fm_network_loss_create(b.labels, &no, &b.model, &err))
    stop(&err);
  size_t channels = (size_t)(queries ? queries : classes);
  float *output = noises(channels * (size_t)inner * (size_t)inner, scale);
  if (kind == FM_OUTPUT_SCORES && !queries)
    for (size_t i = 0; i < channels * (size_t)inner * (size_t)inner; i++)
      output[i] = output[i] < 0 ? -output[i] : output[i];
  float *class_logits = noises((size_t)(queries + 1) * (size_t)(classes + 1), 3);
  unsigned char *mask = malloc((size_t)outer * (size_t)outer);
  float *loss = malloc((size_t)outer * (size_t)outer * sizeof *loss);
  if (!output || !class_logits || !mask || !loss) exit(1);
  fill_mask(mask, outer, classes, 37);
  b.output = fm_volume_make(output, FM_F32, (int64_t)channels, inner, inner);
  if (queries) b.classes = fm_plane_make(class_logits, FM_F32, queries, classes + 1);
  b.mask = fm_plane_make(mask, FM_U8, outer, outer);
  b.loss = fm_plane_make(loss, FM_F32, outer, outer);
  run(name, &b, seconds);
  free(loss);
  free(mask);
  free(class_logits);
  free(output);
  fm_network_loss_destroy(b.model);
  fm_labels_destroy(b.labels);
  fm_context_destroy(b.context);
}

/* What one thread reads at best: a sum of integers over as much memory. */
static void read_bandwidth(double seconds) {
  size_t count = (size_t)150 * 512 * 512 / 2;
  unsigned long long *values = malloc(count * sizeof *values), total = 0;
  if (!values) exit(1);
  for (size_t i = 0; i < count; i++) values[i] = i;
  double best = 1e9, end = now() + seconds;
  do {
    double start = now();
    unsigned long long sum[8] = {0};
    for (size_t i = 0; i + 8 <= count; i += 8)
      for (int j = 0; j < 8; j++) sum[j] += values[i + (size_t)j];
    for (int j = 0; j < 8; j++) total += sum[j];
    double took = now() - start;
    if (took < best) best = took;
  } while (now() < end);
  printf("%-28s %9.3f ms %26s %.2f GB/s (%llu)\n", "plain read of 157 MB", best * 1e3, "",
         (double)(count * 8) / best / 1e9, total & 1);
  free(values);
}

int main(int argc, char **argv) {
  double seconds = argc > 1 ? atof(argv[1]) : 1;
  uint32_t kernels = argc > 2 && !strcmp(argv[2], "c") ? FM_KERNELS_C : argc > 2 ? (uint32_t)atoi(argv[2]) : FM_KERNELS_BEST;
  only = argc > 3 ? argv[3] : NULL;
  bench_case("loss_up4_c150", 150, 0, 128, 512, FM_OUTPUT_LOGITS, kernels, seconds, 4);
  bench_case("loss_up4_c150_wide", 150, 0, 128, 512, FM_OUTPUT_LOGITS, kernels, seconds, 30);
  bench_case("loss_up4_c19", 19, 0, 128, 512, FM_OUTPUT_LOGITS, kernels, seconds, 4);
  bench_case("loss_up2_c150", 150, 0, 256, 512, FM_OUTPUT_LOGITS, kernels, seconds, 4);
  bench_case("loss_up2.7_c150", 150, 0, 190, 512, FM_OUTPUT_LOGITS, kernels, seconds, 4);
  bench_case("loss_up8_c150", 150, 0, 64, 512, FM_OUTPUT_LOGITS, kernels, seconds, 4);
  bench_case("loss_up4_c2", 2, 0, 128, 512, FM_OUTPUT_LOGITS, kernels, seconds, 4);
  bench_case("loss_full_c150", 150, 0, 512, 512, FM_OUTPUT_LOGITS, kernels, seconds, 4);
  bench_case("scores_up4_c150", 150, 0, 128, 512, FM_OUTPUT_SCORES, kernels, seconds, 0.3F);
  bench_case("queries_100", 150, 100, 128, 512, FM_OUTPUT_SCORES, kernels, seconds, 7);
  if (!only) read_bandwidth(seconds);
  return 0;
}
