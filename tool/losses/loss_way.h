/* losses/loss_way.h - one way to get losses; loss_source.c chooses among them. */
#ifndef FREEMASK_TOOL_LOSS_WAY_H
#define FREEMASK_TOOL_LOSS_WAY_H

#include "base/folder_pair.h"
#include "losses/loss_source.h"

typedef struct loss_way {
  const char *what; /* "loss map" */

  /* The partner with that stem, or NULL. NULL: folder_find. */
  const folder_file *(*find)(const folder *partners, const char *stem);
  /* The second file of those whose partners are two; NULL: they are one. */
  const folder_file *(*second)(const folder *partners, const folder_file *first);
  /* Makes `own`. NULL: it has none. Partners have been found. */
  int (*open)(loss_source *s, const loss_options *options, fault *f);
  void (*close)(void *own);
  size_t (*batch)(const void *own); /* NULL: 1 */
  bool (*shows)(const void *own);   /* it can tell which class a pixel shows; NULL: it cannot */
  int (*get)(const loss_source *s, const loss_request *requests, size_t count, loss_map *out,
             fault *f);
  bool (*needs_model)(const void *own); /* NULL: no */
  int (*fit)(loss_source *s, int threads, bool quiet, fault *f);
  json_t *(*model)(const void *own); /* NULL: none */
  int (*use_model)(loss_source *s, const json_t *model, const char *stats_path, fault *f);
} loss_way;

struct loss_source {
  fm_context *context;
  fm_labels *labels;
  const folder *masks;
  folder partners;
  folder_pairs pairs;        /* the partner of each mask */
  const loss_folder *folder; /* where the partners are */
  const loss_way *way;
  void *own;
  bool shows; /* loss maps come with it */
};

extern const loss_way loss_way_maps, loss_way_logits, loss_way_queries, loss_way_baseline,
    loss_way_plugin;

/* An F32 loss map of the mask's size, zero. */
void loss_map_make(loss_map *out, const fm_plane *mask);

/* Fills in what a network's output shows, if the source is to: the losses of `map` are there. */
int loss_map_show(const loss_source *s, const fm_network_loss *loss,
                  const fm_network_output *output, const loss_request *r, const char *path,
                  loss_map *map, fault *f);

/* Turns an error of a call that got the mask and the partner: labels are the mask's fault, all else
 * is that of the partner, `path`. */
int loss_blame_partner(const loss_source *s, size_t mask_index, const char *path,
                       const fm_error *err, fault *f);

/* Reads the image that belongs to a mask. `path` is for messages and the file. */
int loss_read_image(const loss_source *s, const loss_request *r, const char *path, fm_raster **out,
                    fault *f);

#endif
