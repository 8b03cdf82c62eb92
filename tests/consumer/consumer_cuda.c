/* consumer/consumer_cuda.c - somebody's program on a CUDA device; where there is none, the library says so. */
#include <freemask/cuda.h>
#include <stdio.h>

int main(void) {
  fm_error err = {0, 0, ""};
  fm_cuda *device = NULL;
  fm_status status = fm_cuda_create(0, &device, &err);
  if (fm_cuda_abi_version() != FM_CUDA_ABI_VERSION) return 1;
  if (status != FM_OK && (status != FM_ERR_UNSUPPORTED || err.message[0] == 0)) return 1;
  fm_cuda_destroy(device);
  puts("consumer: fine");
  return 0;
}
