/* job/findings.c - a list of sentences. */
#include "job/findings.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/json_file.h"

static const char *const names[] = {"unreadable", "label",      "size",    "missing", "loss",
                                    "empty",      "convention", "differs", "colors"};

void findings_add(findings *list, finding_kind kind, const char *stem, const char *sentence) {
  list->items = alloc_grow(list->items, list->count, &list->capacity, sizeof *list->items);
  list->items[list->count++] = (finding){kind, alloc_text(stem), alloc_text(sentence), EXIT_DATA};
}

int findings_add_fault(findings *list, finding_kind kind, const char *stem, const fault *why,
                       fault *f) {
  if (fault_is_machine(why)) {
    *f = *why;
    return f->exit_code;
  }
  findings_add(list, kind, stem, why->text);
  list->items[list->count - 1].exit_code = why->exit_code;
  return EXIT_FINE;
}

void findings_move(findings *into, findings *from) {
  for (size_t i = 0; i < from->count; i++) {
    into->items = alloc_grow(into->items, into->count, &into->capacity, sizeof *into->items);
    into->items[into->count++] = from->items[i];
  }
  free(from->items);
  *from = (findings){0};
}

void findings_free(findings *list) {
  for (size_t i = 0; i < list->count; i++) {
    free(list->items[i].stem);
    free(list->items[i].sentence);
  }
  free(list->items);
  *list = (findings){0};
}

bool finding_is_fatal(finding_kind kind) { return kind < FINDING_EMPTY; }

const char *finding_name(finding_kind kind) { return names[kind]; }

json_t *findings_as_json(const findings *list) {
  json_t *all = json_array();
  for (size_t i = 0; i < list->count; i++)
    json_array_append_new(
        all,
        json_pack("{s:s, s:o, s:o}", "kind", finding_name(list->items[i].kind), "mask",
                  json_text(list->items[i].stem), "sentence", json_text(list->items[i].sentence)));
  return all;
}

void findings_as_text(const findings *list, size_t most, text *out) {
  size_t shown = list->count < most ? list->count : most;
  for (size_t i = 0; i < shown; i++)
    text_add(out, "%-11s %s\n", finding_name(list->items[i].kind), list->items[i].sentence);
  if (shown < list->count)
    text_add(out, "... and %zu more (--json lists all)\n", list->count - shown);
}
