/* losses/output_file.c - arrays that networks put out. */
#include "losses/output_file.h"

#include "base/folder_names.h"

/* What was read as [channels, height, width] is [height, width, channels]. */
static fm_volume turned(const fm_volume *v) {
  fm_volume t = fm_volume_make(v->data, (fm_dtype)v->dtype, v->width, v->channels, v->height);
  t.channel_stride = v->col_stride;
  t.row_stride = v->channel_stride;
  t.col_stride = v->row_stride;
  return t;
}

static fm_volume of_plane(const fm_plane *p) {
  fm_volume v = fm_volume_make(p->data, (fm_dtype)p->dtype, 1, p->height, p->width);
  v.channel_stride = 1; /* of one channel: any, but not all three may be 0 */
  v.row_stride = p->row_stride;
  v.col_stride = p->col_stride;
  return v;
}

int output_file_read(fm_context *context, const char *path, bool channels_last, bool one_channel,
                     input_seen *seen, fm_raster **raster, fm_volume *out, fault *f) {
  fm_error err;
  fm_status status =
      input_read(context, &input_output, path, folder_array_options(), raster, seen, &err);
  if (!status) {
    *out = fm_raster_volume(*raster);
    if (channels_last) *out = turned(out);
    return EXIT_FINE;
  }
  if (one_channel && status == FM_ERR_FORMAT &&
      !input_read(context, &input_loss, path, folder_array_options(), raster, seen, NULL)) {
    fm_plane plane = fm_raster_plane(*raster);
    *out = of_plane(&plane);
    return EXIT_FINE;
  }
  return fault_library(f, &err, NULL);
}
