/* cmd/network_flags.h - flags that say what a network's outputs are. */
#ifndef FREEMASK_TOOL_NETWORK_FLAGS_H
#define FREEMASK_TOOL_NETWORK_FLAGS_H

#include <jansson.h>
#include <stdbool.h>

#include "base/fault.h"
#include "base/text.h"
#include "cmd/args.h"

typedef struct network_flags {
  int kind; /* index in network_kinds */
  bool align_corners;
  bool channels_last;
  bool compose_first;
  bool trust_kind;
  const char *channels; /* "a:b" or "a,b,...": the channel of each class; NULL: channel = class */
} network_flags;

extern const char *const network_kinds[]; /* NULL-terminated */
enum { KIND_LOGITS, KIND_PROBS, KIND_SCORES, KIND_BINARY, KIND_BINARY_PROBS };

/* EXIT_USAGE for flags that do not apply to --logits, to --queries, or without either. */
int network_flags_check(const network_flags *flags, bool logits, bool queries, fault *f);

/* Makes the handle. `channels` is the number of channels of the outputs (0: the number of classes).
 */
int network_flags_make(const network_flags *flags, bool queries, fm_labels *labels,
                       int64_t channels, fm_network_loss **out, fault *f);

/* Names flags where the library's message names its constants. */
void network_flags_explain(const network_flags *flags, fault *f);

/* For files: {"kind": "logits", "align_corners": false, "channels_last": false, "compose_first":
 * false, "trust_kind": false, "channels": null}; new reference. And back: texts are borrowed from
 * the object, strings of another form are ignored. */
json_t *network_flags_save(const network_flags *flags);
void network_flags_load(const json_t *object, network_flags *out);

#define ARG_NETWORK_ROWS(flags)                                                                   \
  {"kind", 0, ARG_CHOICE, &(flags)->kind, "KIND", "what the outputs are (default logits)", false, \
   false,  0, 0,          network_kinds},                                                         \
      {"align-corners",                                                                           \
       0,                                                                                         \
       ARG_FLAG,                                                                                  \
       &(flags)->align_corners,                                                                   \
       NULL,                                                                                      \
       "outputs are resized with align_corners=True",                                             \
       false,                                                                                     \
       false,                                                                                     \
       0,                                                                                         \
       0,                                                                                         \
       NULL},                                                                                     \
      {"channels", 0,                                                                             \
       ARG_TEXT,   &(flags)->channels,                                                            \
       "A:B",      "channels of the classes, A to B - 1, or a list (default 0:K)",                \
       false,      false,                                                                         \
       0,          0,                                                                             \
       NULL},                                                                                     \
      {"channels-last",                                                                           \
       0,                                                                                         \
       ARG_FLAG,                                                                                  \
       &(flags)->channels_last,                                                                   \
       NULL,                                                                                      \
       "arrays are [h, w, C]",                                                                    \
       false,                                                                                     \
       false,                                                                                     \
       0,                                                                                         \
       0,                                                                                         \
       NULL},                                                                                     \
      {"compose-first",                                                                           \
       0,                                                                                         \
       ARG_FLAG,                                                                                  \
       &(flags)->compose_first,                                                                   \
       NULL,                                                                                      \
       "queries are composed before they are resized",                                            \
       false,                                                                                     \
       false,                                                                                     \
       0,                                                                                         \
       0,                                                                                         \
       NULL},                                                                                     \
  {                                                                                               \
    "trust-kind", 0, ARG_FLAG, &(flags)->trust_kind, NULL,                                        \
        "do not check whether values fit --kind", false, false, 0, 0, NULL                        \
  }

#endif
