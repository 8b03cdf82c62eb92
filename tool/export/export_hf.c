/* export/export_hf.c - JSON lines for Hugging Face datasets, as scene_parse_150 has its
 * columns. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/json_file.h"
#include "export/exporter.h"

/* %s: True if the classes are the labels less one. %lld: repeats of the real set. */
static const char script[] =
    "# Joint training on real and filtered synthetic images, for Hugging Face datasets.\n"
    "# Written by freemask export; reads real.jsonl and synthetic.jsonl in the same folder.\n"
    "import json\n"
    "import os\n\n"
    "HERE = os.path.dirname(os.path.abspath(__file__))\n"
    "REDUCE_LABELS = %s  # what an image processor's do_reduce_labels has to be\n"
    "TIMES = %" PRId64
    "  # repeats of the real set: about as many of each\n\n\n"
    "def labels():\n"
    "    \"\"\"Class names: id2label of a model.\"\"\"\n"
    "    with open(os.path.join(HERE, 'classes.json'), encoding='utf-8') as file:\n"
    "        return dict(enumerate(json.load(file)))\n\n\n"
    "def part(name):\n"
    "    \"\"\"'real' or 'synthetic': columns image, annotation (decoded when asked for), "
    "stem.\"\"\"\n"
    "    from datasets import Dataset, Features, Image, Value\n"
    "    features = Features({'image': Image(), 'annotation': Image(), 'stem': Value('string')})\n"
    "    rows = {key: [] for key in features}\n"
    "    with open(os.path.join(HERE, name + '.jsonl'), encoding='utf-8', newline='\\n') as file:\n"
    "        for line in file:\n"
    "            row = json.loads(line)\n"
    "            for key in ('image', 'annotation'):\n"
    "                rows[key].append(os.path.normpath(os.path.join(HERE, row[key])))\n"
    "            rows['stem'].append(row['stem'])\n"
    "    return Dataset.from_dict(rows, features=features)\n\n\n"
    "def joint():\n"
    "    \"\"\"The real set TIMES times, then the synthetic one; shuffle it as any other.\"\"\"\n"
    "    from datasets import concatenate_datasets\n"
    "    real, synthetic = part('real'), part('synthetic')\n"
    "    repeated = real.select(list(range(len(real))) * TIMES)\n"
    "    return concatenate_datasets([repeated, synthetic])\n";

static int write_set(export_state *s, const export_set *set, fault *f) {
  text t = {0}, name = {0};
  for (size_t i = 0; i < set->count; i++) {
    char *image = export_image_path(set, &set->entries[i]);
    char *mask = export_mask_path(set, &set->entries[i]);
    json_add_line(json_pack("{s:o, s:o, s:o}", "image", json_text(image), "annotation",
                            json_text(mask), "stem", json_text(set->entries[i].stem)),
                  &t);
    free(image);
    free(mask);
  }
  text_add(&name, "%s.jsonl", set->name);
  int code = export_write(s, name.data, &t, f);
  text_free(&t);
  text_free(&name);
  return code;
}

static int write_classes(export_state *s, fault *f) {
  text t = {0};
  json_add_line(export_class_names(s), &t);
  int code = export_write(s, "classes.json", &t, f);
  text_free(&t);
  return code;
}

static int write_all(export_state *s, fault *f) {
  const fm_labels *labels = s->ws.labels;
  text why = {0};
  bool plain = s->job->train_ids || export_reads(labels, 0, 255, &why);
  /* do_reduce_labels: 0 becomes 255, others less one. */
  text_free(&why);
  if (!plain && !export_reads(labels, fm_labels_label_of(labels, 0) == 1, 255, &why)) {
    int code = fault_set(f, EXIT_USAGE,
                         "--to hf cannot express label space %s: it takes labels that are the "
                         "classes, or the classes plus one with 0 ignored, besides 255, and %s "
                         "(--train-ids converts the masks)",
                         fm_labels_name(labels), why.data);
    text_free(&why);
    return code;
  }
  text t = {0};
  text_add(&t, script, plain ? "False" : "True", s->times);
  int code = write_set(s, &s->real, f);
  if (!code) code = write_set(s, &s->synthetic, f);
  if (!code) code = write_classes(s, f);
  if (!code) code = export_write(s, "freemask_hf.py", &t, f);
  text_free(&t);
  return code;
}

static const char *const files[] = {"real.jsonl", "synthetic.jsonl", "classes.json",
                                    "freemask_hf.py", NULL};

const export_format export_hf = {"hf", EXPORT_LABELS | EXPORT_FILES, files, write_all};
