/* core/shard.c - which part of a job an image belongs to. */
#include <freemask/shard.h>
#include <string.h>

#include "core/random.h"

int64_t fm_shard_of(const char *id, int64_t count) {
  if (!id || count < 1) return -1;
  uint64_t hash = fm__finalize(fm__hash_bytes(FM__HASH_START, id, strlen(id)));
  return (int64_t)fm__scaled(hash, (uint64_t)count);
}
