/* examples/01_filter_one_image.c - the whole filter in its smallest form: losses on real
 * images say what is normal for each class, and a synthetic image's mask loses the pixels
 * that are far from it.
 *
 * Introduces fm_context, fm_labels, fm_class_stats, fm_filter, fm_plane_make.
 *
 *     cc 01_filter_one_image.c $(pkg-config --cflags --libs libfreemask)
 */
#include <freemask/freemask.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEIGHT = 2, WIDTH = 4 };

/* A real image, and what a segmenter trained on real images thinks of it: cross-entropy
 * against the mask, in nats. CamVid's labels: 0 sky, 3 road, 8 car, 11 ignored. */
static const unsigned char real_mask[HEIGHT * WIDTH] = {0, 0, 0, 11, 3, 3, 8, 8};
static const float real_loss[HEIGHT * WIDTH] = {0.1F, 0.1F, 0.4F, 9, 0.2F, 0.2F, 1.0F, 0.6F};

/* An image generated from a mask. The segmenter finds no car where there should be one. */
static unsigned char mask[HEIGHT * WIDTH] = {0, 0, 0, 0, 3, 3, 8, 8};
static const float loss[HEIGHT * WIDTH] = {0.1F, 0.2F, 0.2F, 0.3F, 0.2F, 0.1F, 0.5F, 4.0F};

static void check(fm_status status, const fm_error *err) {
  if (!status) return;
  fprintf(stderr, "%s: %s\n", fm_status_name(status), err->message);
  exit(EXIT_FAILURE);
}

int main(void) {
  fm_error err;
  fm_context *context;
  fm_labels *labels;
  fm_class_stats *stats;
  fm_filter *filter;
  check(fm_context_create(NULL, &context, &err), &err);
  check(fm_labels_create_from_preset(context, "camvid", &labels, &err), &err);

  /* Real images: as many adds as there are images. */
  check(fm_class_stats_create(labels, NULL, &stats, &err), &err);
  fm_plane real_mask_view = fm_plane_make(real_mask, FM_U8, HEIGHT, WIDTH);
  fm_plane real_loss_view = fm_plane_make(real_loss, FM_F32, HEIGHT, WIDTH);
  check(fm_class_stats_add(stats, &real_mask_view, &real_loss_view, NULL, &err), &err);

  /* Synthetic images: here one, filtered in place. */
  check(fm_filter_create(stats, NULL, &filter, &err), &err);
  fm_plane mask_view = fm_plane_make(mask, FM_U8, HEIGHT, WIDTH);
  fm_plane loss_view = fm_plane_make(loss, FM_F32, HEIGHT, WIDTH);
  fm_filter_report report = {.size = sizeof report};
  check(fm_filter_apply(filter, &mask_view, &loss_view, NULL, &mask_view, &report, &err), &err);

  printf("sky is dropped above %.3f, car above %.3f\n", (double)fm_filter_threshold(filter, 0, 0),
         (double)fm_filter_threshold(filter, 8, 0));
  printf("dropped %d of %d pixels:", (int)report.dropped, (int)report.valid);
  for (int i = 0; i < HEIGHT * WIDTH; i++) printf(" %d", mask[i]);
  printf("\n");

  fm_filter_destroy(filter);
  fm_class_stats_destroy(stats);
  fm_labels_destroy(labels);
  fm_context_destroy(context);
  return 0;
}
