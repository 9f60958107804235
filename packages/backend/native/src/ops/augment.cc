// Compiled separately from the other ops: without fused multiply-add, which would move pixels and round levels
// differently than TypeScript does.
#include "augment.c"

void augmentImages(float* out, const float* images, const double* program, float* scratch,
                   long height, long width, long fromHeight, long fromWidth, long channels,
                   long first, long last) {
  augment_images(out, images, program, scratch, height, width, fromHeight, fromWidth, channels,
                 first, last);
}
