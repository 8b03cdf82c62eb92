/* consumer/consumer.c - somebody's C program, built against the installed library alone. */
#include <freemask/freemask.h>
#include <stdio.h>
#include <string.h>

#define CHECK(condition)                                     \
  if (!(condition)) {                                        \
    fprintf(stderr, "line %d: %s\n", __LINE__, err.message); \
    return 1;                                                \
  }

static int count_bytes(const void *data, size_t size, void *user) {
  (void)data;
  *(size_t *)user += size;
  return 0;
}

int main(void) {
  fm_error err = {0, 0, ""};
  unsigned char mask[4] = {0, 0, 1, 1}, filtered[4];
  float real_loss[4] = {1, 3, 2, 2}, loss[4] = {2.25F, 2.75F, 2, 3};
  fm_plane mask_view = fm_plane_make(mask, FM_U8, 2, 2);
  fm_plane real_view = fm_plane_make(real_loss, FM_F32, 2, 2);
  fm_plane loss_view = fm_plane_make(loss, FM_F32, 2, 2);
  fm_plane out_view = fm_plane_make(filtered, FM_U8, 2, 2);
  fm_context *context = NULL;
  fm_labels *labels = NULL;
  fm_class_stats *stats = NULL;
  fm_filter *filter = NULL;
  size_t bytes = 0;

  CHECK(strcmp(fm_version(), EXPECTED_VERSION) == 0 && fm_abi_version() == FM_ABI_VERSION);
  CHECK(fm_context_create(NULL, &context, &err) == FM_OK);
  CHECK(fm_labels_create_from_preset(context, "cityscapes", &labels, &err) == FM_OK);
  CHECK(fm_class_stats_create(labels, NULL, &stats, &err) == FM_OK);
  CHECK(fm_class_stats_add(stats, &mask_view, &real_view, NULL, &err) == FM_OK);
  CHECK(fm_filter_create(stats, NULL, &filter, &err) == FM_OK);
  CHECK(fm_filter_apply(filter, &mask_view, &loss_view, NULL, &out_view, NULL, &err) == FM_OK);
  /* Both means are a little below 2, so what is above 2.5 goes. */
  CHECK(filtered[0] == 0 && filtered[1] == 255 && filtered[2] == 1 && filtered[3] == 255);
  /* Pulls libpng in: the static link has to find it. */
  fm_status written = fm_mask_encode(context, &out_view, NULL, count_bytes, &bytes, &err);
  CHECK(written == FM_ERR_UNSUPPORTED || (written == FM_OK && bytes > 50));

  fm_filter_destroy(filter);
  fm_class_stats_destroy(stats);
  fm_labels_destroy(labels);
  fm_context_destroy(context);
  printf("consumer: fine\n");
  return 0;
}
