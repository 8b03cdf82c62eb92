/* base/folder.c - listing folders by stem. */
#include "base/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/alloc.h"
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
  const struct stat *sought; /* NULL; or nothing is listed, and this file is looked for */
  bool found;
  fault *f;
} listing;

enum { MOST_TYPES = 3 };

/* By folder_kind: the types of files that are listed, case-insensitively. */
static const char *const types[][MOST_TYPES] = {
    [FOLDER_MASKS] = {".png", ".npy"},  [FOLDER_IMAGES] = {".jpg", ".jpeg", ".png"},
    [FOLDER_LOSSES] = {".npy"},         [FOLDER_QUERIES] = {".npz", ".npy"},
    [FOLDER_STRATA] = {".png", ".npy"},
};

static bool wanted(folder_kind kind, const char *name) {
  const char *dot = strrchr(name, '.');
  for (int i = 0; dot && i < MOST_TYPES && types[kind][i]; i++)
    if (!strcasecmp(dot, types[kind][i])) return true;
  return false;
}

bool folder_takes(const char *path) {
  const char *slash = strrchr(path, '/');
  for (int kind = FOLDER_MASKS; kind <= FOLDER_STRATA; kind++)
    if (wanted((folder_kind)kind, slash ? slash + 1 : path)) return true;
  return false;
}

static int add(listing *l, const char *relative) {
  for (const char *c = relative; *c; c++)
    if ((unsigned char)*c < 0x20 || *c == 0x7F)
      return fault_set(l->f, EXIT_DATA, "%s/%s: the name holds a control character", l->out->path,
                       relative);
  folder *out = l->out;
  out->files = alloc_grow(out->files, out->count, &l->capacity, sizeof *out->files);
  out->files[out->count++] = (folder_file){alloc_text(relative), path_stem(relative, l->suffix)};
  return EXIT_FINE;
}

static int walk(listing *l, const char *below, const ancestor *up);

static int visit(listing *l, const char *relative, const char *name, const ancestor *up) {
  struct stat info;
  char *path = path_join(l->out->path, relative);
  int missing = stat(path, &info);
  free(path);
  if (!missing && S_ISDIR(info.st_mode)) {
    for (const ancestor *a = up; a; a = a->up)
      if (a->device == info.st_dev && a->node == info.st_ino) return EXIT_FINE;
    return walk(l, relative, &(ancestor){up, info.st_dev, info.st_ino});
  }
  if (l->sought) {
    l->found = l->found ||
               (!missing && l->sought->st_dev == info.st_dev && l->sought->st_ino == info.st_ino);
    return EXIT_FINE;
  }
  /* A link that leads nowhere is listed: reading it will say so. */
  if ((missing || S_ISREG(info.st_mode)) && wanted(l->kind, name)) return add(l, relative);
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
    code = visit(l, relative, entry->d_name, up);
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

/* The part of a suffix like "_gtFine_labelIds" that siblings ("_gtFine_color") share: up to the
 * last underscore. 0 if there is none. */
static size_t shared_part(const char *suffix) {
  const char *last = strrchr(suffix, '_');
  return last && last != suffix ? (size_t)(last - suffix) + 1 : 0;
}

/* Is the stem that of a mask, followed by a sibling's ending? */
static bool is_sibling(const folder *out, const char *stem, const char *suffix, size_t shared) {
  char *mask = alloc_text(stem), *end = NULL;
  for (char *at = strchr(mask, suffix[0]); at; at = strchr(at + 1, suffix[0]))
    if (!strncmp(at, suffix, shared)) end = at;
  if (end) *end = '\0';
  const folder_file *found = end ? folder_find(out, mask) : NULL;
  free(mask);
  return found != NULL;
}

/* Data sets like Cityscapes keep other renderings next to each mask. Those, recognized by the
 * mask next to them, are not masks. */
static void drop_siblings(folder *out, const char *suffix) {
  size_t shared = shared_part(suffix), kept = 0;
  if (!shared) return;
  bool *drop = alloc_zeroed(out->count, sizeof *drop);
  for (size_t i = 0; i < out->count; i++)
    drop[i] = is_sibling(out, out->files[i].stem, suffix, shared);
  for (size_t i = 0; i < out->count; i++) {
    if (drop[i])
      free_file(&out->files[i]);
    else
      out->files[kept++] = out->files[i];
  }
  out->count = kept;
  free(drop);
}

static int check_unique(const folder *out, fault *f) {
  for (size_t i = 1; i < out->count; i++)
    if (!strcmp(out->files[i - 1].stem, out->files[i].stem))
      return fault_set(f, EXIT_DATA,
                       "%s: %s and %s have the same stem '%s', expected one file each", out->path,
                       out->files[i - 1].relative, out->files[i].relative, out->files[i].stem);
  return EXIT_FINE;
}

int folder_list(folder_kind kind, const char *path, const fm_labels *labels, folder *out,
                fault *f) {
  *out = (folder){.path = alloc_text(path)};
  listing l = {.kind = kind, .out = out, .f = f, .suffix = ""};
  if (labels && kind == FOLDER_MASKS) l.suffix = fm_labels_mask_suffix(labels);
  if (labels && kind == FOLDER_IMAGES) l.suffix = fm_labels_image_suffix(labels);
  struct stat info;
  int code = stat(path, &info) ? fault_system(f, errno, "open folder", path) : EXIT_FINE;
  if (!code) code = walk(&l, "", &(ancestor){NULL, info.st_dev, info.st_ino});
  if (!code && out->count) {
    qsort(out->files, out->count, sizeof *out->files, by_stem);
    if (kind == FOLDER_MASKS) drop_siblings(out, l.suffix);
    code = check_unique(out, f);
  }
  if (code) folder_free(out);
  return code;
}

bool folder_holds(const char *path, const struct stat *file) {
  fault f;
  struct stat info;
  folder out = {.path = alloc_text(path)};
  listing l = {.sought = file, .out = &out, .f = &f};
  if (!stat(path, &info)) walk(&l, "", &(ancestor){NULL, info.st_dev, info.st_ino});
  free(out.path);
  return l.found;
}

void folder_free(folder *files) {
  for (size_t i = 0; i < files->count; i++) free_file(&files->files[i]);
  free(files->files);
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

/* FNV-1a, 64 bits, then the finalizer of MurmurHash3, which spreads it over all bits. */
static uint64_t hash(const char *stem) {
  uint64_t h = text_hash(stem, strlen(stem));
  h = (h ^ (h >> 33)) * 0xFF51AFD7ED558CCDu;
  h = (h ^ (h >> 33)) * 0xC4CEB9FE1A85EC53u;
  return h ^ (h >> 33);
}

int64_t folder_shard_of(const char *stem, int64_t count) {
  return (int64_t)(hash(stem) % (uint64_t)count);
}

void folder_keep_shard(folder *files, folder_shard shard) {
  size_t kept = 0;
  for (size_t i = 0; i < files->count; i++) {
    folder_file file = files->files[i];
    if (folder_shard_of(file.stem, shard.count) == shard.index)
      files->files[kept++] = file;
    else
      free_file(&file);
  }
  files->count = kept;
}

uint64_t folder_identity(const folder *files) {
  uint64_t sum = 0;
  for (size_t i = 0; i < files->count; i++) sum += hash(files->files[i].stem);
  return sum;
}
