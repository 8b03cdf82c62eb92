/* base/folder_names.h - what files are called: suffixes, types, and forms of the same letters. */
#ifndef FREEMASK_TOOL_FOLDER_NAMES_H
#define FREEMASK_TOOL_FOLDER_NAMES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

typedef enum folder_kind {
  FOLDER_MASKS = 1,
  FOLDER_IMAGES,
  FOLDER_LOSSES,
  FOLDER_QUERIES,
  FOLDER_STRATA
} folder_kind;

/* How the user says that files are called and read. One setting for the process: flags fill it
 * before the first folder is listed, and nothing changes it after that. */
typedef struct folder_names {
  const char *masks, *images, *losses; /* comma lists of suffixes, with or without a type
                                          ("_mask", "_mask.png", ".png"); "none"; NULL: the label
                                          space's, or what is found */
  const char *synthetic;               /* a pattern (synthetic.h); NULL: what is found */
  const char *array;                   /* of archives (.npz) of losses or outputs; NULL: the only */
  int exif;                            /* of images: EXIF_APPLY or EXIF_IGNORE */
} folder_names;
enum { EXIF_APPLY = 0, EXIF_IGNORE };

extern folder_names folder_names_now;
extern const char *const folder_exif[]; /* names of the two, NULL-terminated */

/* How images are read; and loss maps and outputs. */
const fm_read_options *folder_read_options(void);
const fm_read_options *folder_array_options(void);

/* The flags that differ from the defaults, for files that remember a run: {"mask_suffix",
 * "image_suffix", "loss_suffix", "exif"}; new reference. And back, where no flag says otherwise;
 * texts live as long as the process. */
json_t *folder_names_save(void);
void folder_names_load(const json_t *object);

/* The suffixes that the user gave for a kind; NULL: none. */
const char *folder_names_of(folder_kind kind);

/* Is the file of a type that folders of that kind hold? Of a type of images or arrays at all? */
bool folder_names_wanted(folder_kind kind, const char *name);
bool folder_names_pixels(const char *name);

/* Could the file be meant for such a folder, although its type is not read there? And why it is
 * not, with a way forward, to follow a colon. */
bool folder_names_passed(folder_kind kind, const char *name);
const char *folder_names_advice(folder_kind kind, const char *name);

/* The types of a kind, for messages: ".png, .npy". */
const char *folder_names_types(folder_kind kind);

/* The stem of a relative name: without its type, an image's type before that ("a.jpg.png"), and the
 * first of the suffixes that it ends in; `*matched` (may be NULL) tells whether it ends in one, its
 * type included. Caller frees. */
char *folder_names_stem(const char *relative, const char *suffixes, bool *matched);

/* The same name in composed (NFC) or decomposed (NFD) letters; NULL if it is the same, no UTF-8, or
 * this build cannot tell. Caller frees. */
char *folder_names_form(const char *name, bool composed);

#endif
