/* export/export_list.c - plain lists: stems, stems with repeats, and a table of files. */
#include <stdlib.h>

#include "base/json_file.h"
#include "export/exporter.h"

/* As many lines for an image as an epoch of joint training shows it. */
static int write_joint(export_state *s, fault *f) {
  text t = {0};
  for (size_t i = 0; i < s->real.count; i++)
    for (int64_t k = 0; k < s->times; k++) text_add_line(&t, s->real.entries[i].stem);
  for (size_t i = 0; i < s->synthetic.count; i++) text_add_line(&t, s->synthetic.entries[i].stem);
  int code = export_write(s, "joint.txt", &t, f);
  text_free(&t);
  return code;
}

static void add_row(text *t, const export_set *set, const export_entry *entry, int64_t repeats) {
  char *image = export_image_path(set, entry), *mask = export_mask_path(set, entry);
  text_add_string(t, set->name);
  text_add_string(t, ",");
  text_add_csv(t, entry->stem);
  text_add_string(t, ",");
  text_add_whole(t, repeats);
  text_add_string(t, ",");
  if (image) text_add_csv(t, image);
  text_add_string(t, ",");
  if (mask) text_add_csv(t, mask);
  text_add_string(t, "\n");
  free(image);
  free(mask);
}

static int write_table(export_state *s, fault *f) {
  text t = {0};
  text_add(&t, "set,stem,repeats,image,mask\n");
  for (size_t i = 0; i < s->real.count; i++) add_row(&t, &s->real, &s->real.entries[i], s->times);
  for (size_t i = 0; i < s->synthetic.count; i++)
    add_row(&t, &s->synthetic, &s->synthetic.entries[i], 1);
  int code = export_write(s, "train.csv", &t, f);
  text_free(&t);
  return code;
}

static int write_sum(export_state *s, fault *f) {
  json_writer w = {0};
  json_write_member(&w, "format", json_string("freemask-export"));
  json_write_member(&w, "version", json_integer(1));
  json_write_member(&w, "plan", json_text(s->job->plan));
  json_write_member(&w, "real", json_string("real.txt"));
  json_write_member(&w, "real_images", json_integer((json_int_t)s->real.count));
  json_write_member(&w, "times", json_integer((json_int_t)s->times));
  json_write_member(&w, "joint", json_string("joint.txt"));
  json_write_member(&w, "table", json_string("train.csv"));
  json_write_member(&w, "synthetic", json_string("synthetic.txt"));
  json_write_member(&w, "synthetic_images", json_integer((json_int_t)s->synthetic.count));
  json_write_member(&w, "asked", json_integer((json_int_t)s->asked));
  json_write_member(&w, "missing", json_integer((json_int_t)s->missing));
  json_write_end(&w);
  int code = export_write(s, "plan.json", &w.text, f);
  text_free(&w.text);
  return code;
}

static int write_all(export_state *s, fault *f) {
  int code = write_joint(s, f);
  if (!code) code = write_table(s, f);
  return code ? code : write_sum(s, f);
}

static const char *const files[] = {"joint.txt", "train.csv", "plan.json", NULL};

const export_format export_list = {"list", EXPORT_NPY | EXPORT_STRIPS, files, write_all};
