/* plugin_torchscript/options.h - what the user can say after plugin:FILE.so.
 * SPDX-License-Identifier: MIT */
#ifndef PLUGIN_TORCHSCRIPT_OPTIONS_H
#define PLUGIN_TORCHSCRIPT_OPTIONS_H

#include <freemask/plugin.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

/* A failure on its way to the fm_error. */
class Failure : public std::runtime_error {
 public:
  Failure(fm_status why, const std::string &sentence) : std::runtime_error(sentence), status(why) {}
  fm_status status;
};

struct Options {
  std::string model;
  std::string device = "cpu";
  int batch = 8;
  int threads = 1;

  /* The image: (pixel / scale - mean) / deviation, then resized. */
  double scale = 255;
  std::vector<double> mean, deviation; /* 1 or 3 numbers */
  bool bgr = false;
  std::int64_t width = 0, height = 0; /* 0: as it is */
  bool tf32 = false;

  /* The output. */
  std::vector<std::string> output; /* keys or indices: one, or two of queries; empty: the obvious */
  bool queries = false;
  fm_network_loss_options network{}; /* channels point into `channels` */
  std::vector<std::int32_t> channels;

  /* All that the losses depend on, as text; the model itself is not in it. */
  std::string results;

  explicit Options(const fm_plugin_setup &setup); /* throws Failure */
  Options(const Options &) = delete;
  Options &operator=(const Options &) = delete;
};

#endif
