// Max pooling with non-overlapping windows, and its gradient: dy goes to the first maximum.
#pragma once

#include "op.h"
#include "threads.h"

namespace {

struct Pool {
  int64_t height, width, channels, outHeight, outWidth;
  int windowHeight, windowWidth, strideHeight, strideWidth;
};

template <typename T>
inline void pool(const Pool& pool, const T* x, int64_t from, int64_t to, T* y) {
  for (int64_t row = from; row < to; ++row) {
    const int64_t image = row / pool.outHeight, i = row % pool.outHeight;
    for (int64_t j = 0; j < pool.outWidth; ++j) {
      const int64_t lines = std::min<int64_t>(pool.windowHeight, pool.height - i * pool.strideHeight);
      const int64_t columns = std::min<int64_t>(pool.windowWidth, pool.width - j * pool.strideWidth);
      const int64_t corner =
          (image * pool.height + i * pool.strideHeight) * pool.width + j * pool.strideWidth;
      for (int64_t c = 0; c < pool.channels; c += kLanes) {
        Floats largest = load(x + corner * pool.channels + c);
        for (int64_t a = 0; a < lines; ++a) {
          for (int64_t b = 0; b < columns; ++b) {
            const Floats value = load(x + (corner + a * pool.width + b) * pool.channels + c);
            largest = larger(value, largest);
          }
        }
        store(y + (row * pool.outWidth + j) * pool.channels + c, largest);
      }
    }
  }
}

template <typename T>
inline void poolGradient(const Pool& pool, const T* x, const T* y, const T* dy, int64_t from,
                         int64_t to, T* dx) {
  for (int64_t row = from; row < to; ++row) {
    const int64_t image = row / pool.outHeight, i = row % pool.outHeight;
    for (int64_t j = 0; j < pool.outWidth; ++j) {
      for (int64_t c = 0; c < pool.channels; c += kLanes) {
        const int64_t out = (row * pool.outWidth + j) * pool.channels + c;
        const Floats largest = load(y + out);
        Floats rest = load(dy + out);
        for (int a = 0; a < pool.windowHeight; ++a) {
          for (int b = 0; b < pool.windowWidth; ++b) {
            const int64_t line = i * pool.strideHeight + a, column = j * pool.strideWidth + b;
            if (line >= pool.height || column >= pool.width) continue;
            const int64_t at =
                ((image * pool.height + line) * pool.width + column) * pool.channels + c;
            const Masks first = load(x + at) == largest;
            store(dx + at, select(first, rest));
            rest = select(~first, rest);
          }
        }
      }
    }
  }
}

// x → y
template <typename T>
void maxPool(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, y;
  call.input(0, &x);
  if (!call.ok()) return;
  const Attributes& given = call.attributes;
  call.output(0, typeOf<T>(), {x.size(0), given.size[0], given.size[1], x.size(3)}, &y);
  if (!call.ok()) return;
  const Pool window{x.size(1),       x.size(2),       x.size(3),        given.size[0],   given.size[1],
                    given.window[0], given.window[1], given.strides[0], given.strides[1]};
  const int64_t grain = grainOf(window.outWidth * window.channels);
  Threads::instance().share(x.size(0) * window.outHeight, grain,
                            [&](int64_t from, int64_t to) {
                              pool(window, x.data<T>(), from, to, y.data<T>());
                            });
}

// x, y, dy → dx
template <typename T>
void maxPoolGradient(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, y, dy, dx;
  call.input(0, &x);
  call.input(1, &y);
  call.input(2, &dy);
  if (!call.ok()) return;
  call.output(0, typeOf<T>(), x.shape(), &dx);
  if (!call.ok()) return;
  const Attributes& given = call.attributes;
  const Pool pool{x.size(1),       x.size(2),       x.size(3),        y.size(1),       y.size(2),
                  given.window[0], given.window[1], given.strides[0], given.strides[1]};
  // The gradient is 0 between windows, and after the last one.
  const bool covers = pool.windowHeight == pool.strideHeight &&
                      pool.windowWidth == pool.strideWidth &&
                      pool.outHeight * pool.strideHeight >= pool.height &&
                      pool.outWidth * pool.strideWidth >= pool.width;
  if (!covers) std::memset(dx.data<T>(), 0, TF_TensorByteSize(dx.tensor));
  const int64_t grain = grainOf(pool.outWidth * pool.channels);
  Threads::instance().share(x.size(0) * pool.outHeight, grain, [&](int64_t from, int64_t to) {
    poolGradient(pool, x.data<T>(), y.data<T>(), dy.data<T>(), from, to, dx.data<T>());
  });
}

}  // namespace
