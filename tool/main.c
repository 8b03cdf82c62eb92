/* main.c - the commands by name. */
#include <stdio.h>
#include <string.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include "base/fault.h"
#include "base/interrupt.h"
#include "base/surroundings.h"
#include "base/unsaid.h"
#include "cmd/commands.h"

typedef struct command {
  const char *name, *purpose;
  int (*run)(int argc, char **argv);
} command;

static const command commands[] = {
    {"labels", "print a label space as a table, or draft one from masks", cmd_labels},
    {"convert", "colors, or labels in other numbers, become labels", cmd_convert},
    {"check", "read everything, name the label convention, list misfits", cmd_check},
    {"stats", "class-wise mean loss over the real set", cmd_stats},
    {"calibrate", "thresholds that keep a promise about held-out real images", cmd_calibrate},
    {"merge", "exact sum of statistics, or of calibrations", cmd_merge},
    {"filter", "drop the synthetic pixels that are not to be trusted", cmd_filter},
    {"hardness", "how hard each real mask is to learn", cmd_hardness},
    {"plan", "how many synthetic images each mask gets, and which", cmd_plan},
    {"export", "lists and configuration for a trainer, jobs for a generator", cmd_export},
    {"collect", "what a generator made becomes a synthetic set", cmd_collect},
    {"report", "one HTML page about a run", cmd_report},
    {"run", "all of this in one go", cmd_run},
    {"demo", "make a small world, run everything on it, score the filter", cmd_demo},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_help(void) {
  puts(
      "freemask - noise filtering and hardness-aware sampling for training segmentation\n"
      "models on synthetic images\n\nUsage: freemask COMMAND [flags]\n");
  for (size_t i = 0; i < COMMANDS; i++)
    printf("  %-10s %s\n", commands[i].name, commands[i].purpose);
  printf(
      "\nfreemask COMMAND --help tells more; freemask demo DIR shows it all at work.\n"
      "Label spaces:");
  for (int32_t i = 0; fm_labels_preset_name(i); i++) printf(" %s", fm_labels_preset_name(i));
  puts(
      "\nor a CSV file with the columns label,class,name (class `ignore`: no supervision), which\n"
      "freemask labels --masks DIR drafts.\n"
      "Exit codes: 0 success, 1 findings of check or collect, 2 flags, 3 data, 4 files and "
      "folders, "
      "130 Ctrl-C.");
}

static int unknown(const char *name) {
  fault f;
  char list[160] = "";
  for (size_t i = 0; i < COMMANDS; i++) {
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", commands[i].name);
  }
  fault_set(&f, EXIT_USAGE, "'%.60s' is not a command, expected one of %s", name, list);
  return fault_print(&f);
}

/* A result that did not reach its reader is a failure. */
static int flush(int code) {
  fault f;
  surroundings_allow_end();
  if (!code && unsaid_check(&f)) code = fault_print(&f);
  if (!fflush(stdout) && !ferror(stdout) && !surroundings_lost_output()) return code;
  fault_set(&f, EXIT_IO, "cannot write to standard output");
  return code ? code : fault_print(&f);
}

/* The pixels of one mask become those of the next: returning them to the system and asking
 * for them again costs a page fault for every 4 KiB, a fifth of all time in some commands. */
static void keep_memory(void) {
#if defined(__GLIBC__)
  (void)mallopt(M_MMAP_THRESHOLD, 16 << 20);
  (void)mallopt(M_TRIM_THRESHOLD, 64 << 20);
#endif
}

static int run(int argc, char **argv) {
  if (argc < 2) {
    fault f;
    fault_set(&f, EXIT_USAGE, "no command (see freemask --help)");
    return fault_print(&f);
  }
  if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
    print_help();
    return flush(EXIT_FINE);
  }
  if (!strcmp(argv[1], "--version")) {
    printf("freemask %s\n", fm_version());
    return flush(EXIT_FINE);
  }
  for (size_t i = 0; i < COMMANDS; i++)
    if (!strcmp(commands[i].name, argv[1])) return flush(commands[i].run(argc - 1, argv + 1));
  return unknown(argv[1]);
}

int main(int argc, char **argv) {
  surroundings_prepare();
  keep_memory();
  interrupt_install();
  surroundings_guard_end();
  int code = surroundings_run(run, argc, argv);
  surroundings_allow_end();
  return code;
}
