/* job/plan_there.h - plans of the images that are there. */
#ifndef FREEMASK_TOOL_PLAN_THERE_H
#define FREEMASK_TOOL_PLAN_THERE_H

#include "cmd/plan_flags.h"
#include "job/synthetic.h"

/* Flags for a planner that draws among what is there: without --seeds the seeds are those of the
 * images, and no more than there are can be drawn. `*seeds` (caller frees) holds their text. */
int plan_there_flags(const synthetic_set *there, const plan_flags *flags, plan_flags *out,
                     char **seeds, fault *f);

/* Another plan: each mask keeps what it was given and is there; what is missing is replaced by
 * others that are there, as far as there are some. `*plan` is replaced. EXIT_DATA if none is left. */
int plan_there_keep(fm_context *context, const synthetic_set *there, const plan_flags *flags,
                    fm_plan **plan, fault *f);

#endif
