/* job/inputs.c - keeps outputs away from inputs. */
#include "job/inputs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/path.h"
#include "base/unsaid.h"
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
  if (path_same_file(a, b)) return true;
  char *first = path_real(a), *second = path_real(b);
  bool same = !strcmp(first, second);
  free(first);
  free(second);
  return same;
}

/* Would it be in the folder, as one of its masks, images or arrays? */
static bool joins(const char *output, const char *above) {
  return folder_takes(output) && path_same_or_inside(output, above);
}

/* Links may lead to a file of the folder from elsewhere. */
static bool replaces(const input *in, const char *output) {
  struct stat info;
  if (!path_is_folder(in->path)) return same_file(output, in->path);
  return joins(output, in->path) ||
         (path_is_file(output, &info) && folder_holds(in->path, &info, 1) != NULL);
}

int inputs_spare_file(const inputs *list, const char *output, fault *f) {
  for (size_t i = 0; i < list->count; i++)
    if (replaces(&list->items[i], output))
      return fault_set(f, EXIT_USAGE, "-o %s would replace or join the input %s", output,
                       list->items[i].path);
  return unsaid_check(f);
}

static bool in_one_another(const char *a, const char *b) {
  return path_same_or_inside(a, b) || path_same_or_inside(b, a);
}

static int refuse(const input *in, const char *path, fault *f) {
  return fault_set(f, EXIT_USAGE, "%s would be written, but is, holds or joins the input %s", path,
                   in->path);
}

static bool spoils(const input *in, bool is_folder, const char *path) {
  if (path_ends_with(path, "/")) return is_folder && in_one_another(path, in->path);
  return is_folder ? joins(path, in->path) : same_file(path, in->path);
}

/* Files that are there already may be in the input folder under other names: it is walked once. */
static int spare_present(const input *in, const char *output, const char *const *written,
                         fault *f) {
  size_t count = 0, all = 0;
  while (written[all]) all++;
  struct stat *files = alloc_zeroed(all, sizeof *files);
  char **paths = alloc_zeroed(all, sizeof *paths);
  for (size_t i = 0; i < all; i++) {
    paths[count] = path_join(output, written[i]);
    if (path_is_file(paths[count], &files[count]))
      count++;
    else
      free(paths[count]);
  }
  const struct stat *found = folder_holds(in->path, files, count);
  int code = found ? refuse(in, paths[found - files], f) : EXIT_FINE;
  while (count) free(paths[--count]);
  free(paths);
  free(files);
  return code;
}

static int spare_written(const input *in, const char *output, const char *const *written,
                         fault *f) {
  bool is_folder = path_is_folder(in->path);
  int code = EXIT_FINE;
  for (const char *const *name = written; *name && !code; name++) {
    char *path = path_join(output, *name);
    if (spoils(in, is_folder, path)) code = refuse(in, path, f);
    free(path);
  }
  return code || !is_folder ? code : spare_present(in, output, written, f);
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
  return code ? code : unsaid_check(f);
}

int inputs_check_file(const inputs *list, const char *output, fault *f) {
  int code = inputs_spare_file(list, output, f);
  return code ? code : outdir_check_file(output, f);
}
