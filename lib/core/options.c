/* core/options.c - the rule for structures of another age (see freemask/context.h). */
#include "core/options.h"

#include <string.h>

#include "core/fail.h"

/* No structure is this long; a larger number is an uninitialised `size`. */
enum { LONGEST = 4096 };

fm_status fm__result_check(const void *result, size_t known_size, size_t first_size,
                           const char *name, size_t *size, fm_error *err) {
  size_t given;
  memcpy(&given, result, sizeof given);
  if (given < first_size || given > LONGEST)
    return fm__fail(err, FM_ERR_ARGUMENT, "%s: size is %zu, expected sizeof(%s), which is %zu",
                    name, given, name, known_size);
  const unsigned char *bytes = result;
  for (size_t i = known_size; i < given; i++)
    if (bytes[i])
      return fm__fail(err, FM_ERR_UNSUPPORTED,
                      "%s: sets a field at byte %zu, but this library knows only %zu bytes of it: "
                      "it is older than the program's headers",
                      name, i, known_size);
  *size = given < known_size ? given : known_size;
  return FM_OK;
}

fm_status fm__options_read(void *known, size_t known_size, size_t first_size, const void *options,
                           const char *name, fm_error *err) {
  size_t size = 0;
  if (options) {
    fm_status status = fm__result_check(options, known_size, first_size, name, &size, err);
    if (status) return status;
  }
  memset(known, 0, known_size);
  if (size) memcpy(known, options, size);
  memcpy(known, &known_size, sizeof known_size);
  return FM_OK;
}

fm_status fm__result_write(void *out, const void *known, size_t known_size, size_t first_size,
                           const char *name, fm_error *err) {
  size_t size = sizeof size;
  if (!out) return fm__fail(err, FM_ERR_ARGUMENT, "%s: is NULL", name);
  fm_status status = fm__result_check(out, known_size, first_size, name, &size, err);
  if (status) return status;
  memcpy((char *)out + sizeof size, (const char *)known + sizeof size, size - sizeof size);
  return FM_OK;
}
