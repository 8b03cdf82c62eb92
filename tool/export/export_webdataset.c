/* export/export_webdataset.c - the order of the samples in shards, and a script that packs
 * them. The order is doc/random.md's. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_file.h"
#include "demo/world_random.h"
#include "export/exporter.h"

static const char script[] =
    "#!/usr/bin/env python3\n"
    "# Packs the shards of shards.jsonl, for webdataset. Written by freemask export.\n"
    "# usage: freemask_pack.py FOLDER [SHARD ...]   all shards, or those with these numbers\n"
    "import io\n"
    "import itertools\n"
    "import json\n"
    "import os\n"
    "import sys\n"
    "import tarfile\n\n"
    "HERE = os.path.dirname(os.path.abspath(__file__))\n\n\n"
    "def rows():\n"
    "    with open(os.path.join(HERE, 'shards.jsonl'), encoding='utf-8', newline='\\n') as file:\n"
    "        for line in file:\n"
    "            yield json.loads(line)\n\n\n"
    "def add(tar, name, data):\n"
    "    member = tarfile.TarInfo(name)\n"
    "    member.size = len(data)\n"
    "    tar.addfile(member, io.BytesIO(data))\n\n\n"
    "def read(path):\n"
    "    with open(os.path.join(HERE, path), 'rb') as file:\n"
    "        return file.read()\n\n\n"
    "def pack(path, samples):\n"
    "    \"\"\"Whole or not at all. The same samples give the same bytes.\"\"\"\n"
    "    part = path + '.part'\n"
    "    with tarfile.open(part, 'w', format=tarfile.USTAR_FORMAT) as tar:\n"
    "        for row in samples:\n"
    "            kind = os.path.splitext(row['image'])[1].lower()\n"
    "            about = {key: row[key] for key in ('set', 'stem', 'repeat')}\n"
    "            add(tar, row['key'] + kind, read(row['image']))\n"
    "            add(tar, row['key'] + '.seg.png', read(row['mask']))\n"
    "            add(tar, row['key'] + '.json', json.dumps(about).encode())\n"
    "    os.replace(part, path)\n\n\n"
    "def main(folder, *wanted):\n"
    "    os.makedirs(folder, exist_ok=True)\n"
    "    for shard, samples in itertools.groupby(rows(), key=lambda row: row['shard']):\n"
    "        if not wanted or str(shard) in wanted:\n"
    "            pack(os.path.join(folder, f'freemask-{shard:06d}.tar'), samples)\n\n\n"
    "if __name__ == '__main__':\n"
    "    if len(sys.argv) < 2:\n"
    "        sys.exit('usage: freemask_pack.py FOLDER [SHARD ...]')\n"
    "    main(*sys.argv[1:])\n";

/* A sample of the epoch, and the random number that decides its position. */
typedef struct sample {
  uint64_t draw;
  const export_set *set;
  size_t index;
  int64_t repeat;
} sample;

/* The first number of the generator that belongs to the seed and the sample's name. */
static uint64_t draw_for(uint64_t seed, const char *set, const char *stem, int64_t repeat) {
  text name = {0};
  text_add(&name, "%s/%s/%" PRId64, set, stem, repeat);
  dice d = {seed_scramble(text_hash(name.data, name.length) ^ seed_scramble(seed))};
  text_free(&name);
  return dice_next(&d);
}

static int by_draw(const void *a, const void *b) {
  const sample *x = a, *y = b;
  if (x->draw != y->draw) return x->draw < y->draw ? -1 : 1;
  int order = strcmp(x->set->entries[x->index].stem, y->set->entries[y->index].stem);
  return order ? order : (x->repeat > y->repeat) - (x->repeat < y->repeat);
}

static size_t add_samples(const export_state *s, const export_set *set, int64_t repeats,
                          sample *out) {
  size_t count = 0;
  for (size_t i = 0; i < set->count; i++)
    for (int64_t k = 0; k < repeats; k++) {
      uint64_t draw = draw_for(s->job->seed, set->name, set->entries[i].stem, k);
      out[count++] = (sample){draw, set, i, k};
    }
  return count;
}

static void add_row(text *t, const sample *item, size_t at, size_t shard) {
  const export_entry *entry = &item->set->entries[item->index];
  char *image = export_image_path(item->set, entry), *mask = export_mask_path(item->set, entry);
  json_add_line(json_pack("{s:I, s:o, s:s, s:o, s:I, s:o, s:o}", "shard", (json_int_t)shard, "key",
                          json_sprintf("%09zu", at), "set", item->set->name, "stem",
                          json_text(entry->stem), "repeat", (json_int_t)item->repeat, "image",
                          json_text(image), "mask", json_text(mask)),
                t);
  free(image);
  free(mask);
}

static int write_all(export_state *s, fault *f) {
  size_t count = s->real.count * (size_t)s->times + s->synthetic.count;
  size_t each = (size_t)(s->job->shard_size ? s->job->shard_size : 1000);
  sample *order = alloc_zeroed(count, sizeof *order);
  size_t used = add_samples(s, &s->real, s->times, order);
  add_samples(s, &s->synthetic, 1, order + used);
  qsort(order, count, sizeof *order, by_draw);
  text t = {0};
  for (size_t i = 0; i < count; i++) add_row(&t, &order[i], i, i / each);
  size_t shards = (count + each - 1) / each;
  text_add(&s->summary, "; %zu samples in %zu shard%s", count, shards, shards == 1 ? "" : "s");
  int code = export_write(s, "shards.jsonl", &t, f);
  text_free(&t);
  free(order);
  return code ? code : export_write_fixed(s, "freemask_pack.py", script, f);
}

static const char *const files[] = {"shards.jsonl", "freemask_pack.py", NULL};

const export_format export_webdataset = {"webdataset", EXPORT_FILES, files, write_all};
