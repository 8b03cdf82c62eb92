/* job/findings.c - a list of sentences. */
#include "job/findings.h"

#include <stdlib.h>

#include "base/alloc.h"

static const char *const names[] = {"unreadable", "label", "size",       "missing",
                                    "loss",       "empty", "convention", "differs"};

void findings_add(findings *list, finding_kind kind, const char *stem, const char *sentence) {
  list->items = alloc_grow(list->items, list->count, &list->capacity, sizeof *list->items);
  list->items[list->count++] = (finding){kind, alloc_text(stem), alloc_text(sentence)};
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

void findings_as_json(const findings *list, text *out) {
  text_add(out, "[");
  for (size_t i = 0; i < list->count; i++) {
    text_add(out, "%s{\"kind\": \"%s\", \"mask\": ", i ? ", " : "",
             finding_name(list->items[i].kind));
    if (list->items[i].stem)
      text_add_json(out, list->items[i].stem);
    else
      text_add(out, "null");
    text_add(out, ", \"sentence\": ");
    text_add_json(out, list->items[i].sentence);
    text_add(out, "}");
  }
  text_add(out, "]");
}

void findings_as_text(const findings *list, size_t most, text *out) {
  size_t shown = list->count < most ? list->count : most;
  for (size_t i = 0; i < shown; i++)
    text_add(out, "%-11s %s\n", finding_name(list->items[i].kind), list->items[i].sentence);
  if (shown < list->count)
    text_add(out, "... and %zu more (--json lists all)\n", list->count - shown);
}
