/* job/references.h - what the real image of each synthetic image's mask loses, place by place. */
#ifndef FREEMASK_TOOL_REFERENCES_H
#define FREEMASK_TOOL_REFERENCES_H

#include "job/families.h"
#include "job/jobs.h"
#include "job/stats_file.h"
#include "job/workspace.h"

/* The real set, and the real mask that each synthetic mask is of. Zero-initialize; without a set there
 * are no references. Must not be moved. */
typedef struct references {
  const workspace *ws;
  folder masks;        /* of the real images */
  loss_source *source; /* NULL: there are none, or codes */
  uint64_t codes;      /* the masks are codes, made with these ranks; 0: they are masks */
  families of;         /* whose synthetic masks are whose */
  size_t missing;      /* synthetic masks of the shard without a real one */
} references;

/* The job's real set, or its folder of codes. A synthetic mask without a real one is EXIT_DATA unless
 * they are allowed. The losses are made as those of the job's statistics were, which are `stats`.
 * `masks` are the synthetic ones of the shard; they, `ws` and the job must outlive the references. */
int references_open(const workspace *ws, const filter_job *job, const folder *masks,
                    const stats_file *stats, references *out, fault *f);
void references_close(references *r);

/* The last reference, since the synthetic images of a mask follow each other. Zero-initialize; one
 * for each thread. */
typedef struct reference_cache {
  bool full;
  size_t index;
  fm_raster *mask;
  char *path;
  loss_map loss;
  fm_plane codes;     /* of the mask */
  input_seen seen[3]; /* of the real mask and of what its losses come from */
} reference_cache;

/* The reference of a synthetic mask, by its index; NULL if it has none. It lives in the cache. `seen`
 * [3] gets what its files were. */
int references_get(const references *r, size_t index, reference_cache *cache, input_seen *seen,
                   const fm_plane **out, fault *f);
void reference_cache_clear(reference_cache *cache);

/* The path of a synthetic mask's real mask (0), or of what the losses of that come from (1, 2); NULL
 * if there is none. Caller frees. */
char *references_path(const references *r, size_t index, int which);

#endif
