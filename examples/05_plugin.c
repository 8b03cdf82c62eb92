/* 05_plugin.c - a segmenter as a plug-in of the tool: nothing to link, one function to export.
 *
 *     cc -shared -fPIC -o plugin.so 05_plugin.c $(pkg-config --cflags libfreemask)
 *     freemask stats --labels camvid --masks real/masks --images real/images \
 *       --provider plugin:plugin.so,sharpness=8 -o stats.json
 *
 * The "network" takes the darkest pixels for class 0, the brightest for the last one: the logit of
 * class k is -sharpness * (brightness - k / (K - 1))^2, at a quarter of the image's size. A real
 * plug-in, in C++ and on a GPU, is plugin_torchscript/. */
#include <freemask/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 4 }; /* image pixels to one of the output, in each direction */

typedef struct segmenter {
  int32_t class_count;
  double sharpness;
  char identity[40];
  fm_network_loss_options network;
} segmenter;

static fm_status fail(fm_error *err, fm_status status, const char *what, const char *about) {
  err->code = status;
  snprintf(err->message, sizeof err->message, "%s '%.100s'", what, about);
  return status;
}

/* Mean brightness, 0 to 1, of the square of pixels that becomes (y, x) of the output. */
static double brightness(const fm_volume *image, int64_t y, int64_t x) {
  double sum = 0;
  int count = 0;
  for (int64_t j = y * STEP; j < (y + 1) * STEP && j < image->height; j++)
    for (int64_t i = x * STEP; i < (x + 1) * STEP && i < image->width; i++)
      for (int64_t c = 0; c < image->channels; c++, count++)
        sum +=
            ((const unsigned char *)image
                 ->data)[j * image->row_stride + i * image->col_stride + c * image->channel_stride];
  return sum / 255 / count;
}

static float *segment(const segmenter *s, const fm_volume *image, int64_t height, int64_t width) {
  float *logits = malloc((size_t)(s->class_count * height * width) * sizeof *logits);
  for (int64_t i = 0; logits && i < height * width; i++) {
    double bright = brightness(image, i / width, i % width);
    for (int32_t k = 0; k < s->class_count; k++) {
      double off = bright - (s->class_count > 1 ? (double)k / (s->class_count - 1) : 0);
      logits[k * height * width + i] = (float)(-s->sharpness * off * off);
    }
  }
  return logits;
}

/* Called with 1 .. batch samples; here one by one. */
static fm_status predict(const fm_sample *const *samples, fm_prediction *const *predictions,
                         int64_t count, void *user, fm_error *err) {
  const segmenter *s = user;
  for (int64_t n = 0; n < count; n++) {
    const fm_volume *image = &samples[n]->image;
    int64_t height = (image->height + STEP - 1) / STEP, width = (image->width + STEP - 1) / STEP;
    float *logits = segment(s, image, height, width);
    if (!logits) {
      for (int64_t i = 0; i < n; i++) free(predictions[i]->user); /* what was made is ours */
      return fail(err, FM_ERR_MEMORY, "no memory for the logits of", samples[n]->id);
    }
    predictions[n]->user = logits;
    predictions[n]->output->values = (fm_volume){.data = logits,
                                                 .dtype = FM_F32,
                                                 .channels = s->class_count,
                                                 .height = height,
                                                 .width = width};
  }
  return FM_OK;
}

static void release(fm_prediction *prediction, void *user) {
  (void)user;
  free(prediction->user);
}

static fm_status read_options(segmenter *s, const fm_plugin_setup *setup, fm_error *err) {
  s->sharpness = 8;
  for (int64_t i = 0; i < setup->option_count; i++) {
    char *end;
    if (strcmp(setup->keys[i], "sharpness"))
      return fail(err, FM_ERR_ARGUMENT, "the only key is sharpness, not", setup->keys[i]);
    s->sharpness = strtod(setup->values[i], &end);
    if (end == setup->values[i] || *end || !(s->sharpness > 0 && s->sharpness < 1e6))
      return fail(err, FM_ERR_ARGUMENT, "sharpness is a number from 0 to 1e6, not",
                  setup->values[i]);
  }
  return FM_OK;
}

fm_status fm_plugin_open(const fm_plugin_setup *setup, fm_plugin *plugin, fm_error *err) {
  plugin->abi = FM_PLUGIN_ABI;
  if (setup->abi != FM_PLUGIN_ABI)
    return fail(err, FM_ERR_MISMATCH, "needs another", "FM_PLUGIN_ABI");
  segmenter *s = calloc(1, sizeof *s);
  if (!s) return fail(err, FM_ERR_MEMORY, "no memory for", "the segmenter");
  fm_status status = read_options(s, setup, err);
  if (status) {
    free(s);
    return status;
  }
  s->class_count = setup->labels->class_count;
  s->network = (fm_network_loss_options){.size = sizeof s->network, .kind = FM_OUTPUT_LOGITS};
  snprintf(s->identity, sizeof s->identity, "sharpness %.17g", s->sharpness);
  plugin->batch = 2;
  plugin->concurrency = 64; /* predict changes nothing */
  plugin->name = "brightness";
  plugin->identity = s->identity;
  plugin->network = &s->network;
  plugin->predict = predict;
  plugin->release = release;
  plugin->close = free;
  plugin->user = s;
  return FM_OK;
}
