/* support/kit.h - what the unit tests share: a counting, failing allocator, error checks,
 * planes in odd strides, number formats and a random generator of their own.
 * SPDX-License-Identifier: MIT */
#ifndef FM_TESTS_SUPPORT_KIT_H
#define FM_TESTS_SUPPORT_KIT_H

#include <check.h>
#include <freemask/freemask.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Allocator ------------------------------------------------------------------ */

/* Counts calls and living blocks; refuses the call number `fail_at` (from 0), and all
 * that follow if `fail_on` is set. Usable from several threads. */
typedef struct kit_allocator {
  atomic_long calls;
  atomic_long living;
  atomic_long refused;
  long fail_at; /* -1: never */
  bool fail_on;
} kit_allocator;

void *kit_allocate(size_t size, void *user);
void kit_release(void *memory, void *user);

/* A context over the allocator, which it resets. */
fm_context *kit_context(kit_allocator *allocator);

/* A context of default options. */
fm_context *kit_plain_context(void);

/* Does something with a context, cleans up after itself whatever happens, and returns
 * the first status that was not FM_OK. */
typedef fm_status (*kit_scenario)(fm_context *context, void *user, fm_error *err);

/* Runs a scenario with every single allocation failing, and with each one and all after
 * it failing. Every such run has to return FM_ERR_MEMORY and leave no block behind; a
 * run without failures has to return FM_OK after at least `least` allocations. */
void kit_every_allocation_fails(kit_scenario scenario, void *user, long least);

/* ---- Stack ---------------------------------------------------------------------- */

/* Bytes of stack that a call takes, from the second run on: the dynamic linker takes some of the
 * first. */
size_t kit_stack_of(void (*call)(void *argument), void *argument);

/* Whether the compiler has laid out the stack as it does for users: with optimisation, without
 * sanitizers. */
bool kit_stack_is_usual(void);

/* ---- Errors --------------------------------------------------------------------- */

/* An fm_error full of a pattern, to see whether a call wrote to it. */
fm_error kit_error(void);
bool kit_error_untouched(const fm_error *err);

/* Fails the test unless `status` is `expected`, the error carries it, and the message is
 * one clean line that contains `text` (NULL: any). */
void kit_expect(const char *where, fm_status status, fm_status expected, const fm_error *err,
                const char *text);

#define KIT_TEXT2(x) #x
#define KIT_TEXT(x) KIT_TEXT2(x)

/* KIT_FAILS(FM_ERR_SHAPE, "mask is 2x3", fm_x_do(x, &err)): `err` is declared by the macro. */
#define KIT_FAILS(expected, text, call)                                            \
  do {                                                                             \
    fm_error err;                                                                  \
    fm_status kit_status;                                                          \
    KIT_CALL(kit_status, expected, call);                                          \
    kit_expect(__FILE__ ":" KIT_TEXT(__LINE__), kit_status, expected, &err, text); \
  } while (0)

/* The call succeeds and leaves the error alone. */
#define KIT_OK(call)                                                                           \
  do {                                                                                         \
    fm_error err;                                                                              \
    fm_status kit_status;                                                                      \
    KIT_CALL(kit_status, FM_OK, call);                                                         \
    ck_assert_msg(kit_status == FM_OK, "%s: %s: %s", #call, fm_status_name(kit_status),        \
                  err.message);                                                                \
    ck_assert_msg(kit_error_untouched(&err), "%s: wrote an error though it succeeded", #call); \
  } while (0)

/* ---- Memory that fails in every scenario ------------------------------------------- */

/* Where faults/shim.c is loaded and FREEMASK_FAULT_UNITS is set, each call of the library in KIT_OK
 * and KIT_FAILS is made again and again before: with its first allocation failing, with that and all
 * later ones, with the second, and so on, wherever they are made: in the library, libpng, libjpeg,
 * libtiff, the JSON library. Each time it has to fail for want of memory, and leave no block
 * behind (room that something keeps for later is left once, a leak each time); and then it has to do what it does, as if nothing had happened. Elsewhere, it is just made. */
typedef struct kit_walk {
  const char *call;
  fm_status expected;
  bool active, on;
  int grown; /* times that it kept room */
  long at;
} kit_walk;
/* Between these, memory does not fail: what a callback of the test's own needs. */
void kit_pause(void);
void kit_resume(void);
/* For a test whose callbacks make checks, which take memory, too; or of a call that keeps what it did
 * before it failed. */
void kit_walk_off(void);
kit_walk kit_walk_begin(const char *call, fm_status expected, int *visits);
void kit_walk_arm(const kit_walk *walk);
bool kit_walk_again(kit_walk *walk, fm_status status, const fm_error *err);

#define KIT_CALL(status, expected, call)                             \
  do {                                                               \
    static int kit_visits;                                           \
    kit_walk kit_now = kit_walk_begin(#call, expected, &kit_visits); \
    do {                                                             \
      err = kit_error();                                             \
      kit_walk_arm(&kit_now);                                        \
      status = (call);                                               \
    } while (kit_walk_again(&kit_now, status, &err));                \
  } while (0)

/* A pointer that no call may follow or replace. */
#define KIT_SENTINEL ((void *)(uintptr_t)0xA5A5A5A0U)

/* ---- Options of other ages ------------------------------------------------------- */

/* Calls `make` with options cut to `size` bytes or extended by a tail; see
 * kit_options_rule. Returns the status; must destroy what it made. */
typedef fm_status (*kit_make)(const void *options, void *user, fm_error *err);

/* The rule that context.h states for every options structure, given a complete one of
 * `size` bytes with which `make` succeeds: size 0 and wild sizes are refused, a zero
 * tail is accepted, any byte in the tail is refused by name. `name` is the type's. */
void kit_options_rule(const char *name, const void *options, size_t size, kit_make make,
                      void *user);

/* ---- Planes --------------------------------------------------------------------- */

/* How the pixels of a plane lie in memory. */
typedef enum kit_layout {
  KIT_PACKED,
  KIT_PADDED,     /* gap behind every row */
  KIT_FLIPPED,    /* last row first: negative row stride */
  KIT_MIRRORED,   /* negative column stride */
  KIT_TRANSPOSED, /* column after column */
  KIT_STRIDED,    /* every third element */
  KIT_UNALIGNED,  /* starts at an odd address, odd strides */
  KIT_LAYOUTS
} kit_layout;

/* Own memory of a plane; `memory` is filled with 0xEE where there is no pixel. */
typedef struct kit_plane {
  fm_plane view;
  unsigned char *memory;
  size_t size;
} kit_plane;

kit_plane kit_plane_new(fm_dtype dtype, int64_t height, int64_t width, kit_layout layout);
void kit_plane_free(kit_plane *plane);
void kit_put_int(const fm_plane *plane, int64_t y, int64_t x, int64_t value);
int64_t kit_get_int(const fm_plane *plane, int64_t y, int64_t x);
/* Rounded to the dtype, to nearest even. */
void kit_put_real(const fm_plane *plane, int64_t y, int64_t x, float value);
float kit_get_real(const fm_plane *plane, int64_t y, int64_t x);
const char *kit_layout_name(kit_layout layout);

/* Mean losses that a test has. `pixels` may be NULL. */
fm_mean_table kit_mean_table(int32_t class_count, const double *means, const int64_t *pixels);

/* ---- Outputs of networks ------------------------------------------------------------------ */

/* One that is not of queries. */
fm_network_output kit_output(fm_volume values);

/* fm_network_loss_map of such a one. */
fm_status kit_map(const fm_network_loss *network_loss, const fm_volume *values,
                  const fm_plane *mask, const fm_plane *loss, fm_error *err);

/* ---- Number formats --------------------------------------------------------------- */

/* By definition, in double arithmetic. */
double kit_half_value(uint16_t bits);
float kit_bfloat_value(uint16_t bits);
uint16_t kit_half_bits(float value);
uint16_t kit_bfloat_bits(float value);
float kit_float(uint32_t bits);

/* ---- Random numbers ---------------------------------------------------------------- */

/* xorshift64*; not the library's generator. */
uint64_t kit_random(uint64_t *state);
int64_t kit_below(uint64_t *state, int64_t bound);
/* Losses of all sizes, zeros, denormals and huge ones among them. */
float kit_wild_loss(uint64_t *state);
/* 0 to 8 nats. */
float kit_plain_loss(uint64_t *state);

#endif
