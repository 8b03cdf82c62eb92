/* dsp/vector/loss.h - the loss kernels in terms of vectors of LANES floats.
 *
 * Included once by each file of an instruction set, after it has defined:
 *   KERNEL            attributes of every function: static inline, "target"
 *   LEVEL_KERNELS     the name of the table made at the end
 *   vec, LANES        the vector type
 *   v_load, v_store   unaligned; v_load_bytes: the same from untyped memory
 *   v_load_half, v_load_bfloat   from LANES 16-bit numbers
 *   v_set, v_add, v_sub, v_mul, v_div, v_fma (a * b + c, rounded once or twice)
 *   v_min, v_max      the second operand where one is NaN
 *   v_scale(p, m)     p * 2^k, k being the low bits of m's pattern
 *   v_split(x, &e)    m of x = m * 2^e, m in [sqrt(1/2), sqrt(2))
 *   v_sum, v_least, v_largest    over the lanes
 *   v_sum4(a, b, c, d, out)      the sums of four vectors
 *   v_blend(corners, weights, base, c)   LANES channels from c on: the sum of weights[i] *
 *                     corners[i][c], less base, in double, then rounded
 *   v_less(a, b)      a - LANES doubles, in double, then rounded
 *   v_transpose4(from, stride, to, pixel)   4 x 4 floats, untyped `stride` bytes apart, to
 *                     rows `pixel` floats apart
 *
 * Why it is fast: along a row (or a column) inside one cell of the network's grid,
 * bilinear values are linear, so their exponentials are a geometric progression. Four
 * exponentials serve up to 16 pixels. Lanes are channels: so any scale, aligned to the
 * grid or not, uses all lanes. */

#include "dsp/vector/loss_math.h"
#include "dsp/vector/loss_stage.h"
/* These in turn use the two above. */
#include "dsp/vector/loss_blocks.h"
#include "dsp/vector/loss_planar.h"
#include "dsp/vector/loss_queries.h"

KERNEL_ENTRY int fn_stage_finish_entry(float *pixel, size_t channels, size_t padded, float *top) {
  return fn_stage_finish(pixel, channels, padded, top);
}

KERNEL_ENTRY void fn_logarithms_entry(float *values, size_t n) { fn_logarithms(values, n); }

const fm__loss_kernels LEVEL_KERNELS = {
    fn_regular,
    fn_transpose,
    fn_stage_finish_entry,
    {{fn_block_1_1, fn_block_2_1, fn_block_3_1, fn_block_4_1},
     {fn_block_1_2, fn_block_2_2, fn_block_3_2, fn_block_4_2},
     {fn_block_1_3, fn_block_2_3, fn_block_3_3, fn_block_4_3},
     {fn_block_1_4, fn_block_2_4, fn_block_3_4, fn_block_4_4}},
    fn_wide,
    fn_queries,
    fn_planar,
    fn_widen,
    fn_pixel,
    fn_losses,
    fn_logarithms_entry,
    LANES,
};
