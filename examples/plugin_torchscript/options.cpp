/* plugin_torchscript/options.cpp - a table of keys, each with its reader.
 * SPDX-License-Identifier: MIT */
#include "options.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace {

[[noreturn]] void refuse(const std::string &key, const std::string &value, const char *expected) {
  throw Failure(FM_ERR_ARGUMENT, key + " is '" + value + "', expected " + expected);
}

double number(const std::string &key, const std::string &value, const char *expected) {
  char *end = nullptr;
  const double result = std::strtod(value.c_str(), &end);
  if (value.empty() || *end || !std::isfinite(result)) refuse(key, value, expected);
  return result;
}

int whole(const std::string &key, const std::string &value, int least, int most) {
  char *end = nullptr;
  errno = 0;
  const long result = std::strtol(value.c_str(), &end, 10);
  const std::string expected =
      "a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  if (value.empty() || *end || errno || result < least || result > most)
    refuse(key, value, expected.c_str());
  return static_cast<int>(result);
}

std::vector<std::string> split(const std::string &text, char by) {
  std::vector<std::string> parts(1);
  for (const char c : text)
    if (c == by)
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}

/* One number for all three channels, or r:g:b. */
std::vector<double> triple(const std::string &key, const std::string &value) {
  const char *expected = "a number, or three with colons between them";
  std::vector<double> result;
  for (const std::string &part : split(value, ':')) result.push_back(number(key, part, expected));
  if (result.size() != 1 && result.size() != 3) refuse(key, value, expected);
  return result;
}

void read_size(Options &o, const std::string &key, const std::string &value) {
  const std::vector<std::string> sides = split(value, 'x');
  if (sides.size() != 2) refuse(key, value, "WxH");
  o.width = whole(key, sides[0], 1, 65536);
  o.height = whole(key, sides[1], 1, 65536);
}

void read_deviation(Options &o, const std::string &key, const std::string &value) {
  o.deviation = triple(key, value);
  for (const double each : o.deviation)
    if (!(each > 0)) refuse(key, value, "numbers above 0");
}

void read_kind(Options &o, const std::string &key, const std::string &value) {
  struct Kind {
    const char *name;
    std::int32_t kind, binary;
    bool queries;
  };
  static const Kind kinds[] = {
      {"logits", FM_OUTPUT_LOGITS, 0, false},      {"probs", FM_OUTPUT_PROBS, 0, false},
      {"scores", FM_OUTPUT_SCORES, 0, false},      {"binary", FM_OUTPUT_LOGITS, 1, false},
      {"binary-probs", FM_OUTPUT_PROBS, 1, false}, {"queries", FM_OUTPUT_SCORES, 0, true}};
  for (const Kind &k : kinds) {
    if (value != k.name) continue;
    o.network.kind = k.kind;
    o.network.binary = k.binary;
    o.queries = k.queries;
    return;
  }
  refuse(key, value, "logits, probs, scores, binary, binary-probs or queries");
}

void read_channels(Options &o, const std::string &key, const std::string &value) {
  const std::vector<std::string> ends = split(value, ':');
  if (ends.size() != 2) refuse(key, value, "first:end");
  const int first = whole(key, ends[0], 0, 65535), end = whole(key, ends[1], first + 1, 65536);
  for (int c = first; c < end; c++) o.channels.push_back(c);
}

struct Key {
  const char *name;
  bool results; /* do losses depend on it? */
  void (*read)(Options &o, const std::string &key, const std::string &value);
};

using Text = const std::string &;

const Key keys[] = {
    {"model", false, [](Options &o, Text, Text v) { o.model = v; }},
    {"device", false, [](Options &o, Text, Text v) { o.device = v; }},
    {"batch", false, [](Options &o, Text k, Text v) { o.batch = whole(k, v, 1, 4096); }},
    {"threads", false, [](Options &o, Text k, Text v) { o.threads = whole(k, v, 1, 1024); }},
    {"tf32", true, [](Options &o, Text k, Text v) { o.tf32 = whole(k, v, 0, 1) != 0; }},
    {"scale", true,
     [](Options &o, Text k, Text v) {
       o.scale = number(k, v, "a number above 0");
       if (!(o.scale > 0)) refuse(k, v, "a number above 0");
     }},
    {"mean", true, [](Options &o, Text k, Text v) { o.mean = triple(k, v); }},
    {"std", true, read_deviation},
    {"order", true,
     [](Options &o, Text k, Text v) {
       if (v != "rgb" && v != "bgr") refuse(k, v, "rgb or bgr");
       o.bgr = v == "bgr";
     }},
    {"size", true, read_size},
    {"output", true, [](Options &o, Text, Text v) { o.output = split(v, ':'); }},
    {"kind", true, read_kind},
    {"channels", true, read_channels},
    {"channel_count", true,
     [](Options &o, Text k, Text v) { o.network.channel_count = whole(k, v, 1, 65536); }},
    {"align_corners", true,
     [](Options &o, Text k, Text v) { o.network.align_corners = whole(k, v, 0, 1); }},
    {"compose_first", true,
     [](Options &o, Text k, Text v) { o.network.compose_first = whole(k, v, 0, 1); }},
    {"trust_kind", false,
     [](Options &o, Text k, Text v) { o.network.trust_kind = whole(k, v, 0, 1); }},
};

void read_one(Options &o, const char *name, const char *value) {
  std::string known;
  for (const Key &key : keys) {
    if (!std::strcmp(key.name, name)) {
      key.read(o, name, value);
      if (key.results) o.results += std::string(name) + "=" + value + "\n";
      return;
    }
    known += known.empty() ? key.name : std::string(", ") + key.name;
  }
  throw Failure(FM_ERR_ARGUMENT,
                std::string("unknown key '") + name + "', expected one of " + known);
}

}  // namespace

Options::Options(const fm_plugin_setup &setup) {
  network.size = sizeof network;
  network.kind = FM_OUTPUT_LOGITS;
  threads = setup.threads > 0 ? setup.threads : 1;
  for (std::int64_t i = 0; i < setup.option_count; i++)
    read_one(*this, setup.keys[i], setup.values[i]);
  if (model.empty()) throw Failure(FM_ERR_ARGUMENT, "the key model=FILE.pt is missing");
  if (mean.empty()) mean = {0};
  if (deviation.empty()) deviation = {1};
  if (output.size() != (queries ? 2U : 1U) && !output.empty())
    throw Failure(FM_ERR_ARGUMENT, queries
                                       ? "output= names the class logits and the mask logits of "
                                         "kind=queries, with a colon between them"
                                       : "output= names one key or index");
  if (!channels.empty() && channels.size() != static_cast<std::size_t>(setup.labels->class_count))
    throw Failure(FM_ERR_ARGUMENT, "channels= names " + std::to_string(channels.size()) +
                                       " channels, but label space " + setup.labels->name +
                                       " has " + std::to_string(setup.labels->class_count) +
                                       " classes");
  if (!channels.empty() && !network.channel_count)
    throw Failure(FM_ERR_ARGUMENT, "channels= needs channel_count=C, all channels of the output");
  network.channels = channels.empty() ? nullptr : channels.data();
}
