/* cuda/kernels.cu - the kernels, in the part of C that is C++ too: nvcc compiles this file for devices, and
 * the tests compile it for the host. */
#include "cuda/floor.h"
#include "cuda/judge.h"
#include "cuda/map.h"
#include "cuda/shown.h"
#include "cuda/sum.h"
