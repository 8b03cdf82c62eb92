/* support/kit_stack_windows.c - stack that calls take, where a thread's stack cannot be chosen.
 * SPDX-License-Identifier: MIT */
#include "kit.h"
/* After kit.h, whose headers it must not change. */
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

typedef struct stack_call {
  void (*call)(void *argument);
  void *argument;
  size_t depth;
} stack_call;

/* Pages of a new stack are zeros, and are there when something touches them. */
static DWORD WINAPI run_on_stack(void *user) {
  stack_call *c = user;
  c->call(c->argument);
  MEMORY_BASIC_INFORMATION page;
  unsigned char *here = (unsigned char *)__builtin_frame_address(0), *at = here;
  while (VirtualQuery(at - 1, &page, sizeof page) && page.State == MEM_COMMIT &&
         !(page.Protect & PAGE_GUARD))
    at = page.BaseAddress;
  while (at < here && !*(volatile unsigned char *)at) at++;
  c->depth = (size_t)(here - at);
  return 0;
}

static size_t depth_of(stack_call c) {
  HANDLE thread =
      CreateThread(NULL, 1 << 20, run_on_stack, &c, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
  ck_assert(thread != NULL);
  ck_assert_uint_eq(WaitForSingleObject(thread, INFINITE), WAIT_OBJECT_0);
  CloseHandle(thread);
  return c.depth;
}

size_t kit_stack_of(void (*call)(void *argument), void *argument) {
  stack_call c = {call, argument, 0};
  (void)depth_of(c);
  return depth_of(c);
}
