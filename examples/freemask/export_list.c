/* freemask/export_list.c - plain lists: what they add up to, in plan.json. */
#include <inttypes.h>

#include "exporter.h"

int export_list(export_state *s, fault *f) {
  text t = {0};
  text_add(&t, "{\"format\": \"freemask-export\", \"version\": 1, \"plan\": ");
  text_add_json(&t, s->job->plan);
  text_add(&t, ",\n \"real\": \"real.txt\", \"real_images\": %zu, \"times\": %" PRId64 ",\n",
           s->row_count, s->times);
  text_add(&t,
           " \"synthetic\": \"synthetic.txt\", \"synthetic_images\": %zu, \"asked\": %" PRId64
           ", \"missing\": %" PRId64 "}\n",
           s->synthetic_count, s->asked, s->missing);
  int code = export_write(s, "plan.json", &t, f);
  text_free(&t);
  return code;
}
