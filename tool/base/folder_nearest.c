/* base/folder_nearest.c - what lies nearest to a file that is not there. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/folder_pair.h"
#include "base/path.h"

/* How far a name is from the one that was looked for: the kind of difference first. */
enum { OTHER_TYPE, OTHER_LETTERS, OTHER_FOLDER, OTHER_END, SIMILAR, FAR };

typedef struct nearest {
  const char *stem;
  folder_kind kind;
  char *relative;  /* of the nearest; NULL: none */
  int how;         /* its kind of difference */
  size_t distance; /* within the kind */
  size_t files;    /* how many there are at all */
} nearest;

static const char *last_part(const char *name) {
  const char *slash = strrchr(name, '/');
  return slash ? slash + 1 : name;
}

static size_t common_start(const char *a, const char *b) {
  size_t same = 0;
  while (a[same] && a[same] == b[same]) same++;
  return same;
}

static bool same_letters(const char *a, const char *b) {
  char *left = folder_names_form(a, true), *right = folder_names_form(b, true);
  bool same = !strcasecmp(left ? left : a, right ? right : b);
  free(left);
  free(right);
  return same;
}

/* The smaller the nearer. */
static int compare(const nearest *n, const char *relative, const char *stem, size_t *distance) {
  const char *wanted = last_part(n->stem), *name = last_part(stem);
  size_t same = common_start(wanted, name), a = strlen(wanted), b = strlen(name);
  *distance = a + b - 2 * same;
  if (!strcmp(n->stem, stem)) return folder_names_wanted(n->kind, relative) ? FAR : OTHER_TYPE;
  if (same_letters(n->stem, stem)) return OTHER_LETTERS;
  if (!strcmp(wanted, name)) return OTHER_FOLDER;
  if (same == a || same == b) return OTHER_END;
  return same ? SIMILAR : FAR;
}

static void look_at(nearest *n, const char *relative) {
  size_t distance;
  char *stem = folder_names_stem(relative, "", NULL);
  int how = compare(n, relative, stem, &distance);
  n->files++;
  if (!n->relative || how < n->how || (how == n->how && distance < n->distance)) {
    free(n->relative);
    n->relative = alloc_text(relative);
    n->how = how;
    n->distance = distance;
  }
  free(stem);
}

/* Names of files that are read, and of those that are not. */
static void walk(nearest *n, const char *root, const char *below, int depth) {
  char *path = *below ? path_join(root, below) : alloc_text(root);
  DIR *handle = opendir(path);
  for (struct dirent *entry; handle && (entry = readdir(handle));) {
    struct stat info;
    if (entry->d_name[0] == '.') continue;
    char *relative = *below ? path_join(below, entry->d_name) : alloc_text(entry->d_name);
    char *full = path_join(root, relative);
    if (!stat(full, &info) && S_ISDIR(info.st_mode)) {
      if (depth) walk(n, root, relative, depth - 1);
    } else {
      look_at(n, relative);
    }
    free(full);
    free(relative);
  }
  if (handle) closedir(handle);
  free(path);
}

static const char *suffix_flag(folder_kind kind) {
  return kind == FOLDER_IMAGES ? "--image-suffix" : "--loss-suffix";
}

/* The flag that makes the two meet, where one goes on where the other ends. */
static void add_end(const nearest *n, text *t) {
  char *stem = folder_names_stem(n->relative, "", NULL);
  const char *wanted = last_part(n->stem), *name = last_part(stem);
  size_t same = common_start(wanted, name);
  if (!wanted[same] && n->kind != FOLDER_STRATA)
    text_add(t, " (%s %s, if all are called so)", suffix_flag(n->kind), name + same);
  else if (wanted[same])
    text_add(t, " (--mask-suffix %s, if all masks are called so)", wanted + same);
  free(stem);
}

void folder_add_nearest(const folder *files, const char *stem, text *t) {
  nearest n = {.stem = stem, .kind = files->kind, .how = FAR};
  walk(&n, files->path, "", 16);
  if (!n.files) {
    text_add(t, "; the folder is empty");
    return;
  }
  text_add(t, "; nearest lies %s", n.relative);
  if (n.how == OTHER_TYPE)
    text_add(t, ", a type that is not read there: %s", folder_names_advice(n.kind, n.relative));
  else if (n.how == OTHER_LETTERS)
    text_add(t, ", which differs in capitals or in the Unicode form of its letters: rename one");
  else if (n.how == OTHER_FOLDER)
    text_add(t,
             ", in another subfolder: both have to have the same below the folders that are given");
  else if (n.how == OTHER_END)
    add_end(&n, t);
  free(n.relative);
}

int folder_pairs_missing(const folder *masks, const folder *files, const folder_pairs *pairs,
                         const char *what, fault *f) {
  const folder_file *mask = &masks->files[pairs->first];
  text near = {0};
  folder_add_nearest(files, mask->stem, &near);
  int code =
      fault_set(f, EXIT_DATA, "%s/%s: no %s '%s' (%s) in %s (%zu of %zu masks have none)%s",
                masks->path, mask->relative, what, mask->stem, folder_names_types(files->kind),
                files->path, pairs->missing, masks->count, near.data);
  text_free(&near);
  return code;
}
