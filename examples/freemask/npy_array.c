/* freemask/npy_array.c - NPY files as volumes and planes. */
#include "npy_array.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "npy_header.h"
#include "path.h"
#include "text.h"

/* What the header claims has to be what follows. `*count` gets the numbers. */
static int check_size(const npy_header *h, size_t left, const char *name, size_t *count, fault *f) {
  size_t fits = left / (size_t)h->item, numbers = 1;
  bool good = left % (size_t)h->item == 0;
  for (int i = 0; i < h->rank && good; i++) {
    good = (uint64_t)h->shape[i] <= fits / numbers;
    if (good) numbers *= (size_t)h->shape[i];
  }
  *count = numbers;
  if (good && numbers == fits) return EXIT_FINE;
  text shape = {0};
  text_add(&shape, "[");
  for (int i = 0; i < h->rank; i++) text_add(&shape, "%s%" PRId64, i ? ", " : "", h->shape[i]);
  fault_set(f, EXIT_DATA, "%s: NPY claims %s] numbers of %d bytes, but %zu bytes follow its header",
            name, shape.data, h->item, left);
  text_free(&shape);
  return EXIT_DATA;
}

static void swap_all(unsigned char *data, size_t count, int item) {
  for (size_t i = 0; i < count; i++, data += item)
    for (int low = 0, high = item - 1; low < high; low++, high--) {
      unsigned char byte = data[low];
      data[low] = data[high];
      data[high] = byte;
    }
}

/* Float64 as the F32 next to it, in place. */
static void shorten(unsigned char *data, size_t count) {
  for (size_t i = 0; i < count; i++) {
    double wide;
    memcpy(&wide, data + 8 * i, sizeof wide);
    float narrow = (float)wide;
    memcpy(data + 4 * i, &narrow, sizeof narrow);
  }
}

static void set_shape(npy_array *out, const npy_header *h) {
  out->rank = h->rank;
  memcpy(out->shape, h->shape, sizeof out->shape);
  int64_t step = out->dtype == FM_F16 ? 2 : 4;
  for (int i = 0; i < h->rank; i++) {
    int axis = h->fortran ? i : h->rank - 1 - i;
    out->stride[axis] = step;
    step *= h->shape[axis];
  }
}

int npy_array_take(char *bytes, size_t length, const char *name, npy_array *out, fault *f) {
  npy_header h;
  size_t count = 0;
  int code = npy_header_read(bytes, length, name, &h, f);
  if (!code) code = check_size(&h, length - h.offset, name, &count, f);
  if (code) {
    free(bytes);
    return code;
  }
  const uint16_t one = 1;
  bool native = *(const unsigned char *)&one == 0;
  *out = (npy_array){.memory = bytes, .dtype = h.item == 2 ? FM_F16 : FM_F32};
  out->data = (unsigned char *)bytes + h.offset;
  if (h.big_endian != native) swap_all(out->data, count, h.item);
  if (h.item == 8) shorten(out->data, count);
  set_shape(out, &h);
  return EXIT_FINE;
}

int npy_array_read(const char *path, npy_array *out, fault *f) {
  char *bytes;
  size_t length;
  int code = path_read(path, NPY_MOST_BYTES, &bytes, &length, f);
  return code ? code : npy_array_take(bytes, length, path, out, f);
}

void npy_array_free(npy_array *array) {
  free(array->memory);
  *array = (npy_array){0};
}

/* The first of the last `rank` axes; -1 unless those before are 1. */
static int first_axis(const npy_array *array, int rank) {
  int first = array->rank - rank;
  for (int i = 0; i < first; i++)
    if (array->shape[i] != 1) return -1;
  return first;
}

static int wrong_shape(const npy_array *array, const char *name, const char *expected, fault *f) {
  text shape = {0};
  text_add(&shape, "[");
  for (int i = 0; i < array->rank; i++)
    text_add(&shape, "%s%" PRId64, i ? ", " : "", array->shape[i]);
  fault_set(f, EXIT_DATA, "%s: the array is %s], expected %s", name, shape.data, expected);
  text_free(&shape);
  return EXIT_DATA;
}

int npy_array_volume(const npy_array *array, bool channels_last, bool one_channel, const char *name,
                     fm_volume *out, fault *f) {
  int axis = first_axis(array, 3);
  if (axis < 0 && one_channel && array->rank == 2) {
    *out = fm_volume_make(array->data, array->dtype, 1, array->shape[0], array->shape[1]);
    out->channel_stride = 1; /* of one channel: any, but not all three may be 0 */
    out->row_stride = array->stride[0];
    out->col_stride = array->stride[1];
    return EXIT_FINE;
  }
  if (axis < 0) return wrong_shape(array, name, channels_last ? "[h, w, C]" : "[C, h, w]", f);
  int c = channels_last ? axis + 2 : axis, y = channels_last ? axis : axis + 1;
  *out = fm_volume_make(array->data, array->dtype, array->shape[c], array->shape[y],
                        array->shape[y + 1]);
  out->channel_stride = array->stride[c];
  out->row_stride = array->stride[y];
  out->col_stride = array->stride[y + 1];
  return EXIT_FINE;
}

int npy_array_plane(const npy_array *array, const char *name, fm_plane *out, fault *f) {
  int axis = first_axis(array, 2);
  if (axis < 0) return wrong_shape(array, name, "[Q, C + 1]", f);
  *out = fm_plane_make(array->data, array->dtype, array->shape[axis], array->shape[axis + 1]);
  out->row_stride = array->stride[axis];
  out->col_stride = array->stride[axis + 1];
  return EXIT_FINE;
}
