/* job/families.h - which synthetic images were made of one real mask, by their names. */
#ifndef FREEMASK_TOOL_FAMILIES_H
#define FREEMASK_TOOL_FAMILIES_H

#include "job/synthetic.h"
#include "job/workspace.h"

/* Of the masks of a shard, and of all of the set. A name that fits the pattern of synthetic names is of
 * the mask that it says, as in a plan; another one of the mask with the same name. Zero-initialize; must
 * not be moved. */
typedef struct families {
  folder listed;       /* of a shard: the whole folder */
  const folder *files; /* all masks of the set */
  size_t *at;          /* of each mask of the shard, its index in `files` */
  size_t *real;        /* of each of `files`, an index of the real masks; SIZE_MAX: of none */
  synthetic_set set;
} families;

/* `masks` are those of the shard, in the folder masks->path, and must outlive the families, as `real`
 * must. */
int families_find(const workspace *ws, const folder *masks, bool sharded, const folder *real,
                  families *out, fault *f);
void families_free(families *all);

/* The real mask of a mask of the shard; SIZE_MAX: it has none. */
size_t families_real(const families *all, size_t mask_index);

/* Images of the same real mask as a mask of the shard, itself among them if its name fits the pattern:
 * `*count` of them, from the one that is returned on. */
const synthetic_entry *families_of(const families *all, size_t mask_index, size_t *count);

#endif
