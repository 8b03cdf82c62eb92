/* export/export_detectron2.c - dataset records with repeat factors. */
#include <stdlib.h>

#include "base/json_file.h"
#include "export/exporter.h"

static const char script[] =
    "# Joint training on real and filtered synthetic images, for detectron2.\n"
    "# Written by freemask export; reads detectron2.json in the same folder.\n"
    "import json\n"
    "import os\n\n"
    "HERE = os.path.dirname(os.path.abspath(__file__))\n\n\n"
    "def read():\n"
    "    with open(os.path.join(HERE, 'detectron2.json'), encoding='utf-8') as file:\n"
    "        return json.load(file)\n\n\n"
    "def records():\n"
    "    \"\"\"The list that a dataset function returns.\"\"\"\n"
    "    found = read()['records']\n"
    "    for record in found:\n"
    "        for key in ('file_name', 'sem_seg_file_name'):\n"
    "            record[key] = os.path.normpath(os.path.join(HERE, record[key]))\n"
    "    return found\n\n\n"
    "def repeat_factors():\n"
    "    \"\"\"How often an epoch shows each of them.\"\"\"\n"
    "    return read()['repeat_factors']\n\n\n"
    "def register(name='freemask_train'):\n"
    "    from detectron2.data import DatasetCatalog, MetadataCatalog\n"
    "    about = read()\n"
    "    DatasetCatalog.register(name, records)\n"
    "    MetadataCatalog.get(name).set(stuff_classes=about['classes'], evaluator_type='sem_seg',\n"
    "                                  ignore_label=about['ignore_label'])\n\n\n"
    "def sampler(seed=None):\n"
    "    \"\"\"For build_detection_train_loader(dataset=records(), sampler=sampler(), ...). "
    "Records\n"
    "    have no annotations: leave filter_empty_annotations off.\"\"\"\n"
    "    import torch\n"
    "    from detectron2.data.samplers import RepeatFactorTrainingSampler\n"
    "    return RepeatFactorTrainingSampler(torch.tensor(repeat_factors(), dtype=torch.float32),\n"
    "                                       seed=seed)\n";

static void add_records(json_writer *w, const export_set *set) {
  for (size_t i = 0; i < set->count; i++) {
    const export_entry *entry = &set->entries[i];
    char *image = export_image_path(set, entry), *mask = export_mask_path(set, entry);
    text id = {0};
    text_add(&id, "%s/%s", set->name, entry->stem);
    json_write_row(w,
                   json_pack("{s:o, s:o, s:o}", "file_name", json_text(image), "sem_seg_file_name",
                             json_text(mask), "image_id", json_text(id.data)));
    text_free(&id);
    free(image);
    free(mask);
  }
}

static json_t *repeat_factors(const export_state *s) {
  json_t *all = json_array();
  for (size_t i = 0; i < s->real.count; i++)
    json_array_append_new(all, json_integer((json_int_t)s->times));
  for (size_t i = 0; i < s->synthetic.count; i++) json_array_append_new(all, json_integer(1));
  return all;
}

static int write_all(export_state *s, fault *f) {
  json_writer w = {0};
  json_write_member(&w, "format", json_string("freemask-detectron2"));
  json_write_member(&w, "version", json_integer(1));
  json_write_member(&w, "ignore_label", json_integer(255));
  json_write_member(&w, "classes", export_class_names(s));
  json_write_table(&w, "records");
  add_records(&w, &s->real);
  add_records(&w, &s->synthetic);
  json_write_member(&w, "repeat_factors", repeat_factors(s));
  json_write_end(&w);
  int code = export_write(s, "detectron2.json", &w.text, f);
  text_free(&w.text);
  return code ? code : export_write_fixed(s, "freemask_detectron2.py", script, f);
}

static const char *const files[] = {"detectron2.json", "freemask_detectron2.py", NULL};

const export_format export_detectron2 = {"detectron2", EXPORT_LABELS | EXPORT_FILES | EXPORT_PLAIN,
                                         files, write_all};
