/* job/siblings.h - what other synthetic images of a mask lose (filter --siblings). */
#ifndef FREEMASK_TOOL_SIBLINGS_H
#define FREEMASK_TOOL_SIBLINGS_H

#include "job/references.h"

/* Of every mask of the set, whatever the shard. Zero-initialize; without a source there are none. */
typedef struct siblings {
  const workspace *ws;
  const families *of;
  loss_source *source;
} siblings;

/* EXIT_DATA if no mask of the set has any. Their losses are made as those of the job's statistics were.
 * What `real` has and the job's texts must outlive the siblings. */
int siblings_open(const references *real, const filter_job *job, const stats_file *stats,
                  siblings *out, fault *f);
void siblings_close(siblings *s);

/* How many a mask of the shard has. */
size_t siblings_count(const siblings *s, size_t mask_index);

/* What an image of a family loses, and what that comes from: its mask and the files of its losses. */
typedef struct sibling_loss {
  size_t file;    /* of the set's masks */
  fm_plane plane; /* no data: not known yet */
  loss_map own;   /* whose plane it is, if it was made here */
  input_seen seen[3];
} sibling_loss;

/* A family, as large as it is: each of its losses is made once for all its masks. Zero-initialize; one for
 * each thread. */
typedef struct sibling_cache {
  size_t real;
  size_t count;
  sibling_loss *of;
  fm_plane *planes; /* of those that were asked for */
} sibling_cache;

/* Are two masks of the shard of one real mask? */
bool siblings_are(const siblings *s, size_t mask_index, size_t other);

/* Takes over what a mask of the shard, itself a sibling of others, loses: the plane is borrowed up to
 * sibling_cache_clear. A mask of another family than the last one's clears the cache. */
void siblings_know(const siblings *s, size_t mask_index, const fm_plane *loss,
                   const input_seen seen[3], sibling_cache *cache);

/* The losses of the siblings of a mask of the shard, made now where they are not known: `*count` of them, of
 * the mask's size; 0 if it has none. They live in the cache up to the next call. `seen` gets what all
 * their files were. */
int siblings_get(const siblings *s, size_t mask_index, const fm_plane *mask, sibling_cache *cache,
                 input_seen *seen, const fm_plane **out, int32_t *count, fault *f);
void sibling_cache_clear(sibling_cache *cache);

/* All files that the siblings of a mask come from, in the order of `seen`; NULL and 0 if there are
 * none. Caller frees each and the list. */
char **siblings_paths(const siblings *s, size_t mask_index, size_t *count);

/* The file of the losses of the sibling `at`; NULL: there is no such. Caller frees. */
char *siblings_path(const siblings *s, size_t mask_index, size_t at);

#endif
