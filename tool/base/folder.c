/* base/folder.c - listing folders by stem. */
#define _DEFAULT_SOURCE /* d_type */
#include "base/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/folder_guess.h"
#include "base/note.h"
#include "base/path.h"
#include "base/text.h"

static void free_file(folder_file *file) {
  free(file->relative);
  free(file->stem);
}

/* Folders above the one being listed, so that links in a circle end. */
typedef struct ancestor {
  const struct ancestor *up;
  dev_t device;
  ino_t node;
} ancestor;

typedef struct listing {
  folder_kind kind;
  const char *suffix;
  folder *out;
  size_t capacity;
  folder passed; /* files of types that are not read there */
  size_t passed_capacity;
  const struct stat *sought; /* NULL; or nothing is listed, and these files are looked for */
  size_t sought_count;
  const struct stat *found; /* the first of them that was met */
  fault *f;
} listing;

bool folder_takes(const char *path) {
  const char *slash = strrchr(path, '/');
  for (int kind = FOLDER_MASKS; kind <= FOLDER_STRATA; kind++)
    if (folder_names_wanted((folder_kind)kind, slash ? slash + 1 : path)) return true;
  return false;
}

/* `info` may be NULL. */
static void append(folder *to, size_t *capacity, const char *relative, const char *suffix,
                   const struct stat *info) {
  folder_file file = {.relative = alloc_text(relative), .node = info ? info->st_ino : 0};
  file.stem = folder_names_stem(relative, suffix, &file.suffixed);
  to->files = alloc_grow(to->files, to->count, capacity, sizeof *to->files);
  to->files[to->count++] = file;
}

static int add(listing *l, const char *relative, const struct stat *info) {
  for (const char *c = relative; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7F)
      return fault_set(l->f, EXIT_DATA, "%s/%s: the name holds a control character", l->out->path,
                       relative);
  append(l->out, &l->capacity, relative, l->suffix, info);
  return EXIT_FINE;
}

static int walk(listing *l, const char *below, const ancestor *up);

#if defined(DT_REG)
/* A file that has one name is found by the number that its folder has for it. Others may have
 * another number there, where file systems are laid over one another. */
static bool may_be_sought(const listing *l, ino_t node) {
  for (size_t i = 0; i < l->sought_count; i++)
    if (l->sought[i].st_nlink > 1 || l->sought[i].st_ino == node) return true;
  return false;
}

/* Most entries need no look at the file: folders of today say themselves that it is one. */
static bool told_by_folder(const listing *l, const struct dirent *entry, struct stat *info) {
  *info = (struct stat){.st_mode = S_IFREG, .st_ino = entry->d_ino};
  return entry->d_type == DT_REG && !(l->sought && may_be_sought(l, entry->d_ino));
}
#else
static bool told_by_folder(const listing *l, const struct dirent *entry, struct stat *info) {
  (void)l;
  (void)entry;
  (void)info;
  return false;
}
#endif

/* `*missing`: a link that leads nowhere, or a file that is gone. */
static int look(const listing *l, const char *relative, struct stat *info, bool *missing) {
  char *path = path_join(l->out->path, relative);
  int code = EXIT_FINE;
  *missing = stat(path, info) != 0;
  if (*missing && !fault_means_absent(errno) && errno != ELOOP && !l->sought)
    code = fault_system(l->f, errno, "examine", path);
  free(path);
  return code;
}

static int visit(listing *l, const char *relative, const struct dirent *entry, const ancestor *up) {
  struct stat info;
  bool missing = false;
  int code = told_by_folder(l, entry, &info) ? EXIT_FINE : look(l, relative, &info, &missing);
  if (code) return code;
  if (!missing && S_ISDIR(info.st_mode)) {
    for (const ancestor *a = up; a; a = a->up)
      if (a->device == info.st_dev && a->node == info.st_ino) return EXIT_FINE;
    return walk(l, relative, &(ancestor){up, info.st_dev, info.st_ino});
  }
  if (l->sought) {
    for (size_t i = 0; i < l->sought_count && !missing && !l->found; i++)
      if (l->sought[i].st_dev == info.st_dev && l->sought[i].st_ino == info.st_ino)
        l->found = &l->sought[i];
    return EXIT_FINE;
  }
  /* A link that leads nowhere is listed: reading it will say so. */
  if (!missing && !S_ISREG(info.st_mode)) return EXIT_FINE;
  if (folder_names_wanted(l->kind, entry->d_name)) return add(l, relative, missing ? NULL : &info);
  if (folder_names_passed(l->kind, entry->d_name))
    append(&l->passed, &l->passed_capacity, relative, l->suffix, NULL);
  return EXIT_FINE;
}

static int walk(listing *l, const char *below, const ancestor *up) {
  char *path = *below ? path_join(l->out->path, below) : alloc_text(l->out->path);
  DIR *handle = opendir(path);
  int code = handle ? EXIT_FINE : fault_system(l->f, errno, "open folder", path);
  while (!code && !l->found) {
    errno = 0;
    struct dirent *entry = readdir(handle);
    if (!entry) {
      if (errno) code = fault_system(l->f, errno, "list folder", path);
      break;
    }
    if (entry->d_name[0] == '.' || path_ends_with(entry->d_name, ".fm-part")) continue;
    char *relative = *below ? path_join(below, entry->d_name) : alloc_text(entry->d_name);
    code = visit(l, relative, entry, up);
    free(relative);
  }
  if (handle) closedir(handle);
  free(path);
  return code;
}

static int by_stem(const void *a, const void *b) {
  const folder_file *left = a, *right = b;
  int order = strcmp(left->stem, right->stem);
  return order ? order : strcmp(left->relative, right->relative);
}

void folder_sort(folder *files) {
  if (files->count) qsort(files->files, files->count, sizeof *files->files, by_stem);
}

void folder_drop(folder *files, const bool *drop) {
  size_t kept = 0;
  for (size_t i = 0; i < files->count; i++) {
    if (drop[i])
      free_file(&files->files[i]);
    else
      files->files[kept++] = files->files[i];
  }
  files->count = kept;
}

/* Numbers are one file's on one device only. */
bool folder_same_file(const folder *one, const folder_file *a, const folder *other,
                      const folder_file *b) {
  if (!a->node || a->node != b->node) return false;
  char *left = folder_path(one, a), *right = folder_path(other, b);
  bool same = path_same_file(left, right);
  free(left);
  free(right);
  return same;
}

int folder_check_unique(const folder *out, fault *f) {
  for (size_t i = 1; i < out->count; i++)
    if (!strcmp(out->files[i - 1].stem, out->files[i].stem))
      return fault_set(f, EXIT_DATA,
                       "%s: %s and %s have the same stem '%s', expected one file each%s", out->path,
                       out->files[i - 1].relative, out->files[i].relative, out->files[i].stem,
                       out->kind == FOLDER_MASKS    ? " (--mask-suffix .png, say, takes one type)"
                       : out->kind == FOLDER_IMAGES ? " (--image-suffix .jpg, say, takes one type)"
                                                    : "");
  return EXIT_FINE;
}

/* Names the types, up to four. */
static void add_types(const folder *passed, const bool *skip, text *t) {
  size_t named = 0;
  for (size_t i = 0; i < passed->count; i++) {
    const char *type = strrchr(passed->files[i].relative, '.');
    if (skip[i] || !type || (t->data && strstr(t->data, type))) continue;
    if (named++ == 4) break;
    text_add(t, "%s%s", named > 1 ? ", " : "", type);
  }
}

/* Beside masks that have a suffix, a JPEG without it is an image. */
static bool is_photograph(const listing *l, const folder_file *file) {
  return l->kind == FOLDER_MASKS && l->out->count && l->out->files[0].suffixed && !file->suffixed &&
         folder_names_wanted(FOLDER_IMAGES, file->relative);
}

/* Names what was passed over and belongs to nothing that is listed: an image that lies next to its
 * mask needs no words. If that is all there is, a failure will say so. */
static void tell_passed(listing *l) {
  folder *passed = &l->passed;
  bool *skip = alloc_zeroed(passed->count, sizeof *skip);
  size_t count = 0, first = 0;
  text types = {0}, sentence = {0};
  folder_sort(passed);
  for (size_t i = 0; i < passed->count; i++) {
    skip[i] = folder_find(l->out, passed->files[i].stem) || is_photograph(l, &passed->files[i]);
    if (!skip[i] && !count++) first = i;
  }
  if (count) {
    const char *name = passed->files[first].relative;
    add_types(passed, skip, &types);
    text_add(&sentence, "%zu file%s of type %s, such as %s: %s", count, count == 1 ? "" : "s",
             types.data, name, folder_names_advice(l->kind, name));
    if (l->out->count) note_say("%s: passed over %s", l->out->path, sentence.data);
    l->out->passed = alloc_text(sentence.data);
  }
  text_free(&sentence);
  text_free(&types);
  free(skip);
}

/* Where the user gave a suffix, files with it are what is meant, and others lie beside them. */
static void keep_suffixed(folder *out) {
  bool *drop = alloc_zeroed(out->count, sizeof *drop);
  size_t kept = 0;
  for (size_t i = 0; i < out->count; i++) {
    kept += out->files[i].suffixed;
    drop[i] = !out->files[i].suffixed;
  }
  if (kept) folder_drop(out, drop);
  free(drop);
}

static const char *suffix_of(folder_kind kind, const fm_labels *labels) {
  const char *given = folder_names_of(kind);
  if (given) return strcmp(given, "none") ? given : "";
  if (labels && kind == FOLDER_MASKS) return fm_labels_mask_suffix(labels);
  return labels && kind == FOLDER_IMAGES ? fm_labels_image_suffix(labels) : "";
}

static int arrange(listing *l) {
  folder *out = l->out;
  const bool given = folder_names_of(l->kind) != NULL;
  folder_sort(out);
  if (given) keep_suffixed(out);
  if (l->kind == FOLDER_MASKS && !given) folder_guess_masks(out, l->suffix);
  if (l->kind == FOLDER_MASKS) folder_guess_type(out);
  tell_passed(l);
  return l->kind == FOLDER_MASKS ? folder_check_unique(out, l->f) : EXIT_FINE;
}

int folder_list(folder_kind kind, const char *path, const fm_labels *labels, folder *out,
                fault *f) {
  *out = (folder){.path = alloc_text(path), .kind = kind};
  listing l = {.kind = kind, .out = out, .f = f, .suffix = suffix_of(kind, labels)};
  struct stat info;
  int code = stat(path, &info) ? fault_system(f, errno, "open folder", path) : EXIT_FINE;
  if (!code) code = walk(&l, "", &(ancestor){NULL, info.st_dev, info.st_ino});
  if (!code) code = arrange(&l);
  folder_free(&l.passed);
  if (code) folder_free(out);
  return code;
}

const struct stat *folder_holds(const char *path, const struct stat *files, size_t count) {
  fault f;
  struct stat info;
  folder out = {.path = alloc_text(path)};
  listing l = {.sought = files, .sought_count = count, .out = &out, .f = &f};
  if (count && !stat(path, &info)) walk(&l, "", &(ancestor){NULL, info.st_dev, info.st_ino});
  free(out.path);
  return l.found;
}

void folder_free(folder *files) {
  for (size_t i = 0; i < files->count; i++) free_file(&files->files[i]);
  free(files->files);
  free(files->passed);
  free(files->path);
  memset(files, 0, sizeof *files);
}

const folder_file *folder_find(const folder *files, const char *stem) {
  size_t low = 0, high = files->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = strcmp(stem, files->files[middle].stem);
    if (!order) return &files->files[middle];
    if (order < 0)
      high = middle;
    else
      low = middle + 1;
  }
  return NULL;
}

char *folder_path(const folder *files, const folder_file *file) {
  return path_join(files->path, file->relative);
}

/* FNV-1a, 64 bits, of the composed letters, then the finalizer of MurmurHash3, which spreads it over
 * all bits. */
uint64_t folder_stem_identity(const char *stem) {
  char *composed = folder_names_form(stem, true);
  const char *name = composed ? composed : stem;
  uint64_t h = text_hash(name, strlen(name));
  free(composed);
  h = (h ^ (h >> 33)) * 0xFF51AFD7ED558CCDu;
  h = (h ^ (h >> 33)) * 0xC4CEB9FE1A85EC53u;
  return h ^ (h >> 33);
}

int64_t folder_shard_of(const char *stem, int64_t count) {
  char *composed = folder_names_form(stem, true);
  const int64_t shard = fm_shard_of(composed ? composed : stem, count);
  free(composed);
  return shard;
}

bool folder_in_shard(const char *stem, folder_shard shard) {
  return shard.count <= 1 || folder_shard_of(stem, shard.count) == shard.index;
}

void folder_keep_shard(folder *files, folder_shard shard) {
  size_t kept = 0;
  for (size_t i = 0; i < files->count; i++) {
    folder_file file = files->files[i];
    if (folder_in_shard(file.stem, shard))
      files->files[kept++] = file;
    else
      free_file(&file);
  }
  files->count = kept;
}

uint64_t folder_identity(const folder *files) {
  uint64_t sum = 0;
  for (size_t i = 0; i < files->count; i++) sum += folder_stem_identity(files->files[i].stem);
  return sum;
}
