/* core/version.c - the loaded library's numbers. */
#include <freemask/version.h>

#define TEXT(x) #x
#define JOIN(a, b, c) TEXT(a) "." TEXT(b) "." TEXT(c)

const char *fm_version(void) { return JOIN(FM_VERSION_MAJOR, FM_VERSION_MINOR, FM_VERSION_PATCH); }

int fm_abi_version(void) { return FM_ABI_VERSION; }
