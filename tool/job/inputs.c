/* job/inputs.c - keeps outputs away from inputs. */
#include "job/inputs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/path.h"
#include "job/labels_file.h"
#include "job/outdir.h"
#include "losses/plugin_spec.h"

/* ---- The list ------------------------------------------------------------------------- */

static void add(inputs *list, const char *path, bool apart) {
  if (!path) return;
  list->items = alloc_grow(list->items, list->count, &list->capacity, sizeof *list->items);
  list->items[list->count++] = (input){alloc_text(path), apart};
}

void inputs_add(inputs *list, const char *path) { add(list, path, false); }

void inputs_add_apart(inputs *list, const char *path) { add(list, path, true); }

void inputs_add_labels(inputs *list, const char *name_or_file) {
  if (name_or_file && !labels_is_preset(name_or_file)) inputs_add(list, name_or_file);
}

/* Values of a plug-in's options may be files, such as a model's weights. */
static void add_plugin(inputs *list, const char *provider) {
  plugin_spec spec;
  fault f;
  if (plugin_spec_read(provider, &spec, &f)) return;
  inputs_add(list, spec.file);
  for (size_t i = 0; i < spec.count; i++)
    if (path_exists(spec.values[i])) inputs_add(list, spec.values[i]);
  plugin_spec_free(&spec);
}

void inputs_add_losses(inputs *list, const loss_options *losses) {
  for (int i = 0; i < LOSS_FOLDERS; i++) inputs_add(list, losses->folders[i]);
  if (loss_provider_is_plugin(losses->provider)) add_plugin(list, losses->provider);
}

void inputs_add_set(inputs *list, const job_set *set) {
  inputs_add_apart(list, set->masks);
  inputs_add_losses(list, &set->loss);
  inputs_add(list, set->strata);
}

void inputs_free(inputs *list) {
  for (size_t i = 0; i < list->count; i++) free(list->items[i].path);
  free(list->items);
  *list = (inputs){0};
}

/* ---- The guard ------------------------------------------------------------------------ */

static bool same_file(const char *a, const char *b) {
  struct stat left, right;
  if (!stat(a, &left) && !stat(b, &right))
    return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
  char *first = path_real(a), *second = path_real(b);
  bool same = !strcmp(first, second);
  free(first);
  free(second);
  return same;
}

/* Is it in the folder, or would it be, as one of its masks, images or arrays? Links may lead to a
 * file of the folder from elsewhere. */
static bool joins(const char *output, const char *above) {
  struct stat info;
  if (folder_takes(output) && path_same_or_inside(output, above)) return true;
  return !stat(output, &info) && S_ISREG(info.st_mode) && folder_holds(above, &info);
}

static bool replaces(const input *in, const char *output) {
  return path_is_folder(in->path) ? joins(output, in->path) : same_file(output, in->path);
}

int inputs_spare_file(const inputs *list, const char *output, fault *f) {
  for (size_t i = 0; i < list->count; i++)
    if (replaces(&list->items[i], output))
      return fault_set(f, EXIT_USAGE, "-o %s would replace or join the input %s", output,
                       list->items[i].path);
  return EXIT_FINE;
}

static bool in_one_another(const char *a, const char *b) {
  return path_same_or_inside(a, b) || path_same_or_inside(b, a);
}

static int spare_below(const input *in, bool is_folder, const char *path, fault *f) {
  bool bad = false;
  if (path_ends_with(path, "/"))
    bad = is_folder && in_one_another(path, in->path);
  else
    bad = replaces(in, path);
  if (!bad) return EXIT_FINE;
  return fault_set(f, EXIT_USAGE, "%s would be written, but is, holds or joins the input %s", path,
                   in->path);
}

static int spare_written(const input *in, const char *output, const char *const *written,
                         fault *f) {
  bool is_folder = path_is_folder(in->path);
  int code = EXIT_FINE;
  for (; *written && !code; written++) {
    char *path = path_join(output, *written);
    code = spare_below(in, is_folder, path, f);
    free(path);
  }
  return code;
}

static int spare(const input *in, const char *output, const char *const *written, fault *f) {
  static const char *const always[] = {FOLDER_LOCK_NAME, NULL};
  if (path_is_folder(in->path)) {
    if (in->apart && in_one_another(output, in->path))
      return fault_set(f, EXIT_USAGE,
                       "-o %s and the input folder %s overlap, expected separate folders", output,
                       in->path);
    if (path_same_or_inside(output, in->path))
      return fault_set(f, EXIT_USAGE,
                       "-o %s is inside the input folder %s, expected a separate folder", output,
                       in->path);
  }
  int code = spare_written(in, output, always, f);
  return code ? code : spare_written(in, output, written, f);
}

int inputs_spare_folder(const inputs *list, const char *output, const char *const *written,
                        fault *f) {
  int code = EXIT_FINE;
  for (size_t i = 0; i < list->count && !code; i++)
    code = spare(&list->items[i], output, written, f);
  return code;
}

int inputs_check_file(const inputs *list, const char *output, fault *f) {
  int code = inputs_spare_file(list, output, f);
  return code ? code : outdir_check_file(output, f);
}
