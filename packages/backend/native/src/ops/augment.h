// Augments images by programs, which @tricks/kernels documents.
#pragma once

#include <algorithm>
#include <vector>

#include "op.h"
#include "threads.h"

// Of augment.cc.
void augmentImages(float* out, const float* images, const double* program, float* scratch,
                   long height, long width, long fromHeight, long fromWidth, long channels,
                   long first, long last);

namespace {

// images [batch, height, width, channels], program → images of the given size
void augment(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor images, program, out;
  call.input(0, &images);
  call.input(1, &program);
  if (!call.ok()) return;
  const int64_t height = call.attributes.size[0], width = call.attributes.size[1];
  const int64_t fromHeight = images.size(1), fromWidth = images.size(2), channels = images.size(3);
  call.output(0, TF_FLOAT, {images.size(0), height, width, channels}, &out);
  if (!call.ok()) return;
  const int64_t size = height * std::max(width, fromWidth) * channels;
  // Float64 numbers in pairs of int32: TensorFlow aligns tensors to 64 bytes.
  const double* numbers = reinterpret_cast<const double*>(program.data<int32_t>());
  Threads::instance().share(images.size(0), grainOf(size), [&](int64_t first, int64_t last) {
    std::vector<float> scratch(std::max<int64_t>(size, 256));
    augmentImages(out.data<float>(), images.data<float>(), numbers, scratch.data(), height, width,
                  fromHeight, fromWidth, channels, first, last);
  });
}

}  // namespace
