/* core/mean.h - means as the released FreeMask code takes them. */
#ifndef FM_CORE_MEAN_H
#define FM_CORE_MEAN_H

/* Added to every count that a sum is divided by: paper mode has it, so all means have it. */
#define FM__MEAN_EPSILON 1e-5

#endif
