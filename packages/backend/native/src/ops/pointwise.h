// 1 × 1 convolutions of stride 1 in float32: a matrix product, whose values get bias and activation while they are in
// registers.
#pragma once

#include <algorithm>

#include "activation.h"
#include "matrix.h"
#include "op.h"
#include "scratch.h"
#include "threads.h"

namespace {

// The filter [channels, outputs], or its transpose, in panels; `columns`, whole vectors, are the outputs and zeros.
inline void packFilter(const float* filter, bool transposed, int64_t channels, int64_t outputs,
                       int64_t columns, float* panels) {
  Threads::instance().share(channels, grainOf(columns), [&](int64_t from, int64_t to) {
    for (int64_t begin = 0; begin < columns; begin += kPanel) {
      const int64_t width = std::min(kPanel, columns - begin);
      const int64_t count = std::min(width, outputs - begin);
      float* panel = panels + inPanels(channels, columns, 0, begin);
      for (int64_t c = from; c < to; ++c)
        std::fill(panel + c * width + count, panel + (c + 1) * width, 0.f);
      if (!transposed) {
        for (int64_t c = from; c < to; ++c)
          std::copy_n(filter + c * outputs + begin, count, panel + c * width);
        continue;
      }
      // Lines of memory are read and written whole.
      for (int64_t block = from; block < to; block += kLanes)
        for (int64_t o = 0; o < count; ++o)
          for (int64_t c = block; c < std::min(to, block + kLanes); ++c)
            panel[c * width + o] = filter[(begin + o) * channels + c];
    }
  });
}

// Number of rows that stay in a core's L2 cache with their products; more if the filter is slow to read.
inline int64_t rowsPerBlock(int64_t channels, int64_t columns) {
  constexpr int64_t kValues = 16 << 10;
  return std::max<int64_t>(kValues / std::max(channels, columns), 48) / kLines * kLines;
}

// Products that get bias and activation, and are written; meanwhile, what the next block reads is fetched bit by bit, as
// many requests at once would hold up the products.
template <Activation activation>
struct Activated {
  static constexpr bool keeps = false;

  void meanwhile() const {
    const int64_t count = std::min(share, left);
    prefetch(next, count);
    next += count;
    left -= count;
  }

  INLINED void put(int64_t line, int64_t column, Floats product) const {
    const Floats value = activate<activation>(product + load(terms + column));
    float* to = y + line * outputs + column;
    if (large)
      stream(to, value);
    else if (column + kLanes <= outputs)
      store(to, value);
    else
      store(to, value, outputs - column);
  }

  const float* terms;
  float* y;
  int64_t outputs;
  bool large;
  mutable const float* next;
  mutable int64_t left;
  int64_t share;
};

// x, filter, bias (or nothing) → activation(x · filter + bias); `transposed`: dy, filter → dx
void pointwise(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, filter, bias, y;
  call.input(0, &x);
  call.input(1, &filter);
  call.input(2, &bias);
  if (!call.ok()) return;
  const Attributes& given = call.attributes;
  const int64_t channels = x.size(3), outputs = filter.size(given.transposed ? 2 : 3);
  const int64_t columns = padded(outputs);
  call.output(0, TF_FLOAT, {x.size(0), x.size(1), x.size(2), outputs}, &y);
  if (!call.ok()) return;

  static thread_local Scratch ofFilter, ofBias;
  float* panels = ofFilter.take<float>(channels * columns);
  packFilter(filter.data<float>(), given.transposed, channels, outputs, columns, panels);
  float* terms = ofBias.take<float>(columns, true);
  if (bias.size(0) > 0) std::copy_n(bias.data<float>(), outputs, terms);

  const int64_t rows = x.size(0) * x.size(1) * x.size(2), block = rowsPerBlock(channels, columns);
  const bool large = outputs % kLanes == 0 && rows * outputs > kCached;
  const int64_t grain = std::max<int64_t>(kLines, 16 * kGrain / (channels * columns));
  withActivation(given.activation, [&](auto constant) {
    constexpr Activation kind = decltype(constant)::value;
    Threads::instance().share(rows, grain, [&](int64_t from, int64_t to) {
      static thread_local Scratch ofProducts;
      float* products = ofProducts.take<float>(block * columns);
      for (int64_t first = from; first < to; first += block) {
        const int64_t last = std::min(to, first + block), lines = last - first;
        const int64_t next = std::min(to - last, block) * channels;
        const int64_t steps = std::max<int64_t>(1, stepsOf(lines, channels, columns));
        const Activated<kind> output{terms, y.data<float>() + first * outputs, outputs, large,
                                     x.data<float>() + last * channels, next,
                                     padded((next + steps - 1) / steps)};
        multiply({x.data<float>() + first * channels, channels, 1}, lines, panels, channels, true,
                 products, columns, output);
      }
    });
  });
}

}  // namespace
