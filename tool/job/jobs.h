/* job/jobs.h - the commands as functions: options in, files out. `run` and `demo` call
 * these; the cmd_*.c files fill the options from flags. */
#ifndef FREEMASK_TOOL_JOBS_H
#define FREEMASK_TOOL_JOBS_H

#include "base/fault.h"
#include "base/folder_lock.h"
#include "cmd/args.h"
#include "cmd/plan_flags.h"
#include "losses/loss_source.h"

/* What every job takes. */
typedef struct job_common {
  const char *labels; /* the value of --labels */
  int64_t threads;    /* 0: all cores */
  bool quiet;         /* no progress, no summary */
  bool silent;        /* no summary: the caller has its own */
  bool json;          /* summary as JSON */
} job_common;

/* A set of images: their masks, and where their losses come from. */
typedef struct job_set {
  const char *masks; /* a folder */
  loss_options loss;
  const char *strata; /* a folder, or NULL */
} job_set;

enum { POLICY_OF_STATS = -1, NO_WEIGHTS = -1 };

/* What the filter drops. */
typedef struct job_criterion {
  int policy;        /* an fm_filter_policy, or POLICY_OF_STATS: the one that they were made for */
  int use;           /* a filter_use */
  double real_share; /* 0: as `use` says */
  double tolerance;  /* 0: 1.25 */
  int unseen;        /* an fm_unseen */
  double min_kept;
  const char *calibration;           /* a file; or NULL: thresholds are the policy's */
  double lose;                       /* of a calibration: the share that may be lost; 0: 0.05 */
  double confidence;                 /* likewise; 0: in expectation */
  int weights;                       /* an fm_weight_kind to write; NO_WEIGHTS: none */
  int weight_type;                   /* a filter_weight_type */
  double weight_width, weight_gamma; /* of ramp and power; 0: the default */
  bool allow_unpaired;               /* masks without a real one are judged without a reference */
  bool siblings; /* of paired: with the losses of other images of the same mask, too */
} job_criterion;

/* An output folder. */
typedef struct job_output {
  const char *folder;
  bool resume, overwrite;
  const folder_lock *held; /* the folder's lock, of the command that runs this job; NULL: none */
} job_output;

typedef struct stats_job {
  job_common common;
  job_set set;
  int64_t histogram;      /* bins per factor of two, 0: none */
  int64_t strata_count;   /* of the set's strata; 0: it has none */
  int policy;             /* the fm_filter_policy that the statistics are for */
  const char *ranks;      /* statistics of the whole set's losses, or NULL: they are made first */
  bool ranks_of_score;    /* `ranks` may be those of the score, which hold them */
  const char *references; /* a folder that gets what each image loses, for paired; or NULL */
  folder_shard shard;
  const char *output; /* stats.json */
  const char *record; /* NULL, or a file that gets what the statistics are made of (journal.h) */
  const json_t *made_of;
} stats_job;
int stats_job_run(const stats_job *job, fault *f);

/* The images of `set` are held out: the segmenter was not trained on them. */
typedef struct calibrate_job {
  job_common common;
  const char *stats; /* of the real set */
  job_set set;
  folder_shard shard;
  const char *output; /* calibration.json */
} calibrate_job;
int calibrate_job_run(const calibrate_job *job, fault *f);

typedef struct merge_job {
  job_common common; /* labels and threads are not used */
  const char *const *inputs;
  size_t input_count;
  bool distinct;  /* complete inputs whose masks have the same names are different sets */
  bool link;      /* of filter's folders: masks are hard links, not copies */
  bool overwrite; /* likewise: an earlier run's folder is replaced */
  const char *output;
} merge_job;
int merge_job_run(const merge_job *job, fault *f);

typedef struct filter_job {
  job_common common;
  const char *stats;
  job_set set;
  job_set real;           /* for --policy paired; else without masks */
  const char *references; /* instead of that: a folder that stats wrote */
  job_criterion criterion;
  folder_shard shard;
  job_output output;
} filter_job;
int filter_job_run(const filter_job *job, fault *f);

typedef struct hardness_job {
  job_common common;
  const char *stats; /* NULL with `shape` */
  bool shape;        /* by the shapes of the classes, without losses */
  job_set set;       /* with loss maps: measure by these; else by class means */
  arg_size resize;   /* zero: 512x512 */
  int measure;       /* an fm_measure */
  double share;      /* 0: the measure's default */
  folder_shard shard;
  const char *output;
} hardness_job;
int hardness_job_run(const hardness_job *job, fault *f);

typedef struct plan_job {
  job_common common; /* labels and threads only with `masks` */
  const char *hardness;
  plan_flags flags;
  const char *masks; /* whose classes the policy looks at, or NULL */
  const char *grow;  /* an earlier plan, or NULL */
  const char *yield; /* a filter.json: share the budget out by what filtering keeps */
  const struct synthetic_set *there; /* only these images are planned; NULL: all that seeds allow */
  const char *output;
} plan_job;
int plan_job_run(const plan_job *job, fault *f);

/* What `export` writes; NULL-terminated, in the order of --help. */
typedef struct export_format export_format;
extern const export_format *const export_formats[];
const export_format *export_format_find(const char *name); /* NULL: there is no such */

typedef struct export_job {
  job_common common; /* labels may be NULL where the format does without */
  const char *plan;
  const char *real_masks, *real_images; /* may be NULL */
  const char *synthetic;                /* filtered masks, may be NULL */
  const char *images;                   /* synthetic images, may be NULL */
  const char *val_masks, *val_images;   /* for validation; both or none */
  const export_format *format;
  bool allow_missing;
  bool train_ids;     /* convert the masks */
  bool relative;      /* paths relative to `output` */
  int64_t shard_size; /* webdataset: images of a shard, 0: 1000 */
  uint64_t seed;      /* webdataset: of the order */
  int64_t batch_size; /* freestylenet, 0: 8 */
  arg_size size;      /* jsonl: of the images to make, zero: as their masks */
  folder_shard shard; /* only these masks of the plan, with their images */
  job_output output;  /* neither resumed nor overwritten: earlier exports' files are replaced */
  struct export_stage *stage; /* NULL; or of the output folder, and the caller commits */
} export_job;
int export_job_run(const export_job *job, fault *f);

/* Before there is a plan: would the export refuse any image of the real set, the folders' names, or a
 * file that is in the way? Needs `stage`. */
int export_job_check(const export_job *job, fault *f);

/* How `collect` brings files into its folder. */
typedef enum collect_by { COLLECT_COPY = 0, COLLECT_LINK, COLLECT_MOVE } collect_by;

/* Which sizes of images it takes where a job asks for none. */
typedef enum collect_sizes {
  COLLECT_OWN_SIZES = 0, /* the image's: its mask is resized */
  COLLECT_ASKED_SIZES    /* the mask's */
} collect_sizes;

typedef struct collect_job {
  job_common common; /* labels are not used */
  const char *jobs;  /* jobs.jsonl, or the folder that holds it */
  int by;            /* a collect_by */
  int sizes;         /* a collect_sizes */
  folder_shard shard;
  const char *output;
} collect_job;
int collect_job_run(const collect_job *job, fault *f); /* EXIT_FINDINGS if there are any */

/* A label space as a table: of a preset or a file (labels), of what masks hold, or a list. */
typedef struct labels_job {
  job_common common;
  const char *masks;
  bool list, overwrite;
  const char *output; /* NULL: standard output */
} labels_job;
int labels_job_run(const labels_job *job, fault *f);

/* What the masks of `convert` are; convert_kinds has the names, NULL-terminated. */
typedef enum convert_from {
  CONVERT_AUTO = 0,
  CONVERT_COLORS,
  CONVERT_LABELS,
  CONVERT_REPLICATOR,
  CONVERT_PANOPTIC
} convert_from;
extern const char *const convert_kinds[];

typedef struct convert_job {
  job_common common; /* labels may be NULL where files tell the classes */
  const char *masks;
  int from;             /* a convert_from */
  const char *panoptic; /* COCO's JSON file, or NULL */
  const char *to;       /* another label space, or CONVERT_TRAIN_IDS; NULL: the same */
  const char *unknown;  /* "ignore" or a label: where unknown colors go; NULL: nowhere */
  double nearest;       /* up to which distance the nearest color is taken; 0: none */
  bool voc_colors;
  job_output output;
} convert_job;
#define CONVERT_TRAIN_IDS "train-ids"
int convert_job_run(const convert_job *job, fault *f);

typedef struct check_job {
  job_common common;
  job_set set;        /* losses from files, or none; no provider */
  const char *images; /* may be NULL */
  folder_shard shard; /* only these masks are read; names are looked at in all */
} check_job;
int check_job_run(const check_job *job, fault *f); /* EXIT_FINDINGS if there are any */

typedef struct run_job {
  job_common common;
  job_set real, synthetic; /* with files of losses, images only illustrate */
  network_flags network;   /* of both sets */
  const char *provider;    /* of both sets */
  int64_t strata_count;    /* as in stats_job, of both sets */
  const char *references;  /* as in stats_job, and what filter compares with; or NULL */
  job_criterion criterion;
  arg_size resize;
  bool shape; /* hardness by the shapes of the classes */
  plan_flags plan;
  folder_shard shard; /* of both sets: no plan, lists and report, which are of all. Zero: all */
  const char
      *stats; /* of a shard: the statistics of all, to filter by; NULL: it ends with its own */
  job_output output;
} run_job;

/* Writes into the folder `output`: stats.json, masks/..., filter.csv, filter.json, hardness.csv,
 * plan.csv, export/, run.json, report.html, and stats.record and filter.record, which say what they
 * are made of. run.json:
 *   {"format": "freemask-run", "version": 1, "labels": L, "fingerprint": hex,
 *    "made_of": as in made_of.h, "clearing": true while an earlier run is removed, "real": {"masks", each of loss_folders, "strata"}, "synthetic": the same,
 *    "network": null or what network_flags_save makes, "provider",
 *    "plan_flags": the words of plan_flags_add_words, "resize": "512x512", "none" or null (by shape), "hardness_by":
 *    "losses" or "shape", "references": path or null,
 *    "stats": "stats.json", "filter": "filter.json", "filter_rows": "filter.csv",
 *    "masks": "masks", "hardness": "hardness.csv", "plan": "plan.csv", "export": "export",
 *    "report": "report.html", "names": what folder_names_save makes, "shard": {"index", "count"} of a shard's}
 * Input paths are as path_to_store has them (null if not given), output paths relative to the
 * folder. */
int run_job_run(const run_job *job, fault *f);

typedef struct report_job {
  job_common common;
  const char *folder;   /* of run, demo or filter; run.json may be missing */
  const char *provider; /* a plug-in that made the losses is loaded only if this is the same as the
                           folder says: a report must not run what a file names */
  plugin_host **kept;   /* as in loss_options */
  const char *output;   /* NULL: report.html in the folder */
  const folder_lock *held; /* as in job_output, where the output is in the folder */
} report_job;
int report_job_run(const report_job *job, fault *f);

#endif
