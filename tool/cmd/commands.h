/* cmd/commands.h - the commands. argv[0] is the command's name; the result is the tool's
 * exit code; errors have been printed (fault_print) by then. */
#ifndef FREEMASK_TOOL_COMMANDS_H
#define FREEMASK_TOOL_COMMANDS_H

int cmd_labels(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_stats(int argc, char **argv);
int cmd_calibrate(int argc, char **argv);
int cmd_merge(int argc, char **argv);
int cmd_filter(int argc, char **argv);
int cmd_hardness(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_collect(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_demo(int argc, char **argv);

#endif
