/* losses/loss_files.c - losses from NPY files, as they are. */
#include <stdlib.h>

#include "losses/loss_way.h"

static int get(const loss_source *s, const loss_request *requests, size_t count, loss_map *out,
               fault *f) {
  int code = EXIT_FINE;
  for (size_t i = 0; i < count && !code; i++) {
    char *path = loss_source_path(s, requests[i].mask_index);
    fm_error err;
    if (input_read(s->context, &input_loss, path, folder_array_options(), &out[i].raster,
                   requests[i].seen, &err)) {
      code = fault_library(f, &err, path);
    } else {
      out[i].plane = fm_raster_plane(out[i].raster);
      code = loss_check_size(&requests[i].mask, out[i].plane.height, out[i].plane.width, "loss map",
                             path, f);
    }
    free(path);
  }
  return code;
}

const loss_way loss_way_maps = {.what = "loss map", .get = get};
