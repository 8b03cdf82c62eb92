/* cmd/criterion_flags.h - the flags about what the filter drops, of `filter` and of `run`. */
#ifndef FREEMASK_TOOL_CRITERION_FLAGS_H
#define FREEMASK_TOOL_CRITERION_FLAGS_H

#include "cmd/args.h"
#include "job/filter_file.h"

/* `policy` is an int: an fm_filter_policy. */
#define ARG_POLICY(policy)                                                                       \
  {                                                                                              \
    "policy", 0, ARG_CHOICE, policy, "P", "what is compared with what: see below", false, false, \
        0, 0, filter_policies                                                                    \
  }

/* The policies, for the notes of a command. */
#define POLICY_NOTES                                                                             \
  "Policies: paper compares a loss with --tolerance times its class's mean; quantile with the\n" \
  "loss that a share of the class's real pixels exceeds; strata and paired compare how odd a\n"  \
  "pixel and its neighbourhood are with real ones at the same distance from the boundary, or\n"  \
  "with the real image of the same mask at the same place."

/* `criterion` points to a job_criterion. */
/* clang-format off */
#define ARG_CRITERION_ROWS(criterion)                                                            \
  ARG_POLICY(&(criterion)->policy),                                                              \
  {"use", 0, ARG_CHOICE, &(criterion)->use, "U",                                                 \
   "what for, of policies other than paper: detect (share 0.05) or train (0.3)", false, false,   \
   0, 0, filter_uses},                                                                           \
  {"real-share", 0, ARG_REAL, &(criterion)->real_share, "X",                                     \
   "share of real pixels above the threshold (default: as --use says)", false, true, 0,          \
   0.999999, NULL},                                                                              \
  {"allow-unpaired", 0, ARG_FLAG, &(criterion)->allow_unpaired, NULL,                            \
   "judge masks without a real one without its losses", false, false, 0, 0, NULL},               \
  {"siblings", 0, ARG_FLAG, &(criterion)->siblings, NULL,                                        \
   "paired: other synthetic images of the mask also tell what is hard", false, false, 0, 0, NULL}, \
  {"tolerance", 0, ARG_REAL, &(criterion)->tolerance, "X",                                       \
   "drop a pixel whose loss is above X times its class's mean (default 1.25)", false, true, 0,   \
   1e30, NULL},                                                                                  \
  {"unseen", 0, ARG_CHOICE, &(criterion)->unseen, "U",                                           \
   "classes without a real pixel (default drop)", false, false, 0, 0, filter_unseen},             \
  {"min-kept", 0, ARG_REAL, &(criterion)->min_kept, "X",                                         \
   "keep at least this share of each class in each image (default 0)", false, false, 0, 1, NULL}

/* Thresholds that keep a promise: of `filter` and `run`. */
#define ARG_CALIBRATION_ROWS(criterion) \
  {"calibration", 0, ARG_TEXT, &(criterion)->calibration, "C.json",                              \
   "thresholds from freemask calibrate, in place of tolerance or share", false, false, 0, 0,     \
   NULL},                                                                                        \
  {"lose", 0, ARG_REAL, &(criterion)->lose, "X",                                                 \
   "calibration: the share of a class that a real image may lose (default 0.05)", false, true,   \
   0, 0.999999, NULL},                                                                           \
  {"confidence", 0, ARG_REAL, &(criterion)->confidence, "X",                                     \
   "calibration: promise it with this confidence (default: on average)", false, true, 0,         \
   0.999999, NULL}

/* Weights as files; the criterion's `weights` is NO_WEIGHTS. */
#define ARG_WEIGHT_ROWS(criterion)                                                               \
  {"weights", 0, ARG_CHOICE, &(criterion)->weights, "W",                                         \
   "also write weights, of losses or whatever else is compared: step (0 or 1), ramp or power",   \
   false, false, 0, 0, filter_weights},                                                          \
  {"weight-type", 0, ARG_CHOICE, &(criterion)->weight_type, "T",                                 \
   "u8: PNG, 255 for a whole pixel (default); f16, f32: NPY, 1 for a whole pixel", false, false, \
   0, 0, filter_weight_types},                                                                   \
  {"weight-width", 0, ARG_REAL, &(criterion)->weight_width, "X",                                 \
   "ramp: from 1 to 0 between 1 - X and 1 + X times the threshold (default 0.5)", false, true,   \
   0, 1, NULL},                                                                                  \
  {"weight-gamma", 0, ARG_REAL, &(criterion)->weight_gamma, "X",                                                      \
   "power: (threshold / loss) to the power X above it (default 1)", false, true, 0, 64, NULL}

/* `output` points to a job_output. */
#define ARG_RESUME_ROWS(output)                                                                  \
  {"resume", 0, ARG_FLAG, &(output)->resume, NULL, "continue an interrupted run", false, false,  \
   0, 0, NULL},                                                                                  \
  {"overwrite", 0, ARG_FLAG, &(output)->overwrite, NULL, "replace an earlier run's output",      \
   false, false, 0, 0, NULL}
/* clang-format on */

#endif
