/* export/export_runs.h - generators whose script is run once for each seed, on all masks of a
 * folder or list, and names images after masks alone. */
#ifndef FREEMASK_TOOL_EXPORT_RUNS_H
#define FREEMASK_TOOL_EXPORT_RUNS_H

#include "export/export_generate.h"

/* A data set that a script knows, by the labels of its masks; a table of them ends in NULL. */
typedef struct run_dataset {
  const char *labels;       /* name of a preset */
  const char *name;         /* as the script calls it */
  const char *masks;        /* where the script looks for masks, */
  const char *images;       /* and for images; NULL: it wants none */
  const char *mask_suffix;  /* what follows the name of a mask, before ".png", */
  const char *image_suffix; /* and the name of an image, with its type */
  const char *result;       /* and the name of what it makes, with its type */
  arg_size size;            /* of that */
  const char *config;       /* for the script's command line; may be NULL */
} run_dataset;

/* What the plan asks for with one seed, in the order of the plan. */
typedef struct run {
  int64_t seed;
  const export_entry *const *entries;
  size_t count;
} run;

/* The name that a mask and its image have in a run. Caller frees. */
char *run_name(const export_state *s, const export_entry *entry);

/* Links ROOT/<masks>/<name><mask suffix>.png, and ROOT/<images>/<name><image suffix> if the script
 * wants images, to the real mask: it only reads the size of the image. */
int run_link_mask(export_state *s, const run_dataset *dataset, const char *root,
                  const export_entry *entry, fault *f);

/* What has to be there for a run. */
typedef int run_prepare(export_state *s, const run_dataset *dataset, const run *r, fault *f);

/* A folder of the run's own, data/seed_<n>, with links to its masks. */
run_prepare run_link_masks;

/* The beginning of generate.sh, which defines the function `run` of a seed. */
typedef void run_head(const export_state *s, const run_dataset *dataset, text *head);

/* Prepares a run for each seed, ascending, and writes generate.sh: the head, and a call of its function
 * for each. Results are expected in seed_<n>/<name><result>; jobs.jsonl says so. EXIT_USAGE, with the
 * label spaces that `table` has, if the state's is not among them; EXIT_DATA for a seed that
 * runs_check_seeds refuses. */
int runs_write(export_state *s, const run_dataset *table, run_head *head, run_prepare *prepare,
               fault *f);

/* EXIT_DATA for a seed that scripts which seed NumPy do not take. */
int runs_check_seeds(const export_state *s, fault *f);

#endif
