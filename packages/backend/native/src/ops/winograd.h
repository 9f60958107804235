// 3 × 3 convolutions of stride 1 in float32 by Winograd's F(4 × 4, 3 × 3): a tile of 6 × 6 pixels and the filter are
// transformed, their 36 entries are multiplied elementwise, and the inverse transform gives 4 × 4 pixels of the output,
// with 36 products instead of 144. Over all tiles, channels and outputs, each of the 36 entries is a matrix product:
//
//   y = A'[(G g G') · (B' d B)]A        dg = G'[(B' d B) · (A dy A')]G
//
// See Lavin and Gray 2016, "Fast algorithms for convolutional neural networks".
#pragma once

#include "matrix.h"
#include "op.h"
#include "scratch.h"
#include "threads.h"
#include "winograd_transforms.h"

namespace {

// Number of tiles per block, so that their matrices fit into a core's L2 cache, but enough for each reading of the filter.
inline int64_t blockOf(int64_t channels, int64_t outputs) {
  constexpr int64_t kMatrices = 512 << 10;
  const int64_t fitting = kMatrices / ((channels + outputs) * kEntries * sizeof(float));
  return std::max(fitting, int64_t{48}) / kLines * kLines;
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
  threads.split(tiles.count, kLines, [&](int64_t from, int64_t to, int) {
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
  std::vector<Scratch>& ofSums = scratchOfParts();
  threads.split(tiles.count, kLines, [&](int64_t from, int64_t to, int part) {
    static thread_local Scratch ofInput, ofGradient;
    float* tilesOfInput = ofInput.take<float>(kEntries * apart(block * channels));
    float* tilesOfGradient = ofGradient.take<float>(kEntries * apart(block * outputs));
    float* sums = ofSums[part].take<float>(kEntries * size);
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
