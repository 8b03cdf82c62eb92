/* job/synthetic.h - which synthetic file is of which real mask, and of which seed. */
#ifndef FREEMASK_TOOL_SYNTHETIC_H
#define FREEMASK_TOOL_SYNTHETIC_H

#include "base/folder.h"

/* How a synthetic file is named: {stem} of the real mask and {seed}, a number; without {seed} there
 * is one of each mask. */
#define SYNTHETIC_DEFAULT "{stem}_seed_{seed}"

/* EXIT_USAGE unless the value of --synthetic-name is a pattern; NULL is fine. */
int synthetic_check_pattern(const char *pattern, fault *f);

/* The name by a pattern (NULL: the default) of a mask and a seed. Caller frees. */
char *synthetic_name(const char *pattern, const char *stem, int64_t seed);

typedef struct synthetic_entry {
  size_t real; /* index of the real mask */
  int64_t seed;
  size_t file; /* index of the synthetic file */
} synthetic_entry;

typedef struct synthetic_set {
  const folder *real, *files; /* borrowed */
  const char *pattern;
  bool seeded; /* the pattern has seeds; else there is one image of each mask, number 0 */
  synthetic_entry *entries; /* by real mask, then by seed */
  size_t count;
  size_t foreign; /* files that belong to no real mask */
  size_t first;   /* the first of them */
  bool guessed;   /* the pattern is not the user's, nor the default */
} synthetic_set;

/* Matches by the pattern that the user gave (folder_names_now), else by the default or, where that
 * fits less than half of the files, by the one of the usual patterns that fits most.
 * EXIT_DATA if two files are the same image. */
int synthetic_match(const folder *real, const folder *files, synthetic_set *out, fault *f);

/* Notes a pattern that was guessed. */
void synthetic_tell_guess(const synthetic_set *set);
void synthetic_free(synthetic_set *set);

/* EXIT_DATA if hardly any file is of a real mask: names one that would be, and one that is there. */
int synthetic_check(const synthetic_set *set, fault *f);

/* EXIT_DATA if no mask has two images: for --siblings, which compares them. */
int synthetic_check_siblings(const synthetic_set *set, fault *f);

/* The entries of a real mask: `*count` of them, from the one that is returned on. */
const synthetic_entry *synthetic_of(const synthetic_set *set, size_t real, size_t *count);

/* The file, or NULL. */
const folder_file *synthetic_find(const synthetic_set *set, size_t real, int64_t seed);

#endif
