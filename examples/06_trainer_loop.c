/* examples/06_trainer_loop.c - a trainer that is interrupted and goes on: joint training on
 * real and synthetic images, in batches, on two ranks.
 *
 * Introduces fm_schedule: _fill, _next_many, _epoch_start, _epoch_length, _save, _restore.
 *
 *     cc 06_trainer_loop.c $(pkg-config --cflags --libs libfreemask)
 */
#include <freemask/freemask.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 4, WORLD = 2 };

static void check(fm_status status, const fm_error *err) {
  if (!status) return;
  fprintf(stderr, "%s: %s\n", fm_status_name(status), err->message);
  exit(EXIT_FAILURE);
}

/* Four masks; the harder, the more synthetic images: 2, 3, 4 and 4 of up to 4. */
static fm_plan *make_plan(fm_context *context) {
  fm_error err;
  fm_planner *planner;
  fm_plan *plan;
  fm_planner_options options = {.size = sizeof options};
  options.n_max = 4;
  check(fm_planner_create(context, &options, &planner, &err), &err);
  for (int i = 0; i < 4; i++) {
    char id[16];
    snprintf(id, sizeof id, "street_%d", i);
    check(fm_planner_add(planner, id, 0.1 * i, NULL, 0, &err), &err);
  }
  check(fm_planner_make_plan(planner, &plan, &err), &err);
  fm_planner_destroy(planner);
  return plan;
}

/* The order depends on nothing but the options and the plan: each process makes its own. */
static fm_schedule *open_schedule(fm_context *context, const fm_plan *plan, int rank) {
  fm_error err;
  fm_schedule *schedule;
  fm_schedule_options options = {.size = sizeof options};
  options.seed = 2023;
  options.rank = rank;
  options.world = WORLD;
  check(fm_schedule_create(context, plan, &options, &schedule, &err), &err);
  return schedule;
}

/* A trainer would load an image and its mask here, and make a step. */
static void train_step(const fm_plan *plan, const int64_t *masks, const int64_t *seeds,
                       const int32_t *datasets) {
  fm_error err;
  for (int i = 0; i < BATCH; i++) {
    fm_plan_entry row = {.size = sizeof row};
    check(fm_plan_get(plan, masks[i], &row, &err), &err);
    if (datasets[i] == FM_DATASET_REAL)
      printf(" %s.jpg", row.mask_id);
    else
      printf(" %s_seed_%d.jpg", row.mask_id, (int)seeds[i]);
  }
  printf("\n");
}

static void train(fm_schedule *schedule, const fm_plan *plan, int steps) {
  fm_error err;
  int64_t masks[BATCH], seeds[BATCH];
  int32_t datasets[BATCH];
  fm_schedule_arrays arrays = {.size = sizeof arrays};
  arrays.masks = masks;
  arrays.seeds = seeds;
  arrays.datasets = datasets;
  for (int step = 0; step < steps; step++) {
    printf("from %d:", (int)fm_schedule_position(schedule));
    check(fm_schedule_next_many(schedule, BATCH, &arrays, &err), &err);
    train_step(plan, masks, seeds, datasets);
  }
}

/* A whole epoch at once, for both ranks together: how many images of each set come. */
static void count_epoch(fm_context *context, const fm_plan *plan, int64_t epoch) {
  fm_error err;
  int64_t numbers[64], real = 0, synthetic = 0, padding = 0;
  int32_t datasets[64], paddings[64];
  fm_schedule_arrays arrays = {.size = sizeof arrays};
  arrays.numbers = numbers;
  arrays.datasets = datasets;
  arrays.paddings = paddings;
  for (int rank = 0; rank < WORLD; rank++) {
    fm_schedule *schedule = open_schedule(context, plan, rank);
    int64_t length = fm_schedule_epoch_length(schedule, epoch);
    check(
        fm_schedule_fill(schedule, fm_schedule_epoch_start(schedule, epoch), length, &arrays, &err),
        &err);
    for (int64_t i = 0; i < length; i++) {
      padding += paddings[i];
      if (paddings[i]) continue;
      real += datasets[i] == FM_DATASET_REAL;
      synthetic += datasets[i] == FM_DATASET_SYNTHETIC;
    }
    fm_schedule_destroy(schedule);
  }
  printf("epoch %d: %d real, %d synthetic, %d to fill it up\n", (int)epoch, (int)real,
         (int)synthetic, (int)padding);
}

int main(void) {
  fm_error err;
  fm_context *context;
  check(fm_context_create(NULL, &context, &err), &err);
  fm_plan *plan = make_plan(context);
  count_epoch(context, plan, 0);

  unsigned char state[FM_SCHEDULE_STATE_SIZE]; /* goes into the checkpoint */
  fm_schedule *schedule = open_schedule(context, plan, 0);
  train(schedule, plan, 2);
  check(fm_schedule_save(schedule, state, sizeof state, &err), &err);
  train(schedule, plan, 1);
  fm_schedule_destroy(schedule);

  printf("interrupted; the last step is made again\n");
  schedule = open_schedule(context, plan, 0);
  check(fm_schedule_restore(schedule, state, sizeof state, &err), &err);
  train(schedule, plan, 1);
  fm_schedule_destroy(schedule);

  fm_plan_destroy(plan);
  fm_context_destroy(context);
  return 0;
}
