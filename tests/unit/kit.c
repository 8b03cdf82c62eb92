/* unit/kit.c - see kit.h.
 * SPDX-License-Identifier: MIT */
#include "kit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Allocator ------------------------------------------------------------------ */

void *kit_allocate(size_t size, void *user) {
  kit_allocator *allocator = user;
  ck_assert_uint_ne(size, 0);
  long call = atomic_fetch_add(&allocator->calls, 1);
  if (allocator->fail_at >= 0 &&
      (call == allocator->fail_at || (allocator->fail_on && call > allocator->fail_at))) {
    atomic_fetch_add(&allocator->refused, 1);
    return NULL;
  }
  void *memory = malloc(size);
  ck_assert_ptr_nonnull(memory);
  /* What the library forgets to initialise shows. */
  memset(memory, 0xC3, size);
  atomic_fetch_add(&allocator->living, 1);
  return memory;
}

void kit_release(void *memory, void *user) {
  kit_allocator *allocator = user;
  ck_assert_ptr_nonnull(memory);
  atomic_fetch_sub(&allocator->living, 1);
  free(memory);
}

fm_context *kit_context(kit_allocator *allocator) {
  atomic_store(&allocator->calls, 0);
  atomic_store(&allocator->living, 0);
  atomic_store(&allocator->refused, 0);
  allocator->fail_at = -1;
  allocator->fail_on = false;
  fm_context_options options = {.size = sizeof options};
  options.allocate = kit_allocate;
  options.release = kit_release;
  options.allocator_user = allocator;
  fm_context *context = NULL;
  KIT_OK(fm_context_create(&options, &context, &err));
  return context;
}

fm_context *kit_plain_context(void) {
  fm_context *context = NULL;
  KIT_OK(fm_context_create(NULL, &context, &err));
  return context;
}

/* One run with the given failure; answers whether an allocation was refused. */
static bool run_failing(kit_scenario scenario, void *user, long fail_at, bool fail_on,
                        long *calls) {
  kit_allocator allocator;
  fm_context *context = kit_context(&allocator);
  long before = atomic_load(&allocator.calls);
  allocator.fail_at = fail_at < 0 ? -1 : before + fail_at;
  allocator.fail_on = fail_on;
  fm_error err = kit_error();
  fm_status status = scenario(context, user, &err);
  long refused = atomic_load(&allocator.refused);
  *calls = atomic_load(&allocator.calls) - before;
  if (refused) {
    ck_assert_msg(status == FM_ERR_MEMORY, "allocation %ld failed, the call answered %s", fail_at,
                  fm_status_name(status));
    kit_expect("out of memory", status, FM_ERR_MEMORY, &err, "memory");
  } else {
    ck_assert_msg(status == FM_OK, "nothing failed, the call answered %s: %s",
                  fm_status_name(status), err.message);
  }
  allocator.fail_at = -1;
  fm_context_destroy(context);
  ck_assert_msg(atomic_load(&allocator.living) == 0,
                "allocation %ld failed (%s): %ld blocks were not released", fail_at,
                fail_on ? "and all after it" : "alone", atomic_load(&allocator.living));
  return refused > 0;
}

void kit_every_allocation_fails(kit_scenario scenario, void *user, long least) {
  long total = 0;
  ck_assert(!run_failing(scenario, user, -1, false, &total));
  ck_assert_msg(total >= least, "only %ld allocations, expected %ld: is the scenario whole?", total,
                least);
  for (int fail_on = 0; fail_on < 2; fail_on++)
    for (long i = 0; i < total; i++) {
      long calls;
      ck_assert_msg(run_failing(scenario, user, i, fail_on, &calls),
                    "allocation %ld of %ld was never asked for", i, total);
    }
}

/* ---- Errors --------------------------------------------------------------------- */

fm_error kit_error(void) {
  fm_error err;
  memset(&err, 0x5A, sizeof err);
  return err;
}

bool kit_error_untouched(const fm_error *err) {
  const unsigned char *bytes = (const unsigned char *)err;
  for (size_t i = 0; i < sizeof *err; i++)
    if (bytes[i] != 0x5A) return false;
  return true;
}

void kit_expect(const char *where, fm_status status, fm_status expected, const fm_error *err,
                const char *text) {
  ck_assert_msg(status == expected, "%s: answered %s, expected %s: %.500s", where,
                fm_status_name(status), fm_status_name(expected),
                status && !kit_error_untouched(err) ? err->message : "");
  ck_assert_msg(err->code == (int32_t)expected, "%s: err.code is %d", where, (int)err->code);
  ck_assert_msg(expected == FM_ERR_CALLBACK || expected == FM_ERR_IO || err->host_code == 0,
                "%s: err.host_code is %d", where, (int)err->host_code);
  size_t length = strnlen(err->message, sizeof err->message);
  ck_assert_msg(length > 8 && length < sizeof err->message, "%s: message of %zu bytes", where,
                length);
  for (size_t i = 0; i < length; i++)
    ck_assert_msg((unsigned char)err->message[i] >= 0x20, "%s: control character in the message",
                  where);
  ck_assert_msg(!text || strstr(err->message, text), "%s: \"%s\" does not say \"%s\"", where,
                err->message, text);
}

/* ---- Options of other ages ------------------------------------------------------- */

void kit_options_rule(const char *name, const void *options, size_t size, kit_make make,
                      void *user) {
  union {
    max_align_t align;
    unsigned char bytes[1024];
  } room;
  ck_assert_uint_le(size + 64, sizeof room);

  static const size_t wild[] = {0, 1, sizeof(size_t) - 1, SIZE_MAX, SIZE_MAX / 2, 1U << 20};
  for (size_t i = 0; i < sizeof wild / sizeof *wild; i++) {
    memcpy(room.bytes, options, size);
    memcpy(room.bytes, &wild[i], sizeof wild[i]);
    KIT_FAILS(FM_ERR_ARGUMENT, name, make(room.bytes, user, &err));
  }

  /* A newer program's: the tail that this library does not know is zero, or not. */
  static const size_t tails[] = {1, 4, 8, 64};
  for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
    size_t longer = size + tails[i];
    memset(room.bytes, 0xFF, sizeof room);
    memcpy(room.bytes, options, size);
    memset(room.bytes + size, 0, tails[i]);
    memcpy(room.bytes, &longer, sizeof longer);
    KIT_OK(make(room.bytes, user, &err));
    for (size_t at = size; at<longer; at += tails[i]> 8 ? 21 : 1) {
      room.bytes[at] = 1;
      KIT_FAILS(FM_ERR_UNSUPPORTED, name, make(room.bytes, user, &err));
      room.bytes[at] = 0;
    }
    room.bytes[longer - 1] = 0x80;
    KIT_FAILS(FM_ERR_UNSUPPORTED, name, make(room.bytes, user, &err));
  }

  /* Bytes behind the size that the caller states are not looked at. */
  memset(room.bytes, 0xFF, sizeof room);
  memcpy(room.bytes, options, size);
  memcpy(room.bytes, &size, sizeof size);
  KIT_OK(make(room.bytes, user, &err));
}
