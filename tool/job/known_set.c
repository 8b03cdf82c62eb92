/* job/known_set.c - are the inputs of a finished result what it was made of? */
#include "job/known_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/pool.h"
#if defined(__linux__)
#include <sys/xattr.h>
#endif

/* ---- Identities, many in one number ---------------------------------------------------- */

/* Extended attributes are short: some thousand bytes. If a file is another one, a 256th of all is
 * read again. */
enum { BUCKETS = 256 };

typedef struct digest {
  uint64_t of[BUCKETS];
} digest;

static size_t bucket_of(size_t index, size_t count) {
  return (size_t)((uint64_t)index * BUCKETS / count);
}

/* In any order: a sum of scrambled numbers. */
static uint64_t scramble(uint64_t index, int part, uint64_t identity) {
  uint64_t h = identity ^ (index * PARTS + (uint64_t)part) * 0x9E3779B97F4A7C15u;
  h = (h ^ (h >> 33)) * 0xFF51AFD7ED558CCDu;
  h = (h ^ (h >> 33)) * 0xC4CEB9FE1A85EC53u;
  return h ^ (h >> 33);
}

static void digest_add(digest *d, size_t index, size_t count, int part, uint64_t identity) {
  if (identity) d->of[bucket_of(index, count)] += scramble(index, part, identity);
}

#if defined(__linux__)

static const char attribute[] = "user.freemask.inputs";

static bool digest_load(const char *path, digest *d) {
  return getxattr(path, attribute, d, sizeof *d) == (ssize_t)sizeof *d;
}

static void digest_save(const char *path, const digest *d) {
  int ignored = setxattr(path, attribute, d, sizeof *d, 0);
  (void)ignored;
}

#else

static bool digest_load(const char *path, digest *d) {
  (void)path;
  (void)d;
  return false;
}

static void digest_save(const char *path, const digest *d) {
  (void)path;
  (void)d;
}

#endif

void known_set_keep(const char *record, const input_parts *seen, size_t count) {
  digest d = {0};
  for (size_t i = 0; i < count; i++)
    for (int part = 0; part < PARTS; part++)
      digest_add(&d, i, count, part, seen[i].of[part].identity);
  digest_save(record, &d);
}

/* ---- Looking ---------------------------------------------------------------------------- */

typedef struct looking {
  known_set *set;
  input_parts *now; /* of each mask: what its inputs are */
  bool *settled;    /* of each mask: all of its inputs are */
  digest kept;
  bool has_kept;
  bool same_bucket[BUCKETS];
} looking;

static const struct stat *written_for(const known_set *set, size_t index) {
  return set->before_reading  ? set->before_reading
         : set->after_reading ? &set->after_reading[index]
                              : NULL;
}

static int stat_one(void *shared, void *own, size_t index, fault *f) {
  looking *l = shared;
  const known_set *set = l->set;
  int code = EXIT_FINE;
  (void)own;
  l->settled[index] = true;
  for (int part = 0; part < PARTS && !code; part++) {
    bool settled;
    code = input_part_stat(&set->places, index, part, written_for(set, index), set->slack,
                           &l->now[index].of[part].identity, &settled, f);
    l->settled[index] = l->settled[index] && (code || settled);
  }
  return code;
}

static int compare_one(void *shared, void *own, size_t index, fault *f) {
  looking *l = shared;
  known_set *set = l->set;
  input_parts before = set->before[index];
  int differs = PARTS;
  (void)own;
  if (l->settled[index] && l->same_bucket[bucket_of(index, set->places.masks->count)])
    return EXIT_FINE;
  for (int part = 0; part < PARTS; part++) before.of[part].identity = 0;
  int code =
      input_parts_compare(&set->places, index, &before, NULL, 0, &l->now[index], &differs, f);
  set->differs[index] = (unsigned char)differs;
  return code;
}

/* Looking at one is so short that the workers would mostly wait for one another. */
enum { GROUP = 64 };

static int stat_some(void *shared, void *own, size_t first, size_t count, fault *f) {
  int code = EXIT_FINE;
  for (size_t i = 0; i < count && !code; i++) code = stat_one(shared, own, first + i, f);
  return code;
}

static int compare_some(void *shared, void *own, size_t first, size_t count, fault *f) {
  int code = EXIT_FINE;
  for (size_t i = 0; i < count && !code; i++) code = compare_one(shared, own, first + i, f);
  return code;
}

static int run_all(looking *l,
                   int (*work)(void *shared, void *own, size_t first, size_t count, fault *f),
                   fault *f) {
  const job_common *common = l->set->common;
  pool_job job = {.what = "look", .count = l->set->places.masks->count, .quiet = common->quiet};
  job.threads = (int)common->threads;
  job.shared = l;
  job.group = GROUP;
  job.work_group = work;
  return pool_run(&job, f);
}

static digest digest_now(const looking *l) {
  digest d = {0};
  const size_t count = l->set->places.masks->count;
  for (size_t i = 0; i < count; i++)
    for (int part = 0; part < PARTS; part++)
      digest_add(&d, i, count, part, l->now[i].of[part].identity);
  return d;
}

static bool nothing_differs(const known_set *set) {
  for (size_t i = 0; i < set->places.masks->count; i++)
    if (set->differs[i] < PARTS) return false;
  return true;
}

int known_set_look(known_set *set, fault *f) {
  const size_t count = set->places.masks->count;
  looking l = {.set = set};
  set->differs = alloc_zeroed(count, 1);
  memset(set->differs, PARTS, count);
  l.now = alloc_zeroed(count, sizeof *l.now);
  l.settled = alloc_zeroed(count, sizeof *l.settled);
  l.has_kept = digest_load(set->record, &l.kept);
  int code = run_all(&l, stat_some, f);
  digest now = digest_now(&l);
  for (int i = 0; i < BUCKETS; i++) l.same_bucket[i] = l.has_kept && now.of[i] == l.kept.of[i];
  if (!code) code = run_all(&l, compare_some, f);
  now = digest_now(&l);
  if (!code && nothing_differs(set) && (!l.has_kept || memcmp(&now, &l.kept, sizeof now) != 0))
    digest_save(set->record, &now);
  free(l.settled);
  free(l.now);
  return code;
}
