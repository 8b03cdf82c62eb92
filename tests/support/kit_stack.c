/* support/kit_stack.c - stack that calls take.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "kit.h"

enum { STACK_SIZE = 1 << 20, PAINT = 0xA5 };

typedef struct stack_call {
  void (*call)(void *argument);
  void *argument;
} stack_call;

static void *run_on_stack(void *user) {
  const stack_call *c = user;
  if (c->call) c->call(c->argument);
  return NULL;
}

/* Bytes that a thread has written to a painted stack. */
static size_t depth_of(stack_call c) {
  unsigned char *stack = aligned_alloc(4096, STACK_SIZE);
  pthread_attr_t attributes;
  pthread_t thread;
  ck_assert_ptr_nonnull(stack);
  memset(stack, PAINT, STACK_SIZE);
  ck_assert_int_eq(pthread_attr_init(&attributes), 0);
  ck_assert_int_eq(pthread_attr_setstack(&attributes, stack, STACK_SIZE), 0);
  ck_assert_int_eq(pthread_create(&thread, &attributes, run_on_stack, &c), 0);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  pthread_attr_destroy(&attributes);
  size_t untouched = 0;
  while (untouched < STACK_SIZE && stack[untouched] == PAINT) untouched++;
  free(stack);
  return STACK_SIZE - untouched;
}

size_t kit_stack_of(void (*call)(void *argument), void *argument) {
  stack_call nothing = {NULL, NULL}, c = {call, argument};
  size_t thread = depth_of(nothing);
  (void)depth_of(c);
  return depth_of(c) - thread;
}
