/* job/jobs.h - the commands as functions: options in, files out. `run` and `demo` call
 * these; the cmd_*.c files fill the options from flags. */
#ifndef FREEMASK_TOOL_JOBS_H
#define FREEMASK_TOOL_JOBS_H

#include "base/fault.h"
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

typedef struct stats_job {
  job_common common;
  const char *masks;
  loss_options loss;
  int64_t histogram; /* bins per factor of two, 0: none */
  arg_shard shard;
  const char *output; /* stats.json */
} stats_job;
int stats_job_run(const stats_job *job, fault *f);

typedef struct merge_job {
  job_common common; /* labels and threads are not used */
  const char *const *inputs;
  size_t input_count;
  bool distinct; /* complete inputs whose masks have the same names are different sets */
  const char *output;
} merge_job;
int merge_job_run(const merge_job *job, fault *f);

typedef struct filter_job {
  job_common common;
  const char *stats, *masks;
  loss_options loss;
  double tolerance; /* 0: 1.25 */
  int unseen;       /* an fm_unseen */
  double min_kept;
  arg_shard shard;
  bool resume, overwrite;
  const char *output; /* a folder */
} filter_job;
int filter_job_run(const filter_job *job, fault *f);

typedef struct hardness_job {
  job_common common;
  const char *stats, *masks;
  arg_size resize;    /* zero: 512x512 */
  int measure;        /* an fm_measure */
  double share;       /* 0: the measure's default */
  const char *losses; /* loss maps of the real images: measure by these; NULL: by class means */
  const char *output;
} hardness_job;
int hardness_job_run(const hardness_job *job, fault *f);

typedef struct plan_job {
  job_common common; /* labels and threads only with `masks` */
  const char *hardness;
  plan_flags flags;
  const char *masks; /* whose classes the policy looks at, or NULL */
  const char *grow;  /* an earlier plan, or NULL */
  const char *output;
} plan_job;
int plan_job_run(const plan_job *job, fault *f);

/* The order of `export --to`. */
typedef enum export_format {
  EXPORT_LIST = 0,
  EXPORT_MMSEG,
  EXPORT_DETECTRON2,
  EXPORT_HF,
  EXPORT_WEBDATASET,
  EXPORT_PADDLESEG,
  EXPORT_FREESTYLENET,
  EXPORT_JSONL
} export_format;

typedef struct export_job {
  job_common common; /* labels may be NULL where the format does without */
  const char *plan;
  const char *real_masks, *real_images; /* may be NULL */
  const char *synthetic;                /* filtered masks, may be NULL */
  const char *images;                   /* synthetic images, may be NULL */
  int format;                           /* an export_format */
  bool allow_missing;
  bool train_ids;     /* convert the masks */
  bool relative;      /* paths relative to `output` */
  int64_t shard_size; /* webdataset: images of a shard, 0: 1000 */
  uint64_t seed;      /* webdataset: of the order */
  int64_t batch_size; /* freestylenet, 0: 8 */
  arg_size size;      /* jsonl: of the images to make, zero: as their masks */
  const char *output; /* a folder */
} export_job;
int export_job_run(const export_job *job, fault *f);

/* How `collect` brings files to their place. */
typedef enum collect_by { COLLECT_COPY = 0, COLLECT_LINK, COLLECT_MOVE } collect_by;

typedef struct collect_job {
  job_common common; /* labels are not used */
  const char *jobs;  /* jobs.jsonl, or the folder that holds it */
  int by;            /* a collect_by */
  const char *output;
} collect_job;
int collect_job_run(const collect_job *job, fault *f); /* EXIT_FINDINGS if there are any */

typedef struct check_job {
  job_common common;
  const char *masks, *images; /* images may be NULL */
  loss_options loss;          /* losses, logits or queries, or none; not a provider */
} check_job;
int check_job_run(const check_job *job, fault *f); /* EXIT_FINDINGS if there are any */

typedef struct run_job {
  job_common common;
  const char *real_masks, *synthetic_masks;
  loss_options real, synthetic; /* with losses, logits or queries, images only illustrate */
  network_flags network;        /* of both sets */
  const char *provider;         /* of both sets */
  double tolerance;
  int unseen;
  double min_kept;
  arg_size resize;
  plan_flags plan;
  bool resume, overwrite;
  const char *output;
} run_job;

/* Writes into the folder `output`: stats.json, masks/..., filter.csv, filter.json, hardness.csv,
 * plan.csv, export/, run.json, report.html. run.json:
 *   {"format": "freemask-run", "version": 1, "labels": L, "fingerprint": hex,
 *    "real": {"masks", "losses", "logits", "queries", "images"}, "synthetic": the same,
 *    "network": null or what network_flags_save makes, "provider",
 *    "plan_flags": the words of plan_flags_add_words, "resize": "512x512" or "none",
 *    "stats": "stats.json", "filter": "filter.json", "filter_rows": "filter.csv",
 *    "masks": "masks", "hardness": "hardness.csv", "plan": "plan.csv", "export": "export",
 *    "report": "report.html"}
 * Input paths are as path_to_store has them (null if not given), output paths relative to the
 * folder. */
int run_job_run(const run_job *job, fault *f);

/* Written by the report: makes DIR/report.html from what is in DIR; run.json may be missing
 * (after `filter` alone). A plug-in that made the losses is loaded only if `provider` says the same
 * as the folder does: a report must not run what a file names. `kept` as in loss_options. */
int report_job_run(const char *dir, const char *provider, plugin_host **kept,
                   const job_common *common, fault *f);

#endif
