/* base/folder_pair.h - which file belongs to which mask. */
#ifndef FREEMASK_TOOL_FOLDER_PAIR_H
#define FREEMASK_TOOL_FOLDER_PAIR_H

#include "base/folder.h"

/* The file of `files` with that stem, or NULL; folder_find, or something like it. */
typedef const folder_file *(*folder_finder)(const folder *files, const char *stem);

typedef struct folder_pairs {
  const folder_file **of; /* for each mask; NULL: none */
  size_t missing;         /* masks without */
  size_t first;           /* the first of them */
} folder_pairs;

/* Pairs by stem, or by the mask's whole name, suffix included, or by the same letters in another
 * Unicode form (NFC, NFD). Where masks are left over, by one rule for all of them: another ending
 * ("a_mask" and "a_sat") or another beginning ("mask_1" and "image_1"); what was found so is noted.
 * `what` is "image" or "loss map", for messages. Images that are masks of the same folder are
 * dropped from `files`. EXIT_DATA: two files have one stem, or a mask is its own image or loss map.
 */
int folder_pair(const folder *masks, folder *files, folder_finder find, const char *what,
                folder_pairs *out, fault *f);
void folder_pairs_free(folder_pairs *pairs);

/* The file with that stem, in any form of its letters. */
const folder_file *folder_find_any(const folder *files, const char *stem, folder_finder find);

/* EXIT_DATA and a sentence: how many masks have none, the stem that was looked for, and what lies
 * nearest to it, with the flag that would help. */
int folder_pairs_missing(const folder *masks, const folder *files, const folder_pairs *pairs,
                         const char *what, fault *f);

/* How many files belong to no mask; `*first` gets the first of them. */
size_t folder_pairs_spare(const folder *masks, const folder *files, const folder_pairs *pairs,
                          size_t *first);

/* Adds "; nearest lies there is X", and why it is another. */
void folder_add_nearest(const folder *files, const char *stem, text *t);

#endif
