/* freemask/export.h - linkage of the public functions; nothing to call here.
 * SPDX-License-Identifier: MIT */
#ifndef FREEMASK_EXPORT_H
#define FREEMASK_EXPORT_H

/* A program that links libfreemask defines none of these macros. */
#if defined(_WIN32) && defined(FM_BUILDING_SHARED)
#define FM_API __declspec(dllexport)
#elif defined(__GNUC__) && defined(FM_BUILDING)
#define FM_API __attribute__((visibility("default")))
#else
#define FM_API
#endif

#ifdef __cplusplus
#define FM_BEGIN_DECLS extern "C" {
#define FM_END_DECLS }
#else
#define FM_BEGIN_DECLS
#define FM_END_DECLS
#endif

#endif
