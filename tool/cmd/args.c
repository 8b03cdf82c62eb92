/* cmd/args.c - reading flags by a table. */
#include "cmd/args.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static void print_flag(const arg_option *o) {
  char left[64];
  if (o->letter && strcmp(o->name, "output"))
    snprintf(left, sizeof left, "-%c, --%s%s%s", o->letter, o->name, o->value ? " " : "",
             o->value ? o->value : "");
  else if (o->letter)
    snprintf(left, sizeof left, "-%c %s", o->letter, o->value);
  else
    snprintf(left, sizeof left, "    --%s%s%s", o->name, o->value ? " " : "",
             o->value ? o->value : "");
  printf("  %-26s %s", left, o->help);
  for (const char *const *c = o->choices; c && *c; c++)
    printf("%s%s", c == o->choices ? ": " : ", ", *c);
  printf("%s\n", o->required ? " (required)" : "");
}

static void print_help(const arg_command *command) {
  printf("freemask %s - %s\n\nUsage: freemask %s", command->name, command->purpose, command->name);
  for (const arg_option *o = command->options; o->name; o++) {
    if (!o->required) continue;
    if (o->letter == 'o')
      printf(" -o %s", o->value);
    else
      printf(" --%s %s", o->name, o->value);
  }
  printf(" [flags]%s%s\n\n", command->operands ? " " : "",
         command->operands ? command->operands : "");
  for (const arg_option *o = command->options; o->name; o++) print_flag(o);
  printf("  %-26s %s\n", "-h, --help", "print this");
  if (command->notes) printf("\n%s\n", command->notes);
}

/* How a flag is called in messages. */
static const char *shown(const arg_option *o, char *memory, size_t size) {
  if (o->letter == 'o')
    snprintf(memory, size, "-o");
  else
    snprintf(memory, size, "--%s", o->name);
  return memory;
}

static bool read_whole(const char *value, int64_t *out) {
  char *end;
  errno = 0;
  long long number = strtoll(value, &end, 10);
  bool digit =
      (*value >= '0' && *value <= '9') || (*value == '-' && value[1] >= '0' && value[1] <= '9');
  if (!digit || *end || errno) return false;
  *out = number;
  return true;
}

static int set_whole(const arg_option *o, const char *flag, const char *value, fault *f) {
  int64_t number;
  if (!read_whole(value, &number) || (double)number < o->lowest || (double)number > o->highest)
    return fault_set(f, EXIT_USAGE, "%s is '%s', expected a whole number from %.0f to %.0f", flag,
                     value, o->lowest, o->highest);
  *(int64_t *)o->target = number;
  return EXIT_FINE;
}

static int set_seed(const arg_option *o, const char *flag, const char *value, fault *f) {
  char *end;
  errno = 0;
  unsigned long long number = strtoull(value, &end, 10);
  if (*value < '0' || *value > '9' || *end || errno)
    return fault_set(f, EXIT_USAGE, "%s is '%s', expected a whole number from 0 to 2^64 - 1", flag,
                     value);
  *(uint64_t *)o->target = number;
  return EXIT_FINE;
}

static int set_real(const arg_option *o, const char *flag, const char *value, fault *f) {
  char *end;
  double number = strtod(value, &end);
  bool plain = *value && strspn(value, "+-.0123456789eE") == strlen(value);
  if (!plain || *end || !isfinite(number) || number < o->lowest || number > o->highest ||
      (o->exclusive && number <= o->lowest))
    return fault_set(f, EXIT_USAGE, "%s is '%s', expected a finite number %s %g%s", flag, value,
                     o->exclusive ? "above" : "from", o->lowest, o->highest > 1 ? "" : " to 1");
  *(double *)o->target = number;
  return EXIT_FINE;
}

static int set_choice(const arg_option *o, const char *flag, const char *value, fault *f) {
  char list[256] = "";
  for (int i = 0; o->choices[i]; i++) {
    if (!strcmp(o->choices[i], value)) {
      *(int *)o->target = i;
      return EXIT_FINE;
    }
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", o->choices[i]);
  }
  return fault_set(f, EXIT_USAGE, "%s is '%s', expected %s%s", flag, value,
                   o->choices[1] ? "one of " : "", list);
}

static int set_shard(const arg_option *o, const char *flag, const char *value, fault *f) {
  const char *slash = strchr(value, '/');
  char first[24] = "";
  folder_shard shard;
  if (slash && (size_t)(slash - value) < sizeof first)
    memcpy(first, value, (size_t)(slash - value));
  if (!slash || !read_whole(first, &shard.index) || !read_whole(slash + 1, &shard.count) ||
      shard.count < 1 || shard.count > 1000000000 || shard.index < 0 || shard.index >= shard.count)
    return fault_set(f, EXIT_USAGE, "%s is '%s', expected i/n with i from 0 to n - 1", flag, value);
  *(folder_shard *)o->target = shard;
  return EXIT_FINE;
}

static int set_size(const arg_option *o, const char *flag, const char *value, fault *f) {
  const char *cross = strchr(value, 'x');
  char first[24] = "";
  int64_t width, height;
  if (!strcmp(value, "none")) {
    *(arg_size *)o->target = (arg_size){FM_NO_RESIZE, FM_NO_RESIZE};
    return EXIT_FINE;
  }
  if (cross && (size_t)(cross - value) < sizeof first)
    memcpy(first, value, (size_t)(cross - value));
  if (!cross || !read_whole(first, &width) || !read_whole(cross + 1, &height) || width < 1 ||
      height < 1 || width > 65536 || height > 65536)
    return fault_set(f, EXIT_USAGE, "%s is '%s', expected WxH with sides from 1 to 65536, or none",
                     flag, value);
  *(arg_size *)o->target = (arg_size){(int32_t)width, (int32_t)height};
  return EXIT_FINE;
}

static int set_value(const arg_option *o, const char *value, fault *f) {
  char memory[64];
  const char *flag = shown(o, memory, sizeof memory);
  switch (o->kind) {
    case ARG_FLAG:
      *(bool *)o->target = true;
      return EXIT_FINE;
    case ARG_TEXT:
      if (!*value) return fault_set(f, EXIT_USAGE, "%s is empty, expected %s", flag, o->value);
      *(const char **)o->target = value;
      return EXIT_FINE;
    case ARG_WHOLE:
      return set_whole(o, flag, value, f);
    case ARG_SEED:
      return set_seed(o, flag, value, f);
    case ARG_REAL:
      return set_real(o, flag, value, f);
    case ARG_CHOICE:
      return set_choice(o, flag, value, f);
    case ARG_SHARD:
      return set_shard(o, flag, value, f);
    case ARG_SIZE:
      return set_size(o, flag, value, f);
  }
  return EXIT_FINE;
}

/* Finds the flag that `arg` names; `*value` is what follows "=" or the letter, or NULL. */
static const arg_option *find(const arg_command *command, const char *arg, const char **value) {
  *value = NULL;
  for (const arg_option *o = command->options; o->name; o++) {
    size_t length = strlen(o->name);
    if (arg[1] == '-') {
      if (strncmp(arg + 2, o->name, length) || (arg[2 + length] && arg[2 + length] != '='))
        continue;
      if (arg[2 + length]) *value = arg + 3 + length;
      return o;
    }
    if (o->letter && arg[1] == o->letter) {
      if (arg[2]) *value = arg + 2 + (arg[2] == '=');
      return o;
    }
  }
  return NULL;
}

/* The state of a parse. */
typedef struct parse {
  const arg_command *command;
  int argc;
  char **argv;
  bool *given; /* by row of the table */
  fault *f;
} parse;

static int read_flag(parse *p, int *at) {
  const char *arg = p->argv[*at], *value;
  char memory[64];
  const arg_option *o = find(p->command, arg, &value);
  if (!o)
    return fault_set(p->f, EXIT_USAGE, "unknown flag '%s' (see freemask %s --help)", arg,
                     p->command->name);
  if (p->given[o - p->command->options])
    return fault_set(p->f, EXIT_USAGE, "%s is given twice", shown(o, memory, sizeof memory));
  p->given[o - p->command->options] = true;
  if (o->kind == ARG_FLAG && value)
    return fault_set(p->f, EXIT_USAGE, "%s takes no value", shown(o, memory, sizeof memory));
  if (o->kind != ARG_FLAG && !value) {
    if (*at + 1 >= p->argc)
      return fault_set(p->f, EXIT_USAGE, "%s needs a value, %s", shown(o, memory, sizeof memory),
                       o->value);
    value = p->argv[++*at];
  }
  return set_value(o, value, p->f);
}

static int check_counts(parse *p, size_t operands) {
  const arg_command *c = p->command;
  char memory[64];
  for (const arg_option *o = c->options; o->name; o++)
    if (o->required && !p->given[o - c->options])
      return fault_set(p->f, EXIT_USAGE, "%s %s is missing (see freemask %s --help)",
                       shown(o, memory, sizeof memory), o->value, c->name);
  if (operands > c->operands_max)
    return fault_set(p->f, EXIT_USAGE, "unexpected '%s' (see freemask %s --help)",
                     p->argv[1 + c->operands_max], c->name);
  if (operands < c->operands_min)
    return fault_set(p->f, EXIT_USAGE, "%s is missing (see freemask %s --help)", c->operands,
                     c->name);
  return EXIT_FINE;
}

static int read_all(parse *p, size_t *operands) {
  bool flags = true;
  *operands = 0;
  for (int i = 1; i < p->argc; i++) {
    char *arg = p->argv[i];
    if (flags && (!strcmp(arg, "--help") || !strcmp(arg, "-h"))) {
      print_help(p->command);
      return ARGS_HELP;
    }
    if (flags && !strcmp(arg, "--")) {
      flags = false;
    } else if (flags && arg[0] == '-' && arg[1]) {
      int code = read_flag(p, &i);
      if (code) return code;
    } else {
      p->argv[1 + (*operands)++] = arg;
    }
  }
  return check_counts(p, *operands);
}

int args_parse(const arg_command *command, int argc, char **argv, size_t *operand_count, fault *f) {
  size_t rows = 0, operands;
  while (command->options[rows].name) rows++;
  parse p = {command, argc, argv, alloc_zeroed(rows, sizeof(bool)), f};
  int code = read_all(&p, &operands);
  free(p.given);
  if (operand_count) *operand_count = operands;
  return code;
}
