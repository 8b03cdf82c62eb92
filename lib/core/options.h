/* core/options.h - sized structures that may grow (the rule is in freemask/context.h). */
#ifndef FM_CORE_OPTIONS_H
#define FM_CORE_OPTIONS_H

#include <freemask/error.h>
#include <stddef.h>

/* The size of a structure at its first release, `last` being its last field then. Padding that
 * may follow the field does not count. */
#define FM__FIRST_SIZE(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

/* Copies a caller's structure (NULL: all zero) into `known`, the structure as this library knows
 * it. Missing fields become 0; what the library does not know must be 0. `name` is the
 * structure's, for messages. */
fm_status fm__options_read(void *known, size_t known_size, size_t first_size, const void *options,
                           const char *name, fm_error *err);
#define FM__OPTIONS_READ(known, options, type, last, err) \
  fm__options_read(known, sizeof(type), FM__FIRST_SIZE(type, last), options, #type, err)

/* The same rule for a structure that the library fills: `*size` receives how many bytes of it to
 * write, at most `known_size`. */
fm_status fm__result_check(const void *result, size_t known_size, size_t first_size,
                           const char *name, size_t *size, fm_error *err);
#define FM__RESULT_CHECK(result, type, last, size, err) \
  fm__result_check(result, sizeof(type), FM__FIRST_SIZE(type, last), #type, size, err)

/* Fills a caller's structure, whose `size` is set and stays, from `known`: for fm_x_get_options. A
 * NULL `out` is refused. */
fm_status fm__result_write(void *out, const void *known, size_t known_size, size_t first_size,
                           const char *name, fm_error *err);
#define FM__RESULT_WRITE(out, known, type, last, err) \
  fm__result_write(out, known, sizeof(type), FM__FIRST_SIZE(type, last), #type, err)

#endif
