/* freemask/shard.h - which part of a job an image belongs to.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_SHARD_H
#define FREEMASK_SHARD_H

#include <stdint.h>

#include <freemask/export.h>

FM_BEGIN_DECLS

/** The shard of an image, 0 to `count` - 1: a hash of its id alone, so that images that are added or
 *  removed move no other one, and every machine says the same. Hosts that split a set by it need no
 *  list that they agree on, and the tool's --shard i/n takes the same images. The definition is in
 *  doc/random.md: floor(hash * count / 2^64), hash = finalize(FNV-1a(id)). So of two numbers of shards
 *  of which one divides the other, n and k * n, shard i of n is made of the shards k * i to
 *  k * i + k - 1.
 *
 *  `id`: the bytes of a stem, in UTF-8. The tool and the Python package take names that differ only in
 *  how letters are composed for the same: they hash the composed form (NFC), which this function leaves
 *  to its caller. `count`: 1 or more. Returns -1 if `id` is NULL or `count` is below 1.
 *
 *  Shards hold about as many images each: of N images a shard has N / count, give or take
 *  sqrt(N / count). Thread-safety: any thread, any time. Memory: none. */
FM_API int64_t fm_shard_of(const char *id, int64_t count);

FM_END_DECLS

#endif
