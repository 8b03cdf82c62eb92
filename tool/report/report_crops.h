/* report/report_crops.h - for each class, the places where it was worst and most doubtful. */
#ifndef FREEMASK_TOOL_REPORT_CROPS_H
#define FREEMASK_TOOL_REPORT_CROPS_H

#include "report/report_images.h"

enum { CROPS_EACH = 2 }; /* of a kind and class */

/* HTML of each class: [class_count], empty where there are none. */
typedef struct report_crops {
  int32_t class_count;
  text *of;
} report_crops;

/* From filter.record, which says what each mask lost of each class. In `room` bytes: one for each class
 * before any gets a second, and those that lost most first. */
int report_crops_make(const report_images *set, size_t room, report_crops *out, fault *f);
void report_crops_free(report_crops *crops);

#endif
