// 3 × 3 convolutions of stride 1 in float32 by Winograd's F(2 × 2, 3 × 3): a tile of 4 × 4 pixels and the filter are
// transformed, their 16 entries are multiplied elementwise, and the inverse transform gives 2 × 2 pixels of the output,
// with 16 products instead of 36. Over all tiles, channels and outputs, each of the 16 entries is a matrix product:
//
//   y = A'[(G g G') · (B' d B)]A        dg = G'[(B' d B) · (A dy A')]G
//
// See Lavin and Gray 2016, "Fast algorithms for convolutional neural networks".
#pragma once

#include "matrix.h"
#include "op.h"
#include "scratch.h"
#include "threads.h"

namespace {

// Number of entries of a transformed tile.
constexpr int kTransformed = 16;

// The transforms of a row or column, without multiplications by 0 and 1.
struct InputTransform {  // B'
  void operator()(const Floats* d, Floats* to) const {
    to[0] = d[0] - d[2];
    to[1] = d[1] + d[2];
    to[2] = d[2] - d[1];
    to[3] = d[1] - d[3];
  }
};
struct OutputTransform {  // A'
  void operator()(const Floats* m, Floats* to) const {
    to[0] = m[0] + m[1] + m[2];
    to[1] = m[1] - m[2] - m[3];
  }
};
struct GradientTransform {  // A
  void operator()(const Floats* dy, Floats* to) const {
    to[0] = dy[0];
    to[1] = dy[0] + dy[1];
    to[2] = dy[0] - dy[1];
    to[3] = -dy[1];
  }
};
struct FilterTransform {  // G
  void operator()(const Floats* g, Floats* to) const {
    const Floats ends = (g[0] + g[2]) * 0.5f, middle = g[1] * 0.5f;
    to[0] = g[0];
    to[1] = ends + middle;
    to[2] = ends - middle;
    to[3] = g[2];
  }
};
struct FilterGradientTransform {  // G'
  void operator()(const Floats* u, Floats* to) const {
    const Floats sum = (u[1] + u[2]) * 0.5f;
    to[0] = u[0] + sum;
    to[1] = (u[1] - u[2]) * 0.5f;
    to[2] = sum + u[3];
  }
};

// Transforms the columns of a square, then its rows.
template <int From, int To, typename Line>
inline void transform(const Floats (&from)[From * From], Floats (&to)[To * To], Line line) {
  Floats half[To * From];
#pragma GCC unroll 4
  for (int j = 0; j < From; ++j) {
    Floats column[From], changed[To];
#pragma GCC unroll 4
    for (int i = 0; i < From; ++i) column[i] = from[i * From + j];
    line(column, changed);
#pragma GCC unroll 4
    for (int i = 0; i < To; ++i) half[i * From + j] = changed[i];
  }
#pragma GCC unroll 4
  for (int i = 0; i < To; ++i) line(half + i * From, to + i * To);
}

// Images divided into tiles, which start at every second pixel from (−top, −left).
struct Images {
  int64_t height, width, channels, top, left;
};
// The 2 × 2 tiles that cover an output of the given size.
struct Tiles {
  Tiles(const Images& output, int64_t images)
      : columns((output.width + 1) / 2),
        perImage((output.height + 1) / 2 * columns),
        count(images * perImage) {}
  const int64_t columns, perImage, count;
};

// Pointers to the pixels of a tile of Size × Size; `outside` for those outside the image.
template <int Size, typename T>
inline void pixelIndices(const Tiles& tiles, int64_t tile, const Images& images, T* values, T* outside,
                     T* (&places)[Size * Size]) {
  const int64_t image = tile / tiles.perImage, rest = tile % tiles.perImage;
  const int64_t row = rest / tiles.columns * 2 - images.top;
  const int64_t column = rest % tiles.columns * 2 - images.left;
  for (int i = 0; i < Size; ++i)
    for (int j = 0; j < Size; ++j) {
      const int64_t y = row + i, x = column + j;
      const bool inside = y >= 0 && y < images.height && x >= 0 && x < images.width;
      const int64_t place = (image * images.height + y) * images.width + x;
      places[i * Size + j] = inside ? values + place * images.channels : outside;
    }
}

// Transforms the tiles [from, to) to 16 matrices with a row per tile; `at` returns the offset of a row's values.
template <int Size, typename Line, typename At>
inline void transformTiles(const Tiles& tiles, int64_t from, int64_t to, const Images& images,
                           const float* values, Line line, float* matrices, At at) {
  static thread_local Scratch scratch;
  const float* zeros = scratch.take<float>(images.channels, true);
  const int64_t count = to - from, matrix = count * images.channels;
  for (int64_t tile = 0; tile < count; ++tile) {
    const float* places[Size * Size];
    pixelIndices<Size>(tiles, from + tile, images, values, zeros, places);
    for (int64_t c = 0; c < images.channels; c += kLanes) {
      Floats own[Size * Size], changed[kTransformed];
      for (int i = 0; i < Size * Size; ++i) own[i] = load(places[i] + c);
      transform<Size, 4>(own, changed, line);
      float* target = matrices + at(tile, c);
      for (int i = 0; i < kTransformed; ++i) store(target + i * matrix, changed[i]);
    }
  }
}

// Transforms the 16 matrices back to the output's tiles [from, to).
inline void collectOutput(const Tiles& tiles, int64_t from, int64_t to, const Images& images,
                          const float* matrices, float* values) {
  static thread_local Scratch scratch;
  float* nowhere = scratch.take<float>(images.channels);
  const int64_t count = to - from, matrix = count * images.channels;
  for (int64_t tile = 0; tile < count; ++tile) {
    float* places[4];
    pixelIndices<2>(tiles, from + tile, images, values, nowhere, places);
    const float* source = matrices + tile * images.channels;
    for (int64_t c = 0; c < images.channels; c += kLanes) {
      Floats own[kTransformed], changed[4];
      for (int i = 0; i < kTransformed; ++i) own[i] = load(source + i * matrix + c);
      transform<4, 2>(own, changed, OutputTransform());
      for (int i = 0; i < 4; ++i) store(places[i] + c, changed[i]);
    }
  }
}

// Transforms the filter [3, 3, channels, outputs] to 16 matrices in panels.
inline void transformFilter(const float* filter, int64_t channels, int64_t outputs,
                            float* matrices) {
  const int64_t size = channels * outputs;
  Threads::instance().split(channels, grainOf(outputs), [&](int64_t from, int64_t to, int) {
    for (int64_t c = from; c < to; ++c)
      for (int64_t o = 0; o < outputs; o += kLanes) {
        Floats own[9], changed[kTransformed];
        for (int i = 0; i < 9; ++i) own[i] = load(filter + i * size + c * outputs + o);
        transform<3, 4>(own, changed, FilterTransform());
        float* target = matrices + inPanels(channels, outputs, c, o);
        for (int i = 0; i < kTransformed; ++i) store(target + i * size, changed[i]);
      }
  });
}

// The filter for the gradient by the images: rotated by 180 degrees, with channels and outputs swapped.
inline void turnFilter(const float* filter, int64_t channels, int64_t outputs, float* turned) {
  const int64_t size = channels * outputs;
  constexpr int64_t kBlock = 16;
  Threads::instance().split(outputs / kBlock, 1, [&](int64_t from, int64_t to, int) {
    for (int64_t block = from; block < to; ++block)
      for (int place = 0; place < 9; ++place)
        for (int64_t c = 0; c < channels; c += kBlock)
          for (int64_t o = block * kBlock; o < (block + 1) * kBlock; ++o)
            for (int64_t k = 0; k < kBlock; ++k)
              turned[(8 - place) * size + o * channels + c + k] =
                  filter[place * size + (c + k) * outputs + o];
  });
}

// Number of tiles per block, so that their matrices fit into a core's L2 cache; more if the filter's matrices are slow
// to read.
inline int64_t blockOf(int64_t channels, int64_t outputs) {
  constexpr int64_t kMatrices = 512 << 10;
  const int64_t fitting = kMatrices / ((channels + outputs) * kTransformed * sizeof(float));
  return std::max({fitting, (channels + outputs) / 6, int64_t{48}}) / 6 * 6;
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

  static thread_local Scratch ofFilter, ofTurned;
  float* filters = ofFilter.take<float>(kTransformed * channels * outputs);
  const float* own = filter.data<float>();
  if (given.transposed) {
    float* turned = ofTurned.take<float>(9 * channels * outputs);
    turnFilter(own, outputs, channels, turned);
    own = turned;
  }
  transformFilter(own, channels, outputs, filters);

  const Tiles tiles(out, x.size(0));
  const int64_t block = blockOf(channels, outputs);
  Threads::instance().split(tiles.count, 6, [&](int64_t from, int64_t to, int) {
    static thread_local Scratch ofInput, ofProducts;
    float* tilesOfInput = ofInput.take<float>(kTransformed * block * channels);
    float* products = ofProducts.take<float>(kTransformed * block * outputs);
    for (int64_t first = from; first < to; first += block) {
      const int64_t last = std::min(to, first + block), lines = last - first;
      transformTiles<4>(tiles, first, last, in, x.data<float>(), InputTransform(), tilesOfInput,
                        [&](int64_t tile, int64_t c) { return tile * channels + c; });
      for (int i = 0; i < kTransformed; ++i)
        multiply({tilesOfInput + i * lines * channels, channels, 1}, lines,
                 filters + i * channels * outputs, channels, true, products + i * lines * outputs,
                 outputs);
      collectOutput(tiles, first, last, out, products, y.data<float>());
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
  const Attributes& given = call.attributes;
  const int64_t channels = x.size(3), outputs = dy.size(3), size = channels * outputs;
  const Images in{x.size(1), x.size(2), channels, given.padding[0], given.padding[1]};
  const Images out{dy.size(1), dy.size(2), outputs, 0, 0};
  call.output(0, TF_FLOAT, {3, 3, channels, outputs}, &dFilter);
  if (!call.ok()) return;

  Threads& threads = Threads::instance();
  const Tiles tiles(out, x.size(0));
  const int64_t block = blockOf(channels, outputs);
  std::vector<const float*> parts(threads.size());
  threads.split(tiles.count, 6, [&](int64_t from, int64_t to, int part) {
    static thread_local Scratch ofInput, ofGradient, ofSums;
    float* tilesOfInput = ofInput.take<float>(kTransformed * block * channels);
    float* tilesOfGradient = ofGradient.take<float>(kTransformed * block * outputs);
    float* sums = ofSums.take<float>(kTransformed * size);
    for (int64_t first = from; first < to; first += block) {
      const int64_t last = std::min(to, first + block), lines = last - first;
      transformTiles<4>(tiles, first, last, in, x.data<float>(), InputTransform(), tilesOfInput,
                        [&](int64_t tile, int64_t c) { return tile * channels + c; });
      transformTiles<2>(tiles, first, last, out, dy.data<float>(), GradientTransform(),
                        tilesOfGradient,
                        [&](int64_t tile, int64_t o) { return inPanels(lines, outputs, tile, o); });
      for (int i = 0; i < kTransformed; ++i)
        multiply({tilesOfInput + i * lines * channels, 1, channels}, channels,
                 tilesOfGradient + i * lines * outputs, lines, first == from, sums + i * size,
                 outputs);
    }
    parts[part] = sums;
  });
  threads.split(channels, grainOf(outputs), [&](int64_t from, int64_t to, int) {
    for (int64_t at = from * outputs; at < to * outputs; at += kLanes) {
      Floats own[kTransformed], changed[9];
      for (int i = 0; i < kTransformed; ++i) {
        own[i] = load(parts[0] + i * size + at);
        for (size_t part = 1; part < parts.size() && parts[part]; ++part)
          own[i] += load(parts[part] + i * size + at);
      }
      transform<4, 3>(own, changed, FilterGradientTransform());
      for (int i = 0; i < 9; ++i) store(dFilter.data<float>() + i * size + at, changed[i]);
    }
  });
}

}  // namespace
