/* cmd/network_flags.c - from flags to an fm_network_loss. */
#include "cmd/network_flags.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/numbers.h"

const char *const network_kinds[] = {"logits", "probs", "scores", "binary", "binary-probs", NULL};

static const int32_t library_kinds[] = {FM_OUTPUT_LOGITS, FM_OUTPUT_PROBS, FM_OUTPUT_SCORES,
                                        FM_OUTPUT_LOGITS, FM_OUTPUT_PROBS};

static bool is_binary(const network_flags *flags) { return flags->kind >= KIND_BINARY; }

int network_flags_check(const network_flags *flags, bool logits, bool queries, fault *f) {
  const char *stray = flags->kind            ? "--kind"
                      : flags->align_corners ? "--align-corners"
                      : flags->channels      ? "--channels"
                      : flags->channels_last ? "--channels-last"
                      : flags->trust_kind    ? "--trust-kind"
                                             : NULL;
  if (stray && !logits && !queries)
    return fault_set(f, EXIT_USAGE,
                     "%s applies to --logits or --queries, neither of which is given", stray);
  if (flags->compose_first && !queries)
    return fault_set(f, EXIT_USAGE, "--compose-first applies to --queries, which is not given");
  if (queries && (flags->channels_last || is_binary(flags) || flags->kind == KIND_PROBS))
    return fault_set(f, EXIT_USAGE, "--%s applies to --logits, but --queries is given",
                     flags->channels_last ? "channels-last" : "kind");
  if (is_binary(flags) && flags->channels)
    return fault_set(f, EXIT_USAGE, "--channels is given, but --kind %s has one channel",
                     network_kinds[flags->kind]);
  return EXIT_FINE;
}

static int read_channels(const network_flags *flags, const fm_labels *labels, int32_t **out,
                         fault *f) {
  int64_t *numbers;
  size_t count, classes = (size_t)fm_labels_class_count(labels);
  if (!numbers_read(flags->channels, &numbers, &count))
    return fault_set(f, EXIT_USAGE,
                     "--channels is '%.200s', expected first:end, or a comma list of numbers",
                     flags->channels);
  bool small = true;
  for (size_t i = 0; i < count; i++) small = small && numbers[i] >= 0 && numbers[i] < 65536;
  if (count != classes || !small) {
    free(numbers);
    if (!small)
      return fault_set(f, EXIT_USAGE, "--channels is '%.200s', expected numbers from 0 to 65535",
                       flags->channels);
    return fault_set(f, EXIT_USAGE,
                     "--channels names %zu channels, but label space %s has %zu "
                     "classes",
                     count, fm_labels_name(labels), classes);
  }
  *out = alloc_zeroed(count, sizeof **out);
  for (size_t i = 0; i < count; i++) (*out)[i] = (int32_t)numbers[i];
  free(numbers);
  return EXIT_FINE;
}

int network_flags_make(const network_flags *flags, bool queries, fm_labels *labels,
                       int64_t channels, fm_network_loss **out, fault *f) {
  fm_network_loss_options options = {.size = sizeof options};
  int32_t *map = NULL;
  fm_error err;
  int code = flags->channels ? read_channels(flags, labels, &map, f) : EXIT_FINE;
  if (code) return code;
  options.kind = queries ? FM_OUTPUT_SCORES : library_kinds[flags->kind];
  options.align_corners = flags->align_corners;
  options.channel_count = (int32_t)(channels < INT32_MAX ? channels : INT32_MAX);
  options.binary = !queries && is_binary(flags);
  options.channels = map;
  options.trust_kind = flags->trust_kind;
  options.compose_first = flags->compose_first;
  if (fm_network_loss_create(labels, &options, out, &err)) code = fault_library(f, &err, NULL);
  free(map);
  return code;
}

/* Replaces the first `from` in a fault's text; false if there is none. */
static bool replace(fault *f, const char *from, const char *to) {
  char *at = strstr(f->text, from);
  size_t old = strlen(from), new = strlen(to), length = strlen(f->text);
  if (!at || length - old + new >= sizeof f->text) return false;
  memmove(at + new, at + old, strlen(at + old) + 1);
  memcpy(at, to, new);
  return true;
}

void network_flags_explain(const network_flags *flags, fault *f) {
  bool one = is_binary(flags);
  const char *const words[][2] = {
      {"FM_OUTPUT_LOGITS", one ? "--kind binary" : "--kind logits"},
      {"FM_OUTPUT_PROBS", one ? "--kind binary-probs" : "--kind probs"},
      {"FM_OUTPUT_SCORES", "--kind scores"},
      {"set trust_kind", "give --trust-kind"},
  };
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    while (replace(f, words[i][0], words[i][1])) continue;
}

/* ---- Files ---------------------------------------------------------------------------- */

json_t *network_flags_save(const network_flags *flags) {
  json_t *object = json_object();
  json_object_set_new(object, "kind", json_string(network_kinds[flags->kind]));
  json_object_set_new(object, "align_corners", json_boolean(flags->align_corners));
  json_object_set_new(object, "channels_last", json_boolean(flags->channels_last));
  json_object_set_new(object, "compose_first", json_boolean(flags->compose_first));
  json_object_set_new(object, "trust_kind", json_boolean(flags->trust_kind));
  json_object_set_new(object, "channels",
                      flags->channels ? json_string(flags->channels) : json_null());
  return object;
}

void network_flags_load(const json_t *object, network_flags *out) {
  const char *kind = json_string_value(json_object_get(object, "kind"));
  *out = (network_flags){.channels = json_string_value(json_object_get(object, "channels"))};
  for (int i = 0; kind && network_kinds[i]; i++)
    if (!strcmp(network_kinds[i], kind)) out->kind = i;
  out->align_corners = json_is_true(json_object_get(object, "align_corners"));
  out->channels_last = json_is_true(json_object_get(object, "channels_last"));
  out->compose_first = json_is_true(json_object_get(object, "compose_first"));
  out->trust_kind = json_is_true(json_object_get(object, "trust_kind"));
}
