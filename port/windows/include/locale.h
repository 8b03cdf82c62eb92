/* locale.h - see freemask_port.h. */
#ifndef FREEMASK_PORT_LOCALE_H
#define FREEMASK_PORT_LOCALE_H
#pragma GCC system_header
#include_next <locale.h>

/* The only one is C. */
typedef const char *locale_t;
#define LC_ALL_MASK 0x3F
#define newlocale(mask, name, base) ((void)(mask), (void)(base), (locale_t)(name))
locale_t fm__uselocale(locale_t locale);
#define uselocale fm__uselocale

#endif
