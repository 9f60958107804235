// Batch normalisation, a relu and max pooling over windows of 2 × 2 pixels as one op, so that the normalised images and
// their gradient are never written. The images have an even height and width.
#pragma once

#include "batch_norm.h"

namespace {

// The windows; rows are those of the pooled images.
struct PooledPixels {
  explicit PooledPixels(const Tensor& x)
      : channels(x.size(3)),
        width(x.size(2) / 2),
        rows(x.size(0) * x.size(1) / 2),
        size(4 * width * channels) {}

  // Calls body(x's index, y's index, channel) for each vector of a row.
  template <typename Body>
  INLINED void each(int64_t row, Body body) const {
    for (int64_t column = 0; column < width; ++column)
      for (int64_t c = 0; c < channels; c += kLanes)
        body(corner(row, column) + c, position(row, column) + c, c);
  }

  // The indices of a window's first pixel and of its largest value.
  int64_t corner(int64_t row, int64_t column) const { return row * size + 2 * column * channels; }
  int64_t position(int64_t row, int64_t column) const { return (row * width + column) * channels; }
  // The index of a window's pixel, relative to the first.
  int64_t place(int pixel) const {
    return (pixel % 2) * channels + (pixel / 2) * 2 * width * channels;
  }

  // The largest of a window's values after normalisation. A relu doesn't change which one it is, unless all become 0.
  template <typename T>
  struct Largest {
    Largest(const PooledPixels& images, const T* x, int64_t at, Floats factor, Floats term) {
      for (int pixel = 0; pixel < 4; ++pixel) {
        values[pixel] = load(x + at + images.place(pixel));
        normalized[pixel] = values[pixel] * factor + term;
      }
      largest = normalized[0];
      for (int pixel = 1; pixel < 4; ++pixel) largest = larger(normalized[pixel], largest);
    }

    // Calls take(pixel, mask); the mask is set where the pixel is the first with the largest value.
    template <typename Take>
    INLINED void each(Take take) const {
      Masks before{};
      for (int pixel = 0; pixel < 4; ++pixel) {
        const Masks first = (normalized[pixel] == largest) & ~before;
        before |= first;
        take(pixel, first);
      }
    }

    Floats values[4], normalized[4], largest;
  };

  template <typename T>
  void pool(const T* x, const float* factor, const float* term, int64_t from, int64_t to,
            T* y) const {
    for (int64_t row = from; row < to; ++row)
      each(row, [&](int64_t at, int64_t out, int64_t c) INLINED {
        const Largest<T> window(*this, x, at, load(factor + c), load(term + c));
        store(y + out, activate<kRelu>(window.largest));
      });
  }

  // The sums of the gradient before the relu and of its products with x − mean.
  template <typename T>
  void sums(const Backward<T>& by, int64_t from, int64_t to, double* sum, double* products) const {
    const int64_t height = std::max<int64_t>(1, kBlock / width);
    for (int64_t block = from; block < to; block += height) {
      const int64_t end = std::min(to, block + height);
      for (int64_t c = 0; c < channels; c += kLanes) {
        const Floats mean = load(by.mean + c), factor = load(by.factor + c);
        const Floats term = load(by.term + c);
        Floats s{}, p{};
        for (int64_t row = block; row < end; ++row) {
          for (int64_t column = 0; column < width; ++column) {
            const Largest<T> window(*this, by.x, corner(row, column) + c, factor, term);
            Floats value{};
            window.each([&](int pixel, Masks first) INLINED {
              value += select(first, window.values[pixel]);
            });
            const Floats dy = load(by.dy + position(row, column) + c);
            const Floats gradient = passBack<kRelu>(window.largest, dy);
            s += gradient;
            p += gradient * (value - mean);
          }
        }
        addLanes(s, sum + c);
        addLanes(p, products + c);
      }
    }
  }

  // dx = factor · (dz − shared) − slope · (x − mean), dz being the gradient before the relu
  template <typename T>
  void gradient(const Backward<T>& by, int64_t from, int64_t to) const {
    for (int64_t row = from; row < to; ++row)
      each(row, [&](int64_t at, int64_t out, int64_t c) INLINED {
        const Floats factor = load(by.factor + c), mean = load(by.mean + c);
        const Floats shared = load(by.shared + c), slope = load(by.slope + c);
        const Largest<T> window(*this, by.x, at, factor, load(by.term + c));
        const Floats dz = passBack<kRelu>(window.largest, load(by.dy + out));
        window.each([&](int pixel, Masks first) INLINED {
          store(by.dx + at + place(pixel), factor * (select(first, dz) - shared) -
                                               slope * (window.values[pixel] - mean));
        });
      });
  }

  int64_t channels, width, rows, size;
};

// x, gamma, beta, mean, variance → y
template <typename T>
void normalizePool(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, byChannel[4], y;
  call.input(0, &x);
  for (int i = 0; i < 4; ++i) call.input(i + 1, &byChannel[i]);
  if (!call.ok()) return;
  const PooledPixels pooled(x);
  call.output(0, typeOf<T>(), {x.size(0), x.size(1) / 2, pooled.width, pooled.channels}, &y);
  if (!call.ok()) return;
  const Scale by(byChannel, call.attributes.epsilon, pooled.channels);
  Threads::instance().share(pooled.rows, grainOf(pooled.size),
                            [&](int64_t from, int64_t to) {
                              pooled.pool(x.data<T>(), by.factor.data(), by.term.data(), from, to,
                                           y.data<T>());
                            });
}

}  // namespace
