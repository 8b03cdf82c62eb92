/* base/interrupt.h - Ctrl-C as a flag that loops look at. */
#ifndef FREEMASK_TOOL_INTERRUPT_H
#define FREEMASK_TOOL_INTERRUPT_H

#include <stdbool.h>

void interrupt_install(void); /* SIGINT and SIGTERM; a second one ends the tool at once */
bool interrupt_seen(void);

#endif
