/* export/export_detectron2.c - dataset records with repeat factors. */
#include <inttypes.h>
#include <stdlib.h>

#include "export/exporter.h"

static const char script[] =
    "# Joint training on real and filtered synthetic images, for detectron2.\n"
    "# Written by freemask export; reads detectron2.json beside it.\n"
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

static void add_records(text *t, const export_set *set) {
  for (size_t i = 0; i < set->count; i++) {
    const export_entry *entry = &set->entries[i];
    char *image = export_image_path(set, entry), *mask = export_mask_path(set, entry);
    text id = {0};
    text_add(&id, "%s/%s", set->name, entry->stem);
    text_add(t, t->data[t->length - 1] == '[' ? "\n  {\"file_name\": " : ",\n  {\"file_name\": ");
    text_add_json(t, image);
    text_add(t, ", \"sem_seg_file_name\": ");
    text_add_json(t, mask);
    text_add(t, ", \"image_id\": ");
    text_add_json(t, id.data);
    text_add(t, "}");
    text_free(&id);
    free(image);
    free(mask);
  }
}

static void add_factors(text *t, size_t count, int64_t factor) {
  for (size_t i = 0; i < count; i++)
    text_add(t, "%s%" PRId64, t->data[t->length - 1] == '[' ? "" : ", ", factor);
}

static int write_all(export_state *s, fault *f) {
  const fm_labels *labels = s->ws.labels;
  text t = {0};
  text_add(&t, "{\"format\": \"freemask-detectron2\", \"version\": 1, \"ignore_label\": 255,\n");
  text_add(&t, " \"classes\": [");
  for (int32_t k = 0; k < fm_labels_class_count(labels); k++) {
    if (k) text_add(&t, ", ");
    text_add_json(&t, fm_labels_class_name(labels, k));
  }
  text_add(&t, "],\n \"records\": [");
  add_records(&t, &s->real);
  add_records(&t, &s->synthetic);
  text_add(&t, "],\n \"repeat_factors\": [");
  add_factors(&t, s->real.count, s->times);
  add_factors(&t, s->synthetic.count, 1);
  text_add(&t, "]}\n");
  int code = export_write(s, "detectron2.json", &t, f);
  text_free(&t);
  return code ? code : export_write_fixed(s, "freemask_detectron2.py", script, f);
}

static const char *const files[] = {"detectron2.json", "freemask_detectron2.py", NULL};

const export_format export_detectron2 = {"detectron2", EXPORT_LABELS | EXPORT_FILES | EXPORT_PLAIN,
                                         files, write_all};
