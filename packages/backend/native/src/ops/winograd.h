// 3 × 3 convolutions of stride 1 in float32 by Winograd's F(4 × 4, 3 × 3): a tile of 6 × 6 pixels and the filter are
// transformed, their 36 entries are multiplied elementwise, and the inverse transform gives 4 × 4 pixels of the output,
// with 36 products instead of 144. Over all tiles, channels and outputs, each of the 36 entries is a matrix product:
//
//   y = A'[(G g G') · (B' d B)]A        dg = G'[(B' d B) · (A dy A')]G
//
// See Lavin and Gray 2016, "Fast algorithms for convolutional neural networks". The transforms evaluate polynomials at
// 0, ±√½, ±√2 and infinity, not at their 0, ±1, ±2 and infinity: as the points' products are near 1, the rounding errors
// are about a third, and three times those of the plain sum.
#pragma once

#include "matrix.h"
#include "op.h"
#include "scratch.h"
#include "threads.h"

namespace {

// Number of pixels along the side of a tile of the output, and of the input that it depends on.
constexpr int kOutputSide = 4, kInputSide = kOutputSide + 2;
constexpr int kEntries = kInputSide * kInputSide;
constexpr float kSmall = 0.70710678f, kLarge = 1.41421356f;  // √½ and √2

// The transforms of a row or column, without multiplications by 0 and 1.
struct InputTransform {  // B'
  static constexpr int from = kInputSide, to = kInputSide;
  void operator()(const Floats* d, Floats* to) const {
    const Floats even = d[4] - d[2] * 2, odd = d[3] * kSmall - d[1] * kLarge;
    const Floats evenOfLarge = d[4] - d[2] * 0.5f, oddOfLarge = d[3] * kLarge - d[1] * kSmall;
    to[0] = d[0] - d[2] * 2.5f + d[4];
    to[1] = even + odd;
    to[2] = even - odd;
    to[3] = evenOfLarge + oddOfLarge;
    to[4] = evenOfLarge - oddOfLarge;
    to[5] = d[1] - d[3] * 2.5f + d[5];
  }
};
struct OutputTransform {  // A'
  static constexpr int from = kInputSide, to = kOutputSide;
  void operator()(const Floats* m, Floats* to) const {
    const Floats even = m[1] + m[2], odd = (m[1] - m[2]) * kSmall;
    const Floats evenOfLarge = m[3] + m[4], oddOfLarge = (m[3] - m[4]) * kLarge;
    to[0] = m[0] + even + evenOfLarge;
    to[1] = odd + oddOfLarge;
    to[2] = even * 0.5f + evenOfLarge * 2;
    to[3] = odd * 0.5f + oddOfLarge * 2 + m[5];
  }
};
struct GradientTransform {  // A
  static constexpr int from = kOutputSide, to = kInputSide;
  void operator()(const Floats* dy, Floats* to) const {
    const Floats even = dy[0] + dy[2] * 0.5f, odd = (dy[1] + dy[3] * 0.5f) * kSmall;
    const Floats evenOfLarge = dy[0] + dy[2] * 2, oddOfLarge = (dy[1] + dy[3] * 2) * kLarge;
    to[0] = dy[0];
    to[1] = even + odd;
    to[2] = even - odd;
    to[3] = evenOfLarge + oddOfLarge;
    to[4] = evenOfLarge - oddOfLarge;
    to[5] = dy[3];
  }
};
struct FilterTransform {  // G
  static constexpr int from = 3, to = kInputSide;
  void operator()(const Floats* g, Floats* to) const {
    const Floats even = (g[0] + g[2] * 0.5f) * (-2 / 3.0f), odd = g[1] * (-2 / 3.0f * kSmall);
    const Floats evenOfLarge = g[0] * (1 / 6.0f) + g[2] * (1 / 3.0f), oddOfLarge = g[1] * (kLarge / 6);
    to[0] = g[0];
    to[1] = even + odd;
    to[2] = even - odd;
    to[3] = evenOfLarge + oddOfLarge;
    to[4] = evenOfLarge - oddOfLarge;
    to[5] = g[2];
  }
};
struct FilterGradientTransform {  // G'
  static constexpr int from = kInputSide, to = 3;
  void operator()(const Floats* u, Floats* to) const {
    const Floats even = (u[1] + u[2]) * (-2 / 3.0f), odd = (u[1] - u[2]) * (-2 / 3.0f * kSmall);
    const Floats evenOfLarge = (u[3] + u[4]) * (1 / 6.0f), oddOfLarge = (u[3] - u[4]) * (kLarge / 6);
    to[0] = u[0] + even + evenOfLarge;
    to[1] = odd + oddOfLarge;
    to[2] = even * 0.5f + evenOfLarge * 2 + u[5];
  }
};

// Transforms the columns of a square, then its rows.
template <typename Line>
inline void transform(const Floats* from, Floats* to, Line line) {
  constexpr int kFrom = Line::from, kTo = Line::to;
  Floats half[kTo * kFrom];
#pragma GCC unroll 6
  for (int j = 0; j < kFrom; ++j) {
    Floats column[kFrom], changed[kTo];
#pragma GCC unroll 6
    for (int i = 0; i < kFrom; ++i) column[i] = from[i * kFrom + j];
    line(column, changed);
#pragma GCC unroll 6
    for (int i = 0; i < kTo; ++i) half[i * kFrom + j] = changed[i];
  }
#pragma GCC unroll 6
  for (int i = 0; i < kTo; ++i) line(half + i * kFrom, to + i * kTo);
}

// Images divided into tiles, which start at every fourth pixel from (−top, −left).
struct Images {
  int64_t height, width, channels, top, left;
};
// The tiles that cover an output of the given size.
struct Tiles {
  Tiles(const Images& output, int64_t images)
      : columns((output.width + kOutputSide - 1) / kOutputSide),
        perImage((output.height + kOutputSide - 1) / kOutputSide * columns),
        count(images * perImage) {}
  const int64_t columns, perImage, count;
};

// Pointers to the pixels of a tile of Size × Size; `outside` for those outside the image.
template <int Size, typename T>
inline void pixelIndices(const Tiles& tiles, int64_t tile, const Images& images, T* values, T* outside,
                     T* (&places)[Size * Size]) {
  const int64_t image = tile / tiles.perImage, rest = tile % tiles.perImage;
  const int64_t row = rest / tiles.columns * kOutputSide - images.top;
  const int64_t column = rest % tiles.columns * kOutputSide - images.left;
  for (int i = 0; i < Size; ++i)
    for (int j = 0; j < Size; ++j) {
      const int64_t y = row + i, x = column + j;
      const bool inside = y >= 0 && y < images.height && x >= 0 && x < images.width;
      const int64_t place = (image * images.height + y) * images.width + x;
      places[i * Size + j] = inside ? values + place * images.channels : outside;
    }
}

// Fetches values into the L2 cache. Tiles are read from several lines of an image, which the processor doesn't foresee.
inline void prefetch(const float* values, int64_t count) {
  constexpr int kLine = 16;
  for (int64_t at = 0; at < count; at += kLine) __builtin_prefetch(values + at, 0, 2);
}

// A range of channels, in whole vectors; those that an image or filter lacks are 0.
struct Range {
  int64_t first, count;
  // The number of channels that there are.
  int64_t of(int64_t channels) const { return std::min(count, channels - first); }
};

// Transforms some channels of the tiles [from, to) to 36 matrices, `matrix` values apart, with a row per tile; `at`
// returns the offset of a row's values.
template <typename Line, typename At>
inline void transformTiles(const Tiles& tiles, int64_t from, int64_t to, const Images& images,
                           Range channels, const float* values, Line line, float* matrices,
                           int64_t matrix, At at) {
  constexpr int kPixels = Line::from * Line::from;
  static thread_local Scratch scratch;
  const float* zeros = scratch.take<float>(padded(images.channels), true);
  const int64_t size = kOutputSide * kOutputSide * images.channels;
  for (int64_t tile = from; tile < to; ++tile) {
    const float* places[kPixels];
    pixelIndices<Line::from>(tiles, tile, images, values, zeros, places);
    prefetch(values + (tile + 2 * tiles.columns) * size, size);
    byVectors(channels.of(images.channels), [&](int64_t c, auto count) INLINED {
      Floats own[kPixels], changed[kEntries];
      for (int i = 0; i < kPixels; ++i) own[i] = load(places[i] + channels.first + c, count);
      transform(own, changed, line);
      float* target = matrices + at(tile - from, c);
      for (int i = 0; i < kEntries; ++i) store(target + i * matrix, changed[i]);
    });
  }
}

// Transforms the 36 matrices back to some channels of the output's tiles [from, to).
inline void collectOutput(const Tiles& tiles, int64_t from, int64_t to, const Images& images,
                          Range channels, const float* matrices, int64_t matrix, float* values) {
  constexpr int kPixels = kOutputSide * kOutputSide;
  const bool large =
      images.channels % kLanes == 0 && tiles.count * kPixels * images.channels > kCached;
  static thread_local Scratch scratch;
  float* nowhere = scratch.take<float>(padded(images.channels));
  for (int64_t tile = from; tile < to; ++tile) {
    float* places[kPixels];
    pixelIndices<kOutputSide>(tiles, tile, images, values, nowhere, places);
    const float* source = matrices + (tile - from) * channels.count;
    byVectors(channels.of(images.channels), [&](int64_t c, auto count) INLINED {
      Floats own[kEntries], changed[kPixels];
      for (int i = 0; i < kEntries; ++i) own[i] = load(source + i * matrix + c);
      transform(own, changed, OutputTransform());
      for (int i = 0; i < kPixels; ++i) {
        float* to = places[i] + channels.first + c;
        if (large)
          stream(to, changed[i]);
        else
          store(to, changed[i], count);
      }
    });
  }
}

// A filter [3, 3, channels, outputs]; or, for the gradient by the images, [3, 3, outputs, channels] and rotated by 180
// degrees.
struct Filter {
  const float* values;
  int64_t channels, outputs;
  bool turned;
};

// Transforms some channels and outputs of the filter to 36 matrices, `matrix` values apart; `at` returns the offset of
// a channel's values.
template <typename At>
inline void transformFilter(const Filter& filter, Range channels, Range outputs, float* matrices,
                            int64_t matrix, At at) {
  const int64_t size = filter.channels * filter.outputs;
  for (int64_t c = 0; c < channels.count; c += kLanes)
    byVectors(outputs.of(filter.outputs), [&](int64_t o, auto count) INLINED {
      const int64_t channel = channels.first + c, output = outputs.first + o;
      const int64_t rows = std::min<int64_t>(kLanes, filter.channels - channel);
      float turned[9][kLanes][kLanes];
      if (filter.turned) {
        const int64_t columns = std::min<int64_t>(kLanes, filter.outputs - output);
        for (int i = 0; i < 9; ++i)
          for (int column = 0; column < columns; ++column)
            for (int row = 0; row < rows; ++row)
              turned[i][row][column] =
                  filter.values[(8 - i) * size + (output + column) * filter.channels + channel + row];
      }
      for (int row = 0; row < kLanes; ++row) {
        Floats own[9] = {}, changed[kEntries];
        for (int i = 0; i < 9 && row < rows; ++i)
          own[i] = filter.turned ? load(turned[i][row], count)
                                 : load(filter.values + i * size +
                                            (channel + row) * filter.outputs + output,
                                        count);
        transform(own, changed, FilterTransform());
        float* target = matrices + at(c + row, o);
        for (int i = 0; i < kEntries; ++i) store(target + i * matrix, changed[i]);
      }
    });
}

// Number of tiles per block, so that their matrices fit into a core's L2 cache, but enough for each reading of the filter.
inline int64_t blockOf(int64_t channels, int64_t outputs) {
  constexpr int64_t kMatrices = 512 << 10;
  const int64_t fitting = kMatrices / ((channels + outputs) * kEntries * sizeof(float));
  return std::max(fitting, int64_t{48}) / 6 * 6;
}

// Whether the filter's matrices are larger than those of all tiles.
inline bool areFew(const Tiles& tiles, int64_t channels) { return tiles.count < channels; }

// The distance between matrices of the given size in work: apart by a power of two, their entries for one tile would
// share few lines of the cache.
constexpr int64_t apart(int64_t size) { return size + kLanes; }

// Outputs are computed in groups of this size, so that their matrices stay in the cache.
constexpr int64_t kTogether = 64;
inline int64_t groupsOf(int64_t outputs) { return (outputs + kTogether - 1) / kTogether; }
inline Range groupOf(int64_t outputs, int64_t group) {
  return {group * kTogether, std::min(kTogether, outputs - group * kTogether)};
}

// All tiles of the images as 36 matrices [tiles, channels], `apart(tiles * channels)` values apart.
inline const float* transformAll(const Tiles& tiles, const Images& images, const float* values) {
  static thread_local Scratch scratch;
  const int64_t channels = padded(images.channels), next = apart(tiles.count * channels);
  float* all = scratch.take<float>(kEntries * next);
  Threads::instance().split(tiles.count, 1, [&](int64_t from, int64_t to, int) {
    transformTiles(tiles, from, to, images, {0, channels}, values, InputTransform(), all, next,
                   [&](int64_t tile, int64_t c) { return (from + tile) * channels + c; });
  });
  return all;
}

// Many tiles: the filter is transformed once, then the tiles block by block.
inline void convolveInBlocks(const Tiles& tiles, const Images& in, const Images& out,
                             const float* x, const Filter& filter, float* y) {
  const int64_t channels = padded(in.channels), outputs = padded(out.channels);
  const int64_t block = blockOf(channels, outputs);
  static thread_local Scratch ofFilter;
  float* filters = ofFilter.take<float>(kEntries * channels * outputs);
  Threads& threads = Threads::instance();
  threads.split(channels / kLanes, grainOf(kLanes * outputs), [&](int64_t from, int64_t to, int) {
    for (int64_t i = 0; i < groupsOf(outputs); ++i) {
      const Range group = groupOf(outputs, i), rows{from * kLanes, (to - from) * kLanes};
      transformFilter(filter, rows, group, filters + kEntries * channels * group.first,
                      channels * group.count, [&](int64_t c, int64_t o) {
                        return inPanels(channels, group.count, rows.first + c, o);
                      });
    }
  });
  threads.split(tiles.count, 6, [&](int64_t from, int64_t to, int) {
    static thread_local Scratch ofInput, ofProducts;
    float* tilesOfInput = ofInput.take<float>(kEntries * apart(block * channels));
    float* products = ofProducts.take<float>(kEntries * apart(block * kTogether));
    for (int64_t first = from; first < to; first += block) {
      const int64_t last = std::min(to, first + block), lines = last - first;
      const int64_t nextInput = apart(lines * channels);
      transformTiles(tiles, first, last, in, {0, channels}, x, InputTransform(), tilesOfInput,
                     nextInput, [&](int64_t tile, int64_t c) { return tile * channels + c; });
      for (int64_t j = 0; j < groupsOf(outputs); ++j) {
        const Range group = groupOf(outputs, j);
        const float* own = filters + kEntries * channels * group.first;
        const int64_t next = apart(lines * group.count);
        for (int i = 0; i < kEntries; ++i)
          multiply({tilesOfInput + i * nextInput, channels, 1}, lines,
                   own + i * channels * group.count, channels, true, products + i * next,
                   group.count);
        collectOutput(tiles, first, last, out, group, products, next, y);
      }
    }
  });
}

// Few tiles: they are transformed at once, and the filter, which is larger, in parts.
inline void convolveInGroups(const Tiles& tiles, const Images& in, const Images& out,
                             const float* x, const Filter& filter, float* y) {
  const int64_t channels = padded(in.channels), outputs = padded(out.channels);
  const int64_t nextInput = apart(tiles.count * channels);
  const float* tilesOfInput = transformAll(tiles, in, x);
  Threads::instance().split(groupsOf(outputs), 1, [&](int64_t from, int64_t to, int) {
    static thread_local Scratch ofFilter, ofProducts;
    float* part = ofFilter.take<float>(kEntries * kDepth * kTogether);
    float* products = ofProducts.take<float>(kEntries * apart(tiles.count * kTogether));
    for (int64_t j = from; j < to; ++j) {
      const Range group = groupOf(outputs, j);
      const int64_t next = apart(tiles.count * group.count);
      for (int64_t first = 0; first < channels; first += kDepth) {
        const Range depth{first, std::min(kDepth, channels - first)};
        const int64_t nextPart = depth.count * group.count;
        transformFilter(filter, depth, group, part, nextPart, [&](int64_t c, int64_t o) {
          return inPanels(depth.count, group.count, c, o);
        });
        for (int i = 0; i < kEntries; ++i)
          multiply({tilesOfInput + i * nextInput + first, channels, 1}, tiles.count,
                   part + i * nextPart, depth.count, first == 0, products + i * next, group.count);
      }
      collectOutput(tiles, 0, tiles.count, out, group, products, next, y);
    }
  });
}

// x, filter → y; `transposed`: dy, filter → dx
void winograd(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, filter, y;
  call.input(0, &x);
  call.input(1, &filter);
  if (!call.ok()) return;
  const Attributes& given = call.attributes;
  const int64_t channels = x.size(3), outputs = filter.size(given.transposed ? 2 : 3);
  const Images in{x.size(1), x.size(2), channels, given.padding[0], given.padding[1]};
  const Images out{given.size[0], given.size[1], outputs, 0, 0};
  call.output(0, TF_FLOAT, {x.size(0), out.height, out.width, outputs}, &y);
  if (!call.ok()) return;
  const Tiles tiles(out, x.size(0));
  const auto convolve = areFew(tiles, channels) ? convolveInGroups : convolveInBlocks;
  convolve(tiles, in, out, x.data<float>(),
           {filter.data<float>(), channels, outputs, given.transposed}, y.data<float>());
}

// Transforms the sums of a row of the filter's 36 matrices to some outputs of its gradient, whose nine places are `size`
// values apart.
inline void collectGradient(const std::vector<const float*>& parts, int64_t matrix, int64_t outputs,
                            float* gradient, int64_t size) {
  byVectors(outputs, [&](int64_t o, auto count) INLINED {
    Floats own[kEntries], changed[9];
    for (int i = 0; i < kEntries; ++i) {
      own[i] = load(parts[0] + i * matrix + o);
      for (size_t part = 1; part < parts.size(); ++part)
        own[i] += load(parts[part] + i * matrix + o);
    }
    transform(own, changed, FilterGradientTransform());
    for (int i = 0; i < 9; ++i) store(gradient + i * size + o, changed[i], count);
  });
}

// Many tiles: each thread sums over some of them, block by block.
inline void gradientInBlocks(const Tiles& tiles, const Images& in, const Images& out, const float* x,
                             const float* dy, float* gradient) {
  const int64_t channels = padded(in.channels), outputs = padded(out.channels);
  const int64_t size = channels * outputs;
  const int64_t block = blockOf(channels, outputs);
  Threads& threads = Threads::instance();
  std::vector<const float*> parts(threads.size());
  threads.split(tiles.count, 6, [&](int64_t from, int64_t to, int part) {
    static thread_local Scratch ofInput, ofGradient, ofSums;
    float* tilesOfInput = ofInput.take<float>(kEntries * apart(block * channels));
    float* tilesOfGradient = ofGradient.take<float>(kEntries * apart(block * outputs));
    float* sums = ofSums.take<float>(kEntries * size);
    for (int64_t first = from; first < to; first += block) {
      const int64_t last = std::min(to, first + block), lines = last - first;
      const int64_t nextInput = apart(lines * channels), nextGradient = apart(lines * outputs);
      transformTiles(tiles, first, last, in, {0, channels}, x, InputTransform(), tilesOfInput,
                     nextInput, [&](int64_t tile, int64_t c) { return tile * channels + c; });
      transformTiles(tiles, first, last, out, {0, outputs}, dy, GradientTransform(),
                     tilesOfGradient, nextGradient,
                     [&](int64_t tile, int64_t o) { return inPanels(lines, outputs, tile, o); });
      for (int i = 0; i < kEntries; ++i)
        multiply({tilesOfInput + i * nextInput, 1, channels}, channels,
                 tilesOfGradient + i * nextGradient, lines, first == from, sums + i * size, outputs);
    }
    parts[part] = sums;
  });
  threads.split(in.channels, grainOf(outputs), [&](int64_t from, int64_t to, int) {
    for (int64_t c = from; c < to; ++c) {
      std::vector<const float*> rows;
      for (const float* sums : parts)
        if (sums) rows.push_back(sums + c * outputs);
      collectGradient(rows, size, out.channels, gradient + c * out.channels,
                      in.channels * out.channels);
    }
  });
}

// Few tiles: each thread computes some outputs, group by group.
inline void gradientInGroups(const Tiles& tiles, const Images& in, const Images& out, const float* x,
                             const float* dy, float* gradient) {
  const int64_t channels = padded(in.channels), outputs = padded(out.channels), count = tiles.count;
  const int64_t nextInput = apart(count * channels);
  const float* tilesOfInput = transformAll(tiles, in, x);
  Threads::instance().split(groupsOf(outputs), 1, [&](int64_t from, int64_t to, int) {
    static thread_local Scratch ofGradient, ofSums;
    float* tilesOfGradient = ofGradient.take<float>(kEntries * apart(count * kTogether));
    float* sums = ofSums.take<float>(kEntries * kDepth * kTogether);
    for (int64_t j = from; j < to; ++j) {
      const Range group = groupOf(outputs, j);
      const int64_t nextGradient = apart(count * group.count);
      transformTiles(tiles, 0, count, out, group, dy, GradientTransform(), tilesOfGradient,
                     nextGradient,
                     [&](int64_t tile, int64_t o) { return inPanels(count, group.count, tile, o); });
      for (int64_t first = 0; first < channels; first += kDepth) {
        const int64_t lines = std::min(kDepth, channels - first), next = lines * group.count;
        const int64_t rows = std::min(lines, in.channels - first);
        for (int i = 0; i < kEntries; ++i)
          multiply({tilesOfInput + i * nextInput + first, 1, channels}, lines,
                   tilesOfGradient + i * nextGradient, count, true, sums + i * next, group.count);
        for (int64_t c = 0; c < rows; ++c)
          collectGradient({sums + c * group.count}, next, group.of(out.channels),
                          gradient + (first + c) * out.channels + group.first,
                          in.channels * out.channels);
      }
    }
  });
}

// x, dy → dfilter
void winogradFilterGradient(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, dy, dFilter;
  call.input(0, &x);
  call.input(1, &dy);
  if (!call.ok()) return;
  const int64_t channels = x.size(3), outputs = dy.size(3);
  const std::vector<int32_t>& padding = call.attributes.padding;
  const Images in{x.size(1), x.size(2), channels, padding[0], padding[1]};
  const Images out{dy.size(1), dy.size(2), outputs, 0, 0};
  call.output(0, TF_FLOAT, {3, 3, channels, outputs}, &dFilter);
  if (!call.ok()) return;
  const Tiles tiles(out, x.size(0));
  const auto gradient = areFew(tiles, channels) ? gradientInGroups : gradientInBlocks;
  gradient(tiles, in, out, x.data<float>(), dy.data<float>(), dFilter.data<float>());
}

}  // namespace
