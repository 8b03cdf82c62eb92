/* report/report_images.h - the files of the synthetic set that a report shows. */
#ifndef FREEMASK_TOOL_REPORT_IMAGES_H
#define FREEMASK_TOOL_REPORT_IMAGES_H

#include "base/folder_pair.h"
#include "report/report.h"

typedef struct report_images {
  const report *r;
  fm_labels *labels;
  folder masks, images; /* path NULL: no images */
  folder_pairs pairs;   /* of the images */
  loss_source *losses;  /* NULL: none are shown */
  float top;            /* of the loss's colors, nats */
} report_images;

/* Without `losses` none are shown. */
int report_images_open(const report *r, bool losses, report_images *out, fault *f);
void report_images_close(report_images *s);

/* A plug-in runs with the user's rights: what a file names is loaded only if the user does, too. */
bool report_images_may_load(const report *r);

/* Which of the masks has the stem. */
int report_images_find(const report_images *s, const char *stem, size_t *index, fault *f);

/* Caller destroys. An image that is not there is NULL; what the filter wrote has the mask's size. */
int report_images_mask(const report_images *s, size_t index, fm_raster **out, fault *f);
int report_images_image(const report_images *s, size_t index, fm_raster **out, fault *f);
int report_images_filtered(const report_images *s, size_t index, const fm_plane *mask,
                           fm_raster **out, fault *f);

/* `*there` false: no losses are shown. Else the caller frees the map. */
int report_images_loss(const report_images *s, size_t index, const fm_plane *mask, loss_map *out,
                       bool *there, fault *f);

#endif
