// 3 × 3 convolutions of stride 1 by Winograd's F(4 × 4, 3 × 3): a tile of 6 × 6 pixels and the filter are
// transformed, their 36 entries are multiplied elementwise, and the inverse transform gives 4 × 4 pixels of the output,
// with 36 products instead of 144. Over all tiles, channels and outputs, each of the 36 entries is a matrix product:
//
//   y = A'[(G g G') · (B' d B)]A        dg = G'[(B' d B) · (A dy A')]G
//
// See Lavin and Gray 2016, "Fast algorithms for convolutional neural networks". In bfloat16, images and the transformed
// tiles and filters are rounded; transforms and sums are computed in float32.
#pragma once

#include "matrix.h"
#include "op.h"
#include "scratch.h"
#include "threads.h"
#include "winograd_transforms.h"

namespace {

// Number of tiles per block, so that their matrices fit into a core's L2 cache, but enough for each reading of the filter.
template <typename Term>
inline int64_t blockOf(int64_t channels, int64_t outputs) {
  constexpr int64_t kMatrices = 512 << 10;
  const int64_t fitting = kMatrices / (termsOf<Term>(channels + outputs) * kEntries * sizeof(Term));
  return std::max(fitting, int64_t{48}) / kLines * kLines;
}

// Whether the filter's matrices are larger than those of all tiles.
inline bool areFew(const Tiles& tiles, int64_t channels) { return tiles.count < channels; }

// The distance between matrices of the given size: apart by a power of two, their entries for one tile would
// share few lines of the cache.
constexpr int64_t apart(int64_t size) { return size + kLanes; }

// Outputs are computed in groups of this size, so that their matrices stay in the cache.
constexpr int64_t kTogether = 64;
inline int64_t groupsOf(int64_t outputs) { return (outputs + kTogether - 1) / kTogether; }
inline Range groupOf(int64_t outputs, int64_t group) {
  return {group * kTogether, std::min(kTogether, outputs - group * kTogether)};
}

// All tiles of the images as 36 matrices of the given layout, `next` terms apart.
template <typename Term, typename T, typename Layout>
inline const Term* transformAll(const Tiles& tiles, const Images& images, const T* values,
                                Layout layout, int64_t next) {
  static thread_local Scratch scratch;
  Term* all = scratch.take<Term>(kEntries * next);
  const int64_t parts = termsOf<Term>(tiles.count);
  Threads::instance().share(parts, 1, [&](int64_t from, int64_t to) {
    const int64_t first = from * kPerTerm<Term>, last = std::min(to * kPerTerm<Term>, tiles.count);
    transformTiles(tiles, first, last, images, {0, layout.columns}, values, InputTransform(),
                   layout.at(all, first, 0), next, layout);
  });
  return all;
}

// Many tiles: the filter is transformed once, then the tiles block by block.
template <typename T, typename Term = typename TermOf<T>::type>
inline void convolveInBlocks(const Tiles& tiles, const Images& in, const Images& out, const T* x,
                             const Filter& filter, T* y) {
  const int64_t channels = padded(in.channels), outputs = padded(out.channels);
  const int64_t terms = termsOf<Term>(channels), block = blockOf<Term>(channels, outputs);
  static thread_local Scratch ofFilter;
  Term* filters = ofFilter.take<Term>(kEntries * terms * outputs);
  Threads& threads = Threads::instance();
  threads.share(channels / kLanes, grainOf(kLanes * outputs), [&](int64_t from, int64_t to) {
    for (int64_t i = 0; i < groupsOf(outputs); ++i) {
      const Range group = groupOf(outputs, i), rows{from * kLanes, (to - from) * kLanes};
      transformFilter(filter, rows, group, filters + kEntries * terms * group.first,
                      terms * group.count, InPanels(channels, group.count, rows.first));
    }
  });
  threads.share(tiles.count, kLines, [&](int64_t from, int64_t to) {
    static thread_local Scratch ofInput, ofProducts;
    Term* tilesOfInput = ofInput.take<Term>(kEntries * apart(block * terms));
    float* products = ofProducts.take<float>(kEntries * apart(block * kTogether));
    for (int64_t first = from; first < to; first += block) {
      const int64_t last = std::min(to, first + block), lines = last - first;
      const int64_t nextInput = apart(lines * terms);
      transformTiles(tiles, first, last, in, {0, channels}, x, InputTransform(), tilesOfInput,
                     nextInput, SumsAlongRows{channels});
      for (int64_t j = 0; j < groupsOf(outputs); ++j) {
        const Range group = groupOf(outputs, j);
        const Term* own = filters + kEntries * terms * group.first;
        const int64_t next = apart(lines * group.count);
        for (int i = 0; i < kEntries; ++i)
          multiply({tilesOfInput + i * nextInput, terms, 1}, lines, own + i * terms * group.count,
                   terms, true, products + i * next, group.count);
        collectOutput(tiles, first, last, out, group, products, next, y);
      }
    }
  });
}

// Few tiles: they are transformed at once, and the filter, which is larger, in parts.
template <typename T, typename Term = typename TermOf<T>::type>
inline void convolveInGroups(const Tiles& tiles, const Images& in, const Images& out, const T* x,
                             const Filter& filter, T* y) {
  const int64_t channels = padded(in.channels), outputs = padded(out.channels);
  const int64_t terms = termsOf<Term>(channels), nextInput = apart(tiles.count * terms);
  const Term* tilesOfInput = transformAll<Term>(tiles, in, x, SumsAlongRows{channels}, nextInput);
  Threads::instance().share(groupsOf(outputs), 1, [&](int64_t from, int64_t to) {
    static thread_local Scratch ofFilter, ofProducts;
    Term* part = ofFilter.take<Term>(kEntries * kDepth * kTogether);
    float* products = ofProducts.take<float>(kEntries * apart(tiles.count * kTogether));
    for (int64_t j = from; j < to; ++j) {
      const Range group = groupOf(outputs, j);
      const int64_t next = apart(tiles.count * group.count);
      for (int64_t first = 0; first < terms; first += kDepth) {
        const int64_t depth = std::min(kDepth, terms - first), nextPart = depth * group.count;
        const Range rows{first * kPerTerm<Term>, depth * kPerTerm<Term>};
        transformFilter(filter, rows, group, part, nextPart, InPanels(rows.count, group.count));
        for (int i = 0; i < kEntries; ++i)
          multiply({tilesOfInput + i * nextInput + first, terms, 1}, tiles.count,
                   part + i * nextPart, depth, first == 0, products + i * next, group.count);
      }
      collectOutput(tiles, 0, tiles.count, out, group, products, next, y);
    }
  });
}

// x, filter → y; `transposed`: dy, filter → dx
template <typename T>
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
  call.output(0, typeOf<T>(), {x.size(0), out.height, out.width, outputs}, &y);
  if (!call.ok()) return;
  const Tiles tiles(out, x.size(0));
  const auto convolve = areFew(tiles, channels) ? convolveInGroups<T> : convolveInBlocks<T>;
  convolve(tiles, in, out, x.data<T>(),
           {filter.data<float>(), channels, outputs, given.transposed}, y.data<T>());
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
template <typename T, typename Term = typename TermOf<T>::type>
inline void gradientInBlocks(const Tiles& tiles, const Images& in, const Images& out, const T* x,
                             const T* dy, float* gradient) {
  const int64_t channels = padded(in.channels), outputs = padded(out.channels);
  const int64_t size = channels * outputs;
  const int64_t block = blockOf<Term>(channels, outputs);
  Threads& threads = Threads::instance();
  std::vector<const float*> parts(threads.size());
  std::vector<Scratch>& ofSums = scratchOfParts();
  threads.split(tiles.count, kLines, [&](int64_t from, int64_t to, int part) {
    static thread_local Scratch ofInput, ofGradient;
    Term* tilesOfInput = ofInput.take<Term>(kEntries * apart(termsOf<Term>(block) * channels));
    Term* tilesOfGradient = ofGradient.take<Term>(kEntries * apart(termsOf<Term>(block) * outputs));
    float* sums = ofSums[part].take<float>(kEntries * size);
    for (int64_t first = from; first < to; first += block) {
      const int64_t last = std::min(to, first + block), lines = last - first;
      const int64_t terms = termsOf<Term>(lines);
      const int64_t nextInput = apart(terms * channels), nextGradient = apart(terms * outputs);
      transformTiles(tiles, first, last, in, {0, channels}, x, InputTransform(), tilesOfInput,
                     nextInput, SumsAcrossRows{channels});
      transformTiles(tiles, first, last, out, {0, outputs}, dy, GradientTransform(),
                     tilesOfGradient, nextGradient, InPanels(lines, outputs));
      for (int i = 0; i < kEntries; ++i)
        multiply({tilesOfInput + i * nextInput, 1, channels}, channels,
                 tilesOfGradient + i * nextGradient, terms, first == from, sums + i * size, outputs);
    }
    parts[part] = sums;
  });
  threads.share(in.channels, grainOf(outputs), [&](int64_t from, int64_t to) {
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
template <typename T, typename Term = typename TermOf<T>::type>
inline void gradientInGroups(const Tiles& tiles, const Images& in, const Images& out, const T* x,
                             const T* dy, float* gradient) {
  const int64_t channels = padded(in.channels), outputs = padded(out.channels), count = tiles.count;
  const int64_t terms = termsOf<Term>(count), nextInput = apart(terms * channels);
  const Term* tilesOfInput = transformAll<Term>(tiles, in, x, SumsAcrossRows{channels}, nextInput);
  Threads::instance().share(groupsOf(outputs), 1, [&](int64_t from, int64_t to) {
    static thread_local Scratch ofGradient, ofSums;
    Term* tilesOfGradient = ofGradient.take<Term>(kEntries * apart(terms * kTogether));
    float* sums = ofSums.take<float>(kEntries * kDepth * kTogether);
    for (int64_t j = from; j < to; ++j) {
      const Range group = groupOf(outputs, j);
      const int64_t nextGradient = apart(terms * group.count);
      transformTiles(tiles, 0, count, out, group, dy, GradientTransform(), tilesOfGradient,
                     nextGradient, InPanels(count, group.count));
      for (int64_t first = 0; first < channels; first += kDepth) {
        const int64_t lines = std::min(kDepth, channels - first), next = lines * group.count;
        const int64_t rows = std::min(lines, in.channels - first);
        for (int i = 0; i < kEntries; ++i)
          multiply({tilesOfInput + i * nextInput + first, 1, channels}, lines,
                   tilesOfGradient + i * nextGradient, terms, true, sums + i * next, group.count);
        for (int64_t c = 0; c < rows; ++c)
          collectGradient({sums + c * group.count}, next, group.of(out.channels),
                          gradient + (first + c) * out.channels + group.first,
                          in.channels * out.channels);
      }
    }
  });
}

// x, dy → dfilter
template <typename T>
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
  const auto gradient = areFew(tiles, channels) ? gradientInGroups<T> : gradientInBlocks<T>;
  gradient(tiles, in, out, x.data<T>(), dy.data<T>(), dFilter.data<float>());
}

}  // namespace
