/* cmd/args.h - flags of a command, described by a table. */
#ifndef FREEMASK_TOOL_ARGS_H
#define FREEMASK_TOOL_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/folder.h"

typedef enum arg_kind {
  ARG_FLAG = 1, /* bool: --x */
  ARG_TEXT,     /* const char *: points into argv */
  ARG_WHOLE,    /* int64_t, from lowest to highest (both inclusive) */
  ARG_SEED,     /* uint64_t, any */
  ARG_REAL,     /* double, from lowest to highest; above lowest if `exclusive` */
  ARG_CHOICE,   /* int: index in `choices` */
  ARG_SHARD,    /* folder_shard: i/n */
  ARG_SIZE      /* arg_size: WxH or "none" */
} arg_kind;

typedef struct arg_size {
  int32_t width; /* FM_NO_RESIZE: none; 0: not given */
  int32_t height;
} arg_size;

/* One flag. The target keeps its value if the flag is not given, so defaults are what it was
 * initialized with. `value` and `help` are for --help; a table ends with {0}. */
typedef struct arg_option {
  const char *name; /* without "--" */
  char letter;      /* -j; 0: none */
  arg_kind kind;
  void *target;
  const char *value;
  const char *help;
  bool required;
  bool exclusive;
  double lowest, highest;     /* exact for whole numbers below 2^53 */
  const char *const *choices; /* NULL-terminated */
} arg_option;

typedef struct arg_command {
  const char *name;     /* "stats" */
  const char *purpose;  /* one line */
  const char *operands; /* "A.json B.json ..." for the usage line, or NULL */
  const char *notes;    /* paragraphs below the flags in --help, or NULL */
  const arg_option *options;
  size_t operands_min, operands_max;
} arg_command;

/* What args_parse returns when --help was printed: the command ends with EXIT_FINE. */
enum { ARGS_HELP = -1 };

/* Reads argv (argv[0] is the command's name). `--x V`, `--x=V`, `-x V`, `-xV`; "--" ends the
 * flags. Operands are moved to the front of argv[1 ..]; `*operand_count` (may be NULL if there
 * are none) gets their number. Returns EXIT_FINE, EXIT_USAGE or ARGS_HELP. */
int args_parse(const arg_command *command, int argc, char **argv, size_t *operand_count, fault *f);

/* Ready-made rows that many commands share. */
#define ARG_THREADS(target)                                                                      \
  {                                                                                              \
    "threads", 'j', ARG_WHOLE, target, "N", "worker threads (default: all cores)", false, false, \
        1, 1024, NULL                                                                            \
  }
#define ARG_QUIET(target) \
  { "quiet", 'q', ARG_FLAG, target, NULL, "no progress and no summary", false, false, 0, 0, NULL }
#define ARG_JSON(target)                                                                         \
  {                                                                                              \
    "json", 0, ARG_FLAG, target, NULL, "print one JSON object instead of text", false, false, 0, \
        0, NULL                                                                                  \
  }
#define ARG_OUTPUT(target, value, help) \
  { "output", 'o', ARG_TEXT, target, value, help, true, false, 0, 0, NULL }
#define ARG_STATS(target)                                                                      \
  {                                                                                            \
    "stats", 's', ARG_TEXT, target, "S.json", "statistics of the real set", true, false, 0, 0, \
        NULL                                                                                   \
  }
#define ARG_LABELS(target)                                                                    \
  {                                                                                           \
    "labels", 'l', ARG_TEXT, target, "L", "label space: a preset's name or a CSV file", true, \
        false, 0, 0, NULL                                                                     \
  }

/* How files are called; folder_names_now keeps it. */
#define ARG_SUFFIX(name, target, help) \
  { name, 0, ARG_TEXT, target, "S", help, false, false, 0, 0, NULL }
#define ARG_MASK_SUFFIX                              \
  ARG_SUFFIX("mask-suffix", &folder_names_now.masks, \
             "masks are called <stem>S: _mask, .tif, a comma list (default: as found), or none")
#define ARG_IMAGE_SUFFIX \
  ARG_SUFFIX("image-suffix", &folder_names_now.images, "images are called <stem>S, likewise")
#define ARG_LOSS_SUFFIX                               \
  ARG_SUFFIX("loss-suffix", &folder_names_now.losses, \
             "losses and outputs are called <stem>S, likewise")
#define ARG_SYNTHETIC_NAME                                                                        \
  {                                                                                               \
    "synthetic-name", 0, ARG_TEXT, &folder_names_now.synthetic, "P",                              \
        "synthetic files are called P: {stem}_{seed} (default: {stem}_seed_{seed}, or as found)", \
        false, false, 0, 0, NULL                                                                  \
  }
#define ARG_ARRAY                                                                              \
  {                                                                                            \
    "array", 0, ARG_TEXT, &folder_names_now.array, "NAME",                                     \
        "of archives (.npz): the array that holds losses or outputs", false, false, 0, 0, NULL \
  }
#define ARG_EXIF                                                                                  \
  {                                                                                               \
    "exif", 0, ARG_CHOICE, &folder_names_now.exif, "HOW",                                         \
        "orientation of photographs: apply (default), or ignore", false, false, 0, 0, folder_exif \
  }

#endif
