/* sys/resource.h - see freemask_port.h. */
#ifndef FREEMASK_PORT_SYS_RESOURCE_H
#define FREEMASK_PORT_SYS_RESOURCE_H
#include "../freemask_port.h"

enum { RLIMIT_STACK = 3 };
struct rlimit {
  uint64_t rlim_cur, rlim_max;
};
int fm__getrlimit(int what, struct rlimit *out); /* the calling thread's stack */
#define getrlimit fm__getrlimit

#endif
