/* cuda/some_image.c - stands for the kernels where there is no nvcc: the fake driver does not look at it. */
#include "cuda/device.h"

static const unsigned char image[] = {0};
const unsigned char *const fm__cu_image = image;
