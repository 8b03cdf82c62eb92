/* filter/promise.c - when sums of shares over images allow a promise about the next image. */
#include <math.h>

#include "core/fail.h"
#include "core/ln.h"
#include "core/options.h"
#include "filter/calibration.h"

static const double UNIT = 1073741824; /* 2^30 */
static const double DEFAULT_ALPHA = 0.05;
/* Above so many images the Bentkus bound, a sum over images, gains nothing that matters. */
enum { MOST_BENTKUS = 20000 };

fm_status fm__promise_read(fm_promise *known, const fm_promise *promise, fm_error *err) {
  fm_status status = FM__OPTIONS_READ(known, promise, fm_promise, delta, err);
  if (status) return status;
  if (known->alpha == 0) known->alpha = DEFAULT_ALPHA;
  if (!(known->alpha > 0 && known->alpha < 1))
    return fm__fail(err, FM_ERR_ARGUMENT,
                    "fm_promise: alpha is %g, expected a share between 0 and 1", known->alpha);
  if (!(known->delta >= 0 && known->delta < 1))
    return fm__fail(err, FM_ERR_ARGUMENT, "fm_promise: delta is %g, expected 0 to less than 1",
                    known->delta);
  return FM_OK;
}

/* Of Hoeffding's bound: the relative entropy of two coins, a below b. */
static double entropy(double a, double b) {
  double first = a > 0 ? a * fm__ln(a / b) : 0;
  return first + (1 - a) * fm__ln((1 - a) / (1 - b));
}

/* The logarithm of the chance of at most m heads among n throws, each with chance alpha, where m is
 * not far above n * alpha. */
static double log_tail(int64_t m, int64_t n, double alpha) {
  double top = 0, sum = 1, term = 1;
  for (int64_t i = 0; i < m; i++) top += fm__ln((double)(n - i) / (double)(i + 1));
  top += (double)m * fm__ln(alpha) + (double)(n - m) * fm__ln(1 - alpha);
  for (int64_t j = m; j > 0; j--) {
    term *= (double)j * (1 - alpha) / ((double)(n - j + 1) * alpha);
    sum += term;
  }
  return top + fm__ln(sum);
}

/* The logarithm of the p-value of "the expected share is above alpha" (Bates and others, 2021). */
static double log_p(double mean, int64_t n, double alpha) {
  if (mean >= alpha) return 0;
  double hoeffding = -(double)n * entropy(mean, alpha);
  if (n > MOST_BENTKUS) return hoeffding;
  double bentkus = 1 + log_tail((int64_t)ceil((double)n * mean), n, alpha);
  return bentkus < hoeffding ? bentkus : hoeffding;
}

bool fm__promise_kept(int64_t sum, int64_t n, double alpha, double delta) {
  double shares = (double)sum / UNIT;
  if (!n) return false;
  if (!(delta > 0)) return shares + 1 <= alpha * (double)(n + 1);
  return log_p(shares / (double)n, n, alpha) <= fm__ln(delta);
}

float fm__bin_end(size_t bin, size_t bins, int per_octave) {
  if (bin + 1 >= bins) return INFINITY;
  int octave = (int)bin / per_octave, step = (int)bin % per_octave;
  return (float)ldexp(1 + (double)step / per_octave, octave - 24);
}
