// Depthwise convolution, one filter per channel, with its gradients. A block of channels, one vector wide, is processed
// for a whole row, so that the filter's values for them stay in the nearest cache.
#pragma once

#include "activation.h"
#include "batch_norm.h"
#include "op.h"
#include "scratch.h"
#include "threads.h"

namespace {

// Sizes of a depthwise convolution. A window begins at (i · strideHeight − top, j · strideWidth − left).
struct Depthwise {
  int64_t images, height, width, channels, outHeight, outWidth;
  int filterHeight, filterWidth, strideHeight, strideWidth, top, left;

  int64_t pixel(int64_t image, int64_t i, int64_t j) const {
    return ((image * height + i) * width + j) * channels;
  }
  int64_t position(int64_t image, int64_t i, int64_t j) const {
    return ((image * outHeight + i) * outWidth + j) * channels;
  }
};

// The part [first, last) of a filter of `size` that lies inside [0, length) if it begins at `begin`.
struct Inside {
  Inside(int64_t begin, int size, int64_t length)
      : first(static_cast<int>(std::max<int64_t>(0, -begin))),
        last(static_cast<int>(std::min<int64_t>(size, length - begin))) {}
  bool whole(int size) const { return first == 0 && last == size; }
  int first, last;
};

// Batch normalisation and an activation before a depthwise convolution.
struct Before {
  const Scale& scale;
  int32_t activation;
};

// The lines of the images that a thread reads, from top to bottom: as they are in memory, or normalised. Then each line is computed
// when it is first needed, and kept in the caches for as long as windows contain it.
class Lines {
 public:
  Lines(const Depthwise& by, const float* x, const Before* before) : by_(by), x_(x) {
    if (!before) return;
    scale_ = &before->scale;
    withActivation(before->activation,
                   [&](auto kind) { normalize_ = scale<kind(), false, float>; });
    static thread_local Scratch ofLines;
    kept_ = ofLines.take<float>(by.filterHeight * by.width * by.channels);
  }

  // The lines `first` to `last` of an image, at to[0], to[1], …
  void get(int64_t image, int64_t first, int64_t last, const float** to) {
    for (int64_t line = first; line < last; ++line) *to++ = at(image, line);
  }

  // Fetches `count` values, `skipped` values after the beginning of a line, that will be read in an order which the processor
  // doesn't foresee. Normalising reads in the order of memory.
  void fetch(int64_t image, int64_t line, int64_t skipped, int64_t count) const {
    if (inMemory()) prefetch(x_ + by_.pixel(image, line, 0) + skipped, count);
  }

 private:
  bool inMemory() const { return !scale_; }

  const float* at(int64_t image, int64_t line) {
    const float* own = x_ + by_.pixel(image, line, 0);
    if (inMemory()) return own;
    float* kept = kept_ + line % by_.filterHeight * by_.width * by_.channels;
    if (image != image_ || line > last_) {
      normalize_(own, scale_->factor.data(), scale_->term.data(), nullptr, 0, by_.width,
                 by_.channels, kept);
      image_ = image;
      last_ = line;
    }
    return kept;
  }

  const Depthwise& by_;
  const float* x_;
  const Scale* scale_ = nullptr;
  decltype(&scale<kNone, false, float>) normalize_ = nullptr;
  float* kept_ = nullptr;
  // The last line that has been normalised.
  int64_t image_ = -1, last_ = -1;
};

// Adds to sums[0 … kCount) the products of a filter's row with windows in a row of x, kStride pixels apart. Neighbouring
// windows share the loaded pixels. Of those, [first, last) lie inside the row: all of them, if `whole`.
template <int kWidth, int kStride, int kCount, bool whole>
INLINED inline void addRow(const float* x, int64_t channels, int first, int last,
                           const Floats* values, Floats* sums) {
#pragma GCC unroll 16
  for (int p = 0; p < (kCount - 1) * kStride + kWidth; ++p) {
    if (!whole && (p < first || p >= last)) continue;
    const Floats pixel = load(x + p * channels);
#pragma GCC unroll 4
    for (int k = 0; k < kCount; ++k)
      if (p >= k * kStride && p < k * kStride + kWidth) sums[k] += pixel * values[p - k * kStride];
  }
}

// The largest filter, in values, whose values are copied to the stack.
constexpr int kMostTaps = 121;

template <Activation activation, int kWidth, int kStride>
inline void depthwiseRow(const Depthwise& by, Lines& source, const float* filter, const float* bias,
                         int64_t image, int64_t i, float* y) {
  const int width = kWidth > 0 ? kWidth : by.filterWidth;
  const int64_t line = i * by.strideHeight - by.top;
  const Inside rows(line, by.filterHeight, by.height);
  const float* lines[kMostTaps];
  source.get(image, line + rows.first, line + rows.last, lines + rows.first);
  // The lines of x that only the next row reads. Fetched in order: the loop below takes one vector of each pixel at a time.
  const int64_t next = line + by.filterHeight;
  const int64_t count = std::max<int64_t>(0, std::min<int64_t>(by.strideHeight, by.height - next));
  const int64_t share = count * by.width * kLanes;
  Floats taps[kMostTaps];
  for (int64_t c = 0; c < by.channels; c += kLanes) {
    if (share > 0) source.fetch(image, next, c / kLanes * share, share);
    for (int k = 0; k < by.filterHeight * width; ++k) taps[k] = load(filter + k * by.channels + c);
    const Floats start = load(bias + c);
    float* out = y + by.position(image, i, 0) + c;
    int64_t j = 0;
    if constexpr (kWidth > 0) {
      const auto several = [&](auto count) INLINED {
        constexpr int kCount = count(), kPixels = (kCount - 1) * kStride + kWidth;
        const int64_t column = j * kStride - by.left;
        const Inside columns(column, kPixels, by.width);
        Floats sums[kCount];
        for (auto& sum : sums) sum = start;
        const auto add = [&](auto whole) INLINED {
          for (int a = rows.first; a < rows.last; ++a)
            addRow<kWidth, kStride, kCount, whole()>(lines[a] + column * by.channels + c,
                                                     by.channels, columns.first, columns.last,
                                                     taps + a * kWidth, sums);
        };
        if (columns.whole(kPixels))
          add(std::true_type());
        else
          add(std::false_type());
        for (int k = 0; k < kCount; ++k)
          store(out + (j + k) * by.channels, activate<activation>(sums[k]));
        j += kCount;
      };
      while (j + 4 <= by.outWidth) several(std::integral_constant<int, 4>());
      if (j + 2 <= by.outWidth) several(std::integral_constant<int, 2>());
      if (j < by.outWidth) several(std::integral_constant<int, 1>());
    }
    for (; j < by.outWidth; ++j) {
      const int64_t column = j * by.strideWidth - by.left;
      const Inside columns(column, width, by.width);
      Floats sum = start;
      for (int a = rows.first; a < rows.last; ++a)
        for (int b = columns.first; b < columns.last; ++b)
          sum += load(lines[a] + (column + b) * by.channels + c) * taps[a * width + b];
      store(out + j * by.channels, activate<activation>(sum));
    }
  }
}

// Divides the rows of all images among the threads: work(from, to).
template <typename Work>
void splitRows(int64_t rows, int64_t cost, const Work& work) {
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, cost));
  Threads::instance().share(rows, grain, [&](int64_t from, int64_t to) { work(from, to); });
}

// y = activation(x ∗ filter + bias), x being normalised before, if wanted. `filter` is [height, width, channels].
inline void depthwise(const Depthwise& by, int32_t activation, const float* x, const Before* before,
                      const float* filter, const float* bias, float* y) {
  const auto rows = [&](auto compute) {
    splitRows(by.images * by.outHeight, by.outWidth * by.channels, [&](int64_t from, int64_t to) {
      Lines source(by, x, before);
      for (int64_t row = from; row < to; ++row)
        compute(by, source, filter, bias, row / by.outHeight, row % by.outHeight, y);
    });
  };
  withActivation(activation, [&](auto constant) {
    constexpr Activation kind = decltype(constant)::value;
    if (by.filterWidth == 3 && by.strideWidth == 1) return rows(depthwiseRow<kind, 3, 1>);
    if (by.filterWidth == 3 && by.strideWidth == 2) return rows(depthwiseRow<kind, 3, 2>);
    if (by.filterWidth == 5 && by.strideWidth == 1) return rows(depthwiseRow<kind, 5, 1>);
    if (by.filterWidth == 5 && by.strideWidth == 2) return rows(depthwiseRow<kind, 5, 2>);
    rows(depthwiseRow<kind, 0, 0>);
  });
}

// The gradient by a row of x: dx[i, j] = Σ dy[(i + top − a) / stride, (j + left − b) / stride] · filter[a, b] over whole
// quotients. A width known to the compiler is for strides of 2.
template <int kWidth>
inline void depthwiseInputRow(const Depthwise& by, const float* dy, const float* filter,
                              int64_t image, int64_t i, float* dx) {
  // The rows of the filter that meet the stride's grid, and the lines of dy that they meet.
  int rows[kMostTaps], count = 0;
  const float* lines[kMostTaps];
  for (int64_t a = (i + by.top) % by.strideHeight; a < by.filterHeight; a += by.strideHeight) {
    const int64_t line = (i + by.top - a) / by.strideHeight;
    if (i + by.top < a || line >= by.outHeight) continue;
    rows[count] = static_cast<int>(a) * by.filterWidth;
    lines[count++] = dy + by.position(image, line, 0);
  }
  Floats taps[kMostTaps];
  for (int64_t c = 0; c < by.channels; c += kLanes) {
    for (int k = 0; k < by.filterHeight * by.filterWidth; ++k)
      taps[k] = load(filter + k * by.channels + c);
    const auto single = [&](int64_t j) {
      Floats sum{};
      for (int k = 0; k < count; ++k)
        for (int64_t b = (j + by.left) % by.strideWidth; b < by.filterWidth; b += by.strideWidth) {
          const int64_t column = (j + by.left - b) / by.strideWidth;
          if (j + by.left < b || column >= by.outWidth) continue;
          sum += load(lines[k] + column * by.channels + c) * taps[rows[k] + b];
        }
      store(dx + by.pixel(image, i, j) + c, sum);
    };
    int64_t j = 0;
    if constexpr (kWidth > 0) {
      // Two neighbouring pixels, the first on the stride's grid, meet the same columns of dy: `column` and those before.
      constexpr int kColumns = (kWidth + 1) / 2;
      int64_t column = std::max<int64_t>(kColumns - 1, (by.left + 1) / 2);
      const int64_t end = std::min(by.outWidth, (by.width + by.left) / 2);
      for (; j < std::min(by.width, 2 * column - by.left); ++j) single(j);
      for (; column < end; ++column, j += 2) {
        Floats first{}, second{};
        for (int k = 0; k < count; ++k) {
          const float* at = lines[k] + column * by.channels + c;
          for (int back = 0; back < kColumns; ++back) {
            const Floats gradient = load(at - back * by.channels);
            first += gradient * taps[rows[k] + 2 * back];
            if (2 * back + 1 < kWidth) second += gradient * taps[rows[k] + 2 * back + 1];
          }
        }
        store(dx + by.pixel(image, i, j) + c, first);
        store(dx + by.pixel(image, i, j + 1) + c, second);
      }
    }
    for (; j < by.width; ++j) single(j);
  }
}

// The same with strides of 1: a depthwise convolution of dy with the reversed filter.
inline void depthwiseReversed(const Depthwise& by, const float* dy, const float* filter, float* dx) {
  const int64_t taps = by.filterHeight * by.filterWidth;
  std::vector<float> reversed(taps * by.channels);
  for (int64_t k = 0; k < taps; ++k)
    std::copy_n(filter + (taps - 1 - k) * by.channels, by.channels, &reversed[k * by.channels]);
  const std::vector<float> bias(by.channels);
  const Depthwise back{by.images,       by.outHeight,   by.outWidth, by.channels,
                       by.height,       by.width,       by.filterHeight, by.filterWidth,
                       1,               1,              by.filterHeight - 1 - by.top,
                       by.filterWidth - 1 - by.left};
  depthwise(back, kNone, dy, nullptr, reversed.data(), bias.data(), dx);
}

// Adds to sums[a][b], vectors, the products of a row of dy and of x at that distance, for a block of channels.
template <int kWidth, int kStride>
inline void addTaps(const Depthwise& by, const float* const* lines, const Inside& rows,
                    const float* dy, int64_t image, int64_t i, int64_t c, float* sums) {
  constexpr int kMost = kWidth > 0 ? kWidth : kMostTaps;
  const int width = kWidth > 0 ? kWidth : by.filterWidth;
  const int64_t stride = kWidth > 0 ? kStride : by.strideWidth;
  const float* gradients = dy + by.position(image, i, 0) + c;
  for (int a = rows.first; a < rows.last; ++a) {
    const float* pixels = lines[a] + c;
    float* own = sums + a * width * kLanes;
    Floats totals[kMost];
    for (int b = 0; b < width; ++b) totals[b] = load(own + b * kLanes);
    for (int64_t j = 0; j < by.outWidth; ++j) {
      const int64_t column = j * stride - by.left;
      const Floats gradient = load(gradients + j * by.channels);
      if (column >= 0 && column + width <= by.width) {
        for (int b = 0; b < width; ++b)
          totals[b] += gradient * load(pixels + (column + b) * by.channels);
        continue;
      }
      for (int b = 0; b < width; ++b)
        if (column + b >= 0 && column + b < by.width)
          totals[b] += gradient * load(pixels + (column + b) * by.channels);
    }
    for (int b = 0; b < width; ++b) store(own + b * kLanes, totals[b]);
  }
}

// The gradient by the filter. Each image is summed on its own, so the order of the sums doesn't depend on the number of
// threads, and float32's error stays small.
inline void depthwiseFilterGradient(const Depthwise& by, const float* x, const Before* before,
                                    const float* dy, float* dFilter) {
  const auto add = by.filterWidth == 3 && by.strideWidth == 1   ? addTaps<3, 1>
                   : by.filterWidth == 3 && by.strideWidth == 2 ? addTaps<3, 2>
                   : by.filterWidth == 5 && by.strideWidth == 1 ? addTaps<5, 1>
                   : by.filterWidth == 5 && by.strideWidth == 2 ? addTaps<5, 2>
                                                                : addTaps<0, 0>;
  const int64_t blocks = by.channels / kLanes, taps = by.filterHeight * by.filterWidth;
  const int64_t size = taps * kLanes;
  static thread_local Scratch ofSums;
  float* sums = ofSums.take<float>(by.images * blocks * size, true);
  Threads& threads = Threads::instance();
  threads.share(by.images * blocks, 1, [&](int64_t from, int64_t to) {
    Lines source(by, x, before);
    const float* lines[kMostTaps];
    for (int64_t at = from; at < to;) {
      const int64_t image = at / blocks, first = at % blocks;
      const int64_t last = std::min(blocks, first + to - at);
      // Row by row, in the order of memory.
      for (int64_t i = 0; i < by.outHeight; ++i) {
        const int64_t line = i * by.strideHeight - by.top;
        const Inside rows(line, by.filterHeight, by.height);
        source.get(image, line + rows.first, line + rows.last, lines + rows.first);
        for (int64_t block = first; block < last; ++block)
          add(by, lines, rows, dy, image, i, block * kLanes,
              sums + (image * blocks + block) * size);
      }
      at += last - first;
    }
  });
  threads.share(blocks, std::max<int64_t>(1, kGrain / (by.images * size)),
                [&](int64_t from, int64_t to) {
    for (int64_t block = from; block < to; ++block)
      for (int64_t k = 0; k < taps; ++k) {
        Floats total{};
        for (int64_t image = 0; image < by.images; ++image)
          total += load(sums + (image * blocks + block) * size + k * kLanes);
        store(dFilter + k * by.channels + block * kLanes, total);
      }
  });
}

// `x` is the shape of the images, `y` of the outputs.
inline Depthwise sizesOf(const Attributes& given, const std::vector<int64_t>& x,
                         const std::vector<int64_t>& y) {
  return {x[0], x[1], x[2], x[3], y[1], y[2], given.window[0], given.window[1],
          given.strides[0], given.strides[1], given.padding[0], given.padding[1]};
}

// Batch normalisation and an activation before a depthwise convolution, from the inputs gamma, beta, mean and variance, which begin at
// `place`. Calls work with nothing if the op has none.
template <bool normalizes, typename Work>
void withBefore(Call& call, int place, int64_t channels, const Work& work) {
  if (!normalizes) return work(nullptr);
  Tensor byChannel[4];
  for (int i = 0; i < 4; ++i) call.input(place + i, &byChannel[i]);
  if (!call.ok()) return;
  const Scale scale(byChannel, call.attributes.epsilon, channels);
  const Before before{scale, call.attributes.before};
  work(&before);
}

// x, filter, bias, and optionally gamma, beta, mean, variance of a batch normalisation before it → y
template <bool normalizes>
void depthwiseOp(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, filter, bias, y;
  call.input(0, &x);
  call.input(1, &filter);
  call.input(2, &bias);
  if (!call.ok()) return;
  const Attributes& given = call.attributes;
  const std::vector<int64_t> shape = {x.size(0), given.size[0], given.size[1], x.size(3)};
  call.output(0, TF_FLOAT, shape, &y);
  if (!call.ok()) return;
  withBefore<normalizes>(call, 3, x.size(3), [&](const Before* before) {
    depthwise(sizesOf(given, x.shape(), shape), given.activation, x.data<float>(), before,
              filter.data<float>(), bias.data<float>(), y.data<float>());
  });
}

// dy, filter → dx
void depthwiseInputGradientOp(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor dy, filter, dx;
  call.input(0, &dy);
  call.input(1, &filter);
  if (!call.ok()) return;
  const Attributes& given = call.attributes;
  const std::vector<int64_t> shape = {dy.size(0), given.size[0], given.size[1], dy.size(3)};
  call.output(0, TF_FLOAT, shape, &dx);
  if (!call.ok()) return;
  const Depthwise by = sizesOf(given, shape, dy.shape());
  if (by.strideHeight == 1 && by.strideWidth == 1)
    return depthwiseReversed(by, dy.data<float>(), filter.data<float>(), dx.data<float>());
  const bool halves = by.strideHeight == 2 && by.strideWidth == 2;
  const auto row = halves && by.filterWidth == 3   ? depthwiseInputRow<3>
                   : halves && by.filterWidth == 5 ? depthwiseInputRow<5>
                                                   : depthwiseInputRow<0>;
  splitRows(by.images * by.height, by.width * by.channels, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i)
      row(by, dy.data<float>(), filter.data<float>(), i / by.height, i % by.height,
          dx.data<float>());
  });
}

// x, dy, and optionally gamma, beta, mean, variance of a batch normalisation of x → dFilter
template <bool normalizes>
void depthwiseFilterGradientOp(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, dy, dFilter;
  call.input(0, &x);
  call.input(1, &dy);
  if (!call.ok()) return;
  const Attributes& given = call.attributes;
  call.output(0, TF_FLOAT, {given.window[0], given.window[1], x.size(3), 1}, &dFilter);
  if (!call.ok()) return;
  withBefore<normalizes>(call, 2, x.size(3), [&](const Before* before) {
    depthwiseFilterGradient(sizesOf(given, x.shape(), dy.shape()), x.data<float>(), before,
                            dy.data<float>(), dFilter.data<float>());
  });
}

// y = activation(x + bias), of rows of channels.
void addBias(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, bias, y;
  call.input(0, &x);
  call.input(1, &bias);
  if (!call.ok()) return;
  call.output(0, TF_FLOAT, x.shape(), &y);
  if (!call.ok()) return;
  const float *from = x.data<float>(), *terms = bias.data<float>();
  float* to = y.data<float>();
  const int64_t channels = bias.size(0), rows = TF_TensorElementCount(x.tensor) / channels;
  withActivation(call.attributes.activation, [&](auto constant) {
    constexpr Activation kind = decltype(constant)::value;
    Threads::instance().share(rows, grainOf(channels), [&](int64_t first, int64_t last) {
      for (int64_t row = first; row < last; ++row)
        for (int64_t c = 0; c < channels; c += kLanes) {
          const int64_t at = row * channels + c;
          store(to + at, activate<kind>(load(from + at) + load(terms + c)));
        }
    });
  });
}

}  // namespace
