/* core/options.c - the rule for options of another age (see freemask/context.h). */
#include "core/options.h"

#include <string.h>

#include "core/fail.h"

/* Nobody's options are this long; a larger number is an uninitialised `size`. */
enum { LONGEST = 4096 };

fm_status fm__options_read(void *known, size_t known_size, const void *options, const char *name,
                           fm_error *err) {
  memset(known, 0, known_size);
  if (!options) {
    memcpy(known, &known_size, sizeof known_size);
    return FM_OK;
  }
  size_t size;
  memcpy(&size, options, sizeof size);
  if (size < sizeof size || size > LONGEST)
    return fm__fail(err, FM_ERR_ARGUMENT, "%s: size is %zu, expected sizeof(%s)", name, size, name);
  const unsigned char *bytes = options;
  for (size_t i = known_size; i < size; i++)
    if (bytes[i])
      return fm__fail(err, FM_ERR_UNSUPPORTED,
                      "%s: sets a field at byte %zu that this library, which knows %zu bytes, "
                      "does not have: it is older than the program's headers",
                      name, i, known_size);
  memcpy(known, options, size < known_size ? size : known_size);
  memcpy(known, &known_size, sizeof known_size);
  return FM_OK;
}

size_t fm__result_size(size_t caller_size, size_t known_size) {
  if (caller_size < sizeof(size_t) || caller_size > LONGEST) return 0;
  return caller_size < known_size ? caller_size : known_size;
}
