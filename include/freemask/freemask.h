/* freemask/freemask.h - the whole library. plugin.h is not part of it: that is the interface
 * between the tool and its plug-ins. SPDX-License-Identifier: MIT */
#ifndef FREEMASK_FREEMASK_H
#define FREEMASK_FREEMASK_H

#include <freemask/calibration.h>
#include <freemask/class_stats.h>
#include <freemask/context.h>
#include <freemask/error.h>
#include <freemask/export.h>
#include <freemask/files.h>
#include <freemask/filter.h>
#include <freemask/hardness.h>
#include <freemask/io.h>
#include <freemask/labels.h>
#include <freemask/map.h>
#include <freemask/network_loss.h>
#include <freemask/plan.h>
#include <freemask/planner.h>
#include <freemask/provider.h>
#include <freemask/ranking.h>
#include <freemask/schedule.h>
#include <freemask/shard.h>
#include <freemask/version.h>
#include <freemask/view.h>

#endif
