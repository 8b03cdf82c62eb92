/* dlfcn.h - see freemask_port.h. */
#ifndef FREEMASK_PORT_DLFCN_H
#define FREEMASK_PORT_DLFCN_H
#include "freemask_port.h"

enum { RTLD_LAZY = 1, RTLD_NOW = 2, RTLD_LOCAL = 0 };
#define dlopen fm__dlopen
#define dlsym fm__dlsym
#define dlerror fm__dlerror
#define dlclose fm__dlclose

#endif
