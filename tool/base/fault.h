/* base/fault.h - why a command stopped: its exit code and one sentence. */
#ifndef FREEMASK_TOOL_FAULT_H
#define FREEMASK_TOOL_FAULT_H

#include <freemask/freemask.h>
#include <stdbool.h>

#if defined(__MINGW32__) /* where `printf` is Microsoft's */
#define TOOL_PRINTF(text_at, rest_at) __attribute__((format(gnu_printf, text_at, rest_at)))
#elif defined(__GNUC__)
#define TOOL_PRINTF(text_at, rest_at) __attribute__((format(printf, text_at, rest_at)))
#else
#define TOOL_PRINTF(text_at, rest_at)
#endif

/* Exit codes of the tool. Functions of the tool return one of them: EXIT_FINE, or why they failed.
 */
enum {
  EXIT_FINE = 0,
  EXIT_FINDINGS = 1, /* check found misfits */
  EXIT_USAGE = 2,    /* flags that make no sense */
  EXIT_DATA = 3,     /* a file is not what it should be */
  EXIT_IO = 4,       /* the operating system refused */
  EXIT_STOPPED = 130 /* Ctrl-C */
};

typedef struct fault {
  int exit_code;
  int32_t status;    /* of the library's error; 0 if the error is not the library's */
  int32_t host_code; /* errno, where the operating system refused; else 0 */
  char text[1400];
} fault;

/* Sets the fault and returns its exit code: return fault_set(f, EXIT_DATA, "...", ...);
 * The text is one line of valid UTF-8, whatever names of files hold (text_to_line). */
TOOL_PRINTF(3, 4) int fault_set(fault *f, int exit_code, const char *format, ...);

/* From an error of the library; puts `path` (may be NULL) before the message if it is not in
 * it. Status becomes exit code: I/O and memory 4, an argument 2, everything else 3. */
int fault_library(fault *f, const fm_error *err, const char *path);

/* The same where the content of the file `path` is at fault: an argument is data then. */
int fault_file(fault *f, const fm_error *err, const char *path);

/* EXIT_IO with strerror(error_number): "cannot <deed> <path>: <reason>". */
int fault_system(fault *f, int error_number, const char *deed, const char *path);

/* Is it the machine's (a disk, memory, descriptors) and not the file's (it is not there, or not for
 * this user)? Then a command that lists what is wrong with files stops: it cannot know. */
bool fault_is_machine(const fault *f);

/* The same for an errno. */
bool fault_is_of_machine(int error_number);

/* Does this errno say that there is no such file? */
bool fault_means_absent(int error_number);

/* EXIT_STOPPED. */
int fault_stopped(fault *f);

/* Prints "freemask: <sentence>" on stderr and returns the exit code. */
int fault_print(const fault *f);

/* clang-tidy sees one file at a time: this tells it that the exit code is returned. */
#if defined(__clang_analyzer__) && !defined(FREEMASK_TOOL_FAULT_C)
#define fault_set(f, exit_code, ...) ((void)fault_set(f, exit_code, __VA_ARGS__), (exit_code))
#define fault_system(f, number, deed, path) ((void)fault_system(f, number, deed, path), EXIT_IO)
#endif

#endif
