/* ftw.h - see freemask_port.h. */
#ifndef FREEMASK_PORT_FTW_H
#define FREEMASK_PORT_FTW_H
#include <sys/stat.h>

enum { FTW_F, FTW_D, FTW_DNR, FTW_NS, FTW_SL, FTW_DP, FTW_SLN };
enum { FTW_PHYS = 1, FTW_DEPTH = 8 }; /* links are never followed */

struct FTW {
  int base, level;
};

typedef int (*fm__nftw_fn)(const char *path, const struct stat *info, int kind, struct FTW *where);
int fm__nftw(const char *path, fm__nftw_fn visit, int handles, int flags);
#define nftw fm__nftw

#endif
