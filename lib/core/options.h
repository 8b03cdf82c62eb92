/* core/options.h - options structures that may grow. */
#ifndef FM_CORE_OPTIONS_H
#define FM_CORE_OPTIONS_H

#include <freemask/error.h>
#include <stddef.h>

/* Copies a caller's options (NULL: all zero) into `known`, the structure as this
 * library knows it. A shorter one is filled up with zeros; of a longer one the part
 * beyond `known_size` must be zero. `name` is the structure's, for messages. */
fm_status fm__options_read(void *known, size_t known_size, const void *options, const char *name,
                           fm_error *err);

/* The same rule for structures that the library fills: how much of `known_size` the
 * caller's structure, whose first member is its size, has room for. 0 on failure. */
size_t fm__result_size(size_t caller_size, size_t known_size);

#endif
