/* job/synthetic.c - which synthetic file is of which real mask, and of which seed. */
#include "job/synthetic.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/folder_pair.h"
#include "base/note.h"
#include "base/text.h"

static const char STEM[] = "{stem}", SEED[] = "{seed}", COUNTER[] = "{n}";

/* What generators and their wrappers write. */
static const char *const usual[] = {
    SYNTHETIC_DEFAULT,    "{stem}_{seed}",        "{stem}-{seed}",
    "{stem}_seed{seed}",  "{stem}-seed{seed}",    "{stem}-seed-{seed}",
    "{stem}_s{seed}",     "{stem}.{seed}",        "{stem}_syn_{seed}",
    "{stem}_gen_{seed}",  "{stem}_sample_{seed}", "{seed}_{stem}",
    "seed_{seed}/{stem}", "seed{seed}/{stem}",    "{seed}/{stem}",
    "{stem}/seed_{seed}", "{stem}/{seed}",        "{stem}"};
enum { USUAL = sizeof usual / sizeof *usual };

/* ---- Patterns --------------------------------------------------------------------------- */

/* A pattern taken apart: literal pieces around the two places. */
typedef struct parts {
  char head[64], middle[64], tail[64];
  bool seeded, seed_first;
} parts;

static bool copy_piece(char *out, const char *from, const char *to) {
  size_t length = (size_t)(to - from);
  if (length >= 64) return false;
  memcpy(out, from, length);
  out[length] = '\0';
  return true;
}

/* False if it is no pattern. */
static bool take_apart(const char *pattern, parts *out) {
  const char *stem = strstr(pattern, STEM), *seed = strstr(pattern, SEED);
  size_t seed_length = sizeof SEED - 1;
  if (!seed) {
    seed = strstr(pattern, COUNTER);
    seed_length = sizeof COUNTER - 1;
  }
  *out = (parts){.seeded = seed != NULL, .seed_first = seed && seed < stem};
  if (!stem || strstr(stem + 1, STEM)) return false;
  const char *end = pattern + strlen(pattern), *after_stem = stem + sizeof STEM - 1;
  if (!seed) return copy_piece(out->head, pattern, stem) && copy_piece(out->tail, after_stem, end);
  const char *after_seed = seed + seed_length;
  if (strstr(after_seed, SEED) || strstr(after_seed, COUNTER)) return false;
  if (out->seed_first)
    return copy_piece(out->head, pattern, seed) && copy_piece(out->middle, after_seed, stem) &&
           copy_piece(out->tail, after_stem, end);
  return copy_piece(out->head, pattern, stem) && copy_piece(out->middle, after_stem, seed) &&
         copy_piece(out->tail, after_seed, end);
}

int synthetic_check_pattern(const char *pattern, fault *f) {
  parts p;
  if (!pattern || take_apart(pattern, &p)) return EXIT_FINE;
  return fault_set(f, EXIT_USAGE,
                   "--synthetic-name is '%.200s', expected {stem} once and {seed} or {n} at most "
                   "once, as in '{stem}_{seed}'",
                   pattern);
}

char *synthetic_name(const char *pattern, const char *stem, int64_t seed) {
  parts p;
  text t = {0};
  (void)take_apart(pattern ? pattern : SYNTHETIC_DEFAULT, &p);
  text_add_string(&t, p.head);
  if (p.seed_first)
    text_add_whole(&t, seed);
  else
    text_add_string(&t, stem);
  text_add_string(&t, p.middle);
  if (p.seed_first)
    text_add_string(&t, stem);
  else if (p.seeded)
    text_add_whole(&t, seed);
  text_add_string(&t, p.tail);
  char *name = alloc_text(t.data); /* a plan has millions: no more memory than it needs */
  text_free(&t);
  return name;
}

/* ---- One name --------------------------------------------------------------------------- */

/* A number of at most 18 digits. */
static bool read_seed(const char *digits, size_t count, int64_t *out) {
  if (!count || count > 18) return false;
  *out = 0;
  for (size_t i = 0; i < count; i++) {
    if (digits[i] < '0' || digits[i] > '9') return false;
    *out = *out * 10 + (digits[i] - '0');
  }
  return true;
}

static bool find_real(const folder *real, const char *name, size_t length, size_t *out) {
  char *stem = alloc_zeroed(length + 1, 1);
  memcpy(stem, name, length);
  const folder_file *found = length ? folder_find_any(real, stem, folder_find) : NULL;
  free(stem);
  if (found) *out = (size_t)(found - real->files);
  return found != NULL;
}

/* The stem, what stands between, and the seed, in `length` bytes; shorter numbers last. */
static bool match_behind(const parts *p, const folder *real, const char *name, size_t length,
                         synthetic_entry *out) {
  size_t digits = 0, middle = strlen(p->middle);
  while (digits < length && name[length - 1 - digits] >= '0' && name[length - 1 - digits] <= '9')
    digits++;
  for (size_t n = digits; n > 0; n--) {
    if (length < n + middle || memcmp(name + length - n - middle, p->middle, middle) != 0) continue;
    if (read_seed(name + length - n, n, &out->seed) &&
        find_real(real, name, length - n - middle, &out->real))
      return true;
  }
  return false;
}

static bool match_before(const parts *p, const folder *real, const char *name, size_t length,
                         synthetic_entry *out) {
  size_t digits = 0, middle = strlen(p->middle);
  while (digits < length && name[digits] >= '0' && name[digits] <= '9') digits++;
  for (size_t n = digits; n > 0; n--) {
    if (length < n + middle || memcmp(name + n, p->middle, middle) != 0) continue;
    if (read_seed(name, n, &out->seed) &&
        find_real(real, name + n + middle, length - n - middle, &out->real))
      return true;
  }
  return false;
}

static bool match(const parts *p, const folder *real, const char *name, synthetic_entry *out) {
  size_t head = strlen(p->head), tail = strlen(p->tail), length = strlen(name);
  if (length < head + tail || memcmp(name, p->head, head) != 0 ||
      memcmp(name + length - tail, p->tail, tail) != 0)
    return false;
  name += head;
  length -= head + tail;
  out->seed = 0;
  if (!p->seeded) return find_real(real, name, length, &out->real);
  return p->seed_first ? match_before(p, real, name, length, out)
                       : match_behind(p, real, name, length, out);
}

/* ---- All of them -------------------------------------------------------------------------- */

static size_t match_all(const char *pattern, synthetic_set *set) {
  parts p;
  (void)take_apart(pattern, &p);
  set->pattern = pattern;
  set->seeded = p.seeded;
  set->count = set->foreign = 0;
  for (size_t i = 0; i < set->files->count; i++) {
    synthetic_entry entry = {.file = i};
    if (match(&p, set->real, set->files->files[i].stem, &entry))
      set->entries[set->count++] = entry;
    else if (!set->foreign++)
      set->first = i;
  }
  return set->count;
}

static void guess(synthetic_set *set) {
  size_t most = set->count, best = 0;
  for (size_t i = 1; i < USUAL; i++) {
    size_t count = match_all(usual[i], set);
    if (count <= most) continue;
    most = count;
    best = i;
  }
  match_all(usual[best], set);
  set->guessed = best > 0;
}

void synthetic_tell_guess(const synthetic_set *set) {
  if (set->guessed)
    note_say(
        "%s: %zu of %zu files are named '%s', which is taken for their pattern "
        "(--synthetic-name says it)",
        set->files->path, set->count, set->files->count, set->pattern);
}

static int by_entry(const void *a, const void *b) {
  const synthetic_entry *left = a, *right = b;
  if (left->real != right->real) return left->real < right->real ? -1 : 1;
  return (left->seed > right->seed) - (left->seed < right->seed);
}

static int check_distinct(const synthetic_set *set, fault *f) {
  for (size_t i = 1; i < set->count; i++)
    if (!by_entry(&set->entries[i - 1], &set->entries[i]))
      return fault_set(f, EXIT_DATA, "%s: %s and %s are both number %" PRId64 " of mask '%s'",
                       set->files->path, set->files->files[set->entries[i - 1].file].relative,
                       set->files->files[set->entries[i].file].relative, set->entries[i].seed,
                       set->real->files[set->entries[i].real].stem);
  return EXIT_FINE;
}

int synthetic_match(const folder *real, const folder *files, synthetic_set *out, fault *f) {
  const char *given = folder_names_now.synthetic;
  *out = (synthetic_set){.real = real, .files = files};
  int code = synthetic_check_pattern(given, f);
  if (code) return code;
  out->entries = alloc_zeroed(files->count, sizeof *out->entries);
  size_t count = match_all(given ? given : SYNTHETIC_DEFAULT, out);
  if (!given && 2 * count < files->count) guess(out);
  if (out->count) qsort(out->entries, out->count, sizeof *out->entries, by_entry);
  code = check_distinct(out, f);
  if (code) synthetic_free(out);
  return code;
}

void synthetic_free(synthetic_set *set) {
  free(set->entries);
  *set = (synthetic_set){0};
}

int synthetic_check(const synthetic_set *set, fault *f) {
  if (10 * set->count > set->files->count) {
    if (set->foreign)
      note_say("%s: %zu of %zu files are of no mask of %s, such as %s, and are not planned",
               set->files->path, set->foreign, set->files->count, set->real->path,
               set->files->files[set->first].relative);
    return EXIT_FINE;
  }
  char *wanted = synthetic_name(set->pattern, set->real->files[0].stem, 42);
  int code = fault_set(f, EXIT_DATA,
                       "%s: %zu of %zu files are named after a mask of %s, expected names like "
                       "'%s', found '%s'; --synthetic-name PATTERN says how they are named, as in "
                       "'{stem}_{seed}'",
                       set->files->path, set->count, set->files->count, set->real->path, wanted,
                       set->files->files[set->first].stem);
  free(wanted);
  return code;
}

int synthetic_check_siblings(const synthetic_set *set, fault *f) {
  for (size_t i = 1; i < set->count; i++)
    if (set->entries[i - 1].real == set->entries[i].real) return EXIT_FINE;
  char *first = synthetic_name(set->pattern, set->real->files[0].stem, 42),
       *other = synthetic_name(set->pattern, set->real->files[0].stem, 43);
  int code =
      set->seeded
          ? fault_set(
                f, EXIT_DATA,
                "--siblings: no mask has two images or more in %s, expected names like '%s' and "
                "'%s', as '%s' says; --synthetic-name says how they are named",
                set->files->path, first, other, set->pattern)
          : fault_set(f, EXIT_DATA,
                      "--siblings: the masks in %s are named as '%s', one of each real mask; "
                      "--synthetic-name PATTERN says how they are named, as in '{stem}_{seed}'",
                      set->files->path, set->pattern);
  free(first);
  free(other);
  return code;
}

const synthetic_entry *synthetic_of(const synthetic_set *set, size_t real, size_t *count) {
  size_t low = 0, high = set->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (set->entries[middle].real < real)
      low = middle + 1;
    else
      high = middle;
  }
  *count = 0;
  while (low + *count < set->count && set->entries[low + *count].real == real) ++*count;
  return set->entries + low;
}

const folder_file *synthetic_find(const synthetic_set *set, size_t real, int64_t seed) {
  size_t count;
  const synthetic_entry *list = synthetic_of(set, real, &count);
  for (size_t i = 0; i < count; i++)
    if (list[i].seed == seed) return &set->files->files[list[i].file];
  return NULL;
}
