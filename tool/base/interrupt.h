/* base/interrupt.h - Ctrl-C as a flag that loops look at. */
#ifndef FREEMASK_TOOL_INTERRUPT_H
#define FREEMASK_TOOL_INTERRUPT_H

#include <stdbool.h>

/* SIGINT, SIGTERM and SIGHUP, unless they are ignored; a second one ends the tool at once. */
void interrupt_install(void);
bool interrupt_seen(void);

#endif
