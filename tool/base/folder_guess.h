/* base/folder_guess.h - which files of a folder are masks, where nobody says so. */
#ifndef FREEMASK_TOOL_FOLDER_GUESS_H
#define FREEMASK_TOOL_FOLDER_GUESS_H

#include "base/folder.h"

/* Cuts a well-known suffix ("_mask", "_train_id") off the stems, if all files have it or belong to
 * one that has; the latter are dropped. `suffix` is the label space's, which comes first: with it,
 * other renderings of the same mask are dropped. A guess is noted. */
void folder_guess_masks(folder *masks, const char *suffix);

/* Where every stem has a file of one type, and some have another as well (losses next to masks),
 * the first is the mask's; noted. */
void folder_guess_type(folder *masks);

#endif
