/* dirent.h - see freemask_port.h. */
#ifndef FREEMASK_PORT_DIRENT_H
#define FREEMASK_PORT_DIRENT_H
#include "freemask_port.h"

#define dirent fm__dirent
#define DIR fm__dir
#define opendir fm__opendir
#define fdopendir fm__fdopendir
#define readdir fm__readdir
#define closedir fm__closedir

#endif
