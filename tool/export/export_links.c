/* export/export_links.c - symbolic links to images and masks, for readers that take whole folders. */
#define _XOPEN_SOURCE 700 /* symlink */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "export/exporter.h"

char *export_flat_name(const char *stem) {
  static const char *const split[] = {"/", "%", "\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"};
  text t = {0};
  while (*stem) {
    size_t length = 1, escape = 0;
    for (size_t i = 0; i < sizeof split / sizeof *split; i++)
      if (!strncmp(stem, split[i], strlen(split[i]))) escape = length = strlen(split[i]);
    for (size_t i = 0; i < length; i++)
      text_add(&t, escape ? "%%%02X" : "%c", (unsigned char)stem[i]);
    stem += length;
  }
  return t.data;
}

/* What the link holds: relative paths begin at the link's own folder. Caller frees. */
static char *link_text(const char *name, const char *target) {
  text t = {0};
  for (const char *c = name; *target != '/' && *c; c++)
    if (*c == '/') text_add(&t, "../");
  text_add(&t, "%s", target);
  return t.data;
}

/* The same link may be wanted more than once. */
int export_link(export_state *s, const char *name, const char *target, fault *f) {
  char *path, *to = link_text(name, target);
  int code = export_stage_path(s->stage, s->job->format->name, name, &path, f);
  if (code) {
    free(to);
    return code;
  }
  if (symlink(to, path) && (errno != EEXIST || unlink(path) || symlink(to, path)))
    code = fault_system(f, errno, "make link", path);
  free(path);
  free(to);
  return code;
}

int export_link_pair(export_state *s, const export_set *set, const export_entry *entry,
                     const char *images, const char *masks, fault *f) {
  char *name = export_flat_name(entry->stem);
  char *image = export_image_path(set, entry), *mask = export_mask_path(set, entry);
  text link = {0};
  text_add(&link, "%s/%s%s", images, name, strrchr(image, '.'));
  int code = export_link(s, link.data, image, f);
  text_free(&link);
  text_add(&link, "%s/%s.png", masks, name);
  if (!code) code = export_link(s, link.data, mask, f);
  text_free(&link);
  free(mask);
  free(image);
  free(name);
  return code;
}
