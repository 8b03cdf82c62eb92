/* export/export_names.c - names that a format cannot express. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "export/exporter.h"

/* What Python's str.strip and str.splitlines take for blank or line end beyond ASCII. Lists are
 * read with them. */
static const char *const blanks[] = {" ",
                                     "\xC2\x85",
                                     "\xC2\xA0",
                                     "\xE1\x9A\x80",
                                     "\xE2\x80\x80",
                                     "\xE2\x80\x81",
                                     "\xE2\x80\x82",
                                     "\xE2\x80\x83",
                                     "\xE2\x80\x84",
                                     "\xE2\x80\x85",
                                     "\xE2\x80\x86",
                                     "\xE2\x80\x87",
                                     "\xE2\x80\x88",
                                     "\xE2\x80\x89",
                                     "\xE2\x80\x8A",
                                     "\xE2\x80\xA8",
                                     "\xE2\x80\xA9",
                                     "\xE2\x80\xAF",
                                     "\xE2\x81\x9F",
                                     "\xE3\x80\x80"};

/* Most names are ASCII at both ends, and there are millions of them. */
static bool may_be_blank(char end) { return end == ' ' || (unsigned char)end >= 0x80; }

static bool begins_or_ends_blank(const char *name) {
  size_t length = strlen(name);
  if (!length || !(may_be_blank(name[0]) || may_be_blank(name[length - 1]))) return false;
  for (size_t i = 0; i < sizeof blanks / sizeof *blanks; i++) {
    size_t blank = strlen(blanks[i]);
    if (length >= blank &&
        (!memcmp(name, blanks[i], blank) || !memcmp(name + length - blank, blanks[i], blank)))
      return true;
  }
  return false;
}

static bool has_control(const char *name) {
  for (; *name; name++)
    if ((unsigned char)*name < 0x20 || *name == 0x7F) return true;
  return false;
}

/* A path of an input folder, as files will name it. */
static int check_base(const char *base, fault *f) {
  if (!base) return EXIT_FINE;
  if (!text_is_utf8(base))
    return fault_set(f, EXIT_DATA, "%s: the folder's name is not UTF-8, no list can hold it", base);
  if (has_control(base))
    return fault_set(f, EXIT_DATA, "%s: the folder's name holds a control character", base);
  return EXIT_FINE;
}

/* No name of a plan has control characters. */
static int check_entry(const export_state *s, const export_entry *entry, fault *f) {
  const char *stem = entry->stem;
  const folder_file *const files[] = {entry->image, entry->mask};
  bool utf8 = text_is_utf8(stem);
  for (size_t i = 0; i < 2; i++) utf8 = utf8 && (!files[i] || text_is_utf8(files[i]->relative));
  if (!utf8)
    return fault_set(f, EXIT_DATA, "%s: the name '%s' is not UTF-8, no list can hold it",
                     s->job->plan, stem);
  if (export_has(s, EXPORT_STRIPS) && begins_or_ends_blank(stem))
    return fault_set(f, EXIT_DATA,
                     "%s: the name '%s' begins or ends with a blank, which trainers strip from "
                     "the lines of a list",
                     s->job->plan, stem);
  return EXIT_FINE;
}

/* Formats that list paths need PNG masks; only freemask reads NPY masks. */
static int check_mask(const export_state *s, const export_set *set, const export_entry *entry,
                      fault *f) {
  const char *dot = entry->mask ? strrchr(entry->mask->relative, '.') : NULL;
  if (!dot || export_has(s, EXPORT_NPY) || export_converts(s) || strcasecmp(dot, ".npy"))
    return EXIT_FINE;
  return fault_set(f, EXIT_DATA, "%s/%s: trainers and generators expect masks as PNG%s",
                   set->masks.path, entry->mask->relative,
                   export_has(s, EXPORT_GENERATES) ? "" : " (--train-ids converts them)");
}

/* Formats that name their own folder. */
static int check_output(const export_state *s, fault *f) {
  if (!export_has(s, EXPORT_NAMES_FOLDER)) return EXIT_FINE;
  char *base = export_path(s, s->job->output.folder);
  int code = check_base(base, f);
  free(base);
  return code;
}

int export_check_names(const export_state *s, fault *f) {
  int bad_output = check_output(s, f);
  if (bad_output) return bad_output;
  const export_set *const sets[] = {&s->real, &s->synthetic, &s->validation};
  for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
    int code = check_base(sets[k]->mask_base, f);
    if (!code) code = check_base(sets[k]->image_base, f);
    for (size_t i = 0; i < sets[k]->count && !code; i++) {
      code = check_entry(s, &sets[k]->entries[i], f);
      if (!code) code = check_mask(s, sets[k], &sets[k]->entries[i], f);
    }
    if (code) return code;
  }
  return EXIT_FINE;
}
