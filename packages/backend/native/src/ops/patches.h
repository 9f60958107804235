// The matrix of a convolution's windows.
#pragma once

#include "op.h"
#include "threads.h"

namespace {

// x → a row per output position with the values of its window, zeros outside the image
template <typename T>
void patches(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, y;
  call.input(0, &x);
  if (!call.ok()) return;
  const Attributes& given = call.attributes;
  const int64_t height = x.size(1), width = x.size(2), channels = x.size(3);
  const int64_t outHeight = given.size[0], outWidth = given.size[1];
  const int64_t line = given.window[1] * channels, row = given.window[0] * line;
  call.output(0, typeOf<T>(), {x.size(0) * outHeight * outWidth, row}, &y);
  if (!call.ok()) return;
  const T* from = x.data<T>();
  T* to = y.data<T>();
  const int64_t places = x.size(0) * outHeight * outWidth;
  Threads::instance().share(places, grainOf(row), [&](int64_t first, int64_t last) {
    for (int64_t place = first; place < last; ++place) {
      const int64_t image = place / (outHeight * outWidth);
      const int64_t top = place / outWidth % outHeight * given.strides[0] - given.padding[0];
      const int64_t left = place % outWidth * given.strides[1] - given.padding[1];
      // The window's columns inside the image.
      const int64_t begin = std::min<int64_t>(given.window[1], std::max<int64_t>(0, -left));
      const int64_t end = std::max(begin, std::min<int64_t>(given.window[1], width - left));
      for (int64_t a = 0; a < given.window[0]; ++a) {
        T* target = to + place * row + a * line;
        if (top + a < 0 || top + a >= height) {
          std::memset(target, 0, line * sizeof(T));
          continue;
        }
        const T* source = from + ((image * height + top + a) * width + left) * channels;
        std::memset(target, 0, begin * channels * sizeof(T));
        std::memcpy(target + begin * channels, source + begin * channels,
                    (end - begin) * channels * sizeof(T));
        std::memset(target + end * channels, 0, (given.window[1] - end) * channels * sizeof(T));
      }
    }
  });
}

}  // namespace
