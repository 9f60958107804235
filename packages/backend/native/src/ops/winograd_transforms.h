// The transforms of Winograd's F(4 × 4, 3 × 3), of tiles and filters. They evaluate polynomials at 0, ±√½, ±√2 and
// infinity, not at 0, ±1, ±2 and infinity like Lavin and Gray: as the points' products are near 1, the rounding errors are
// about a third, and three times those of the plain sum.
#pragma once

#include <algorithm>
#include <cstdint>

#include "lanes.h"
#include "matrix.h"
#include "scratch.h"

namespace {

// Number of pixels along the side of a tile of the output, and of the input that it depends on.
constexpr int kOutputSide = 4, kInputSide = kOutputSide + 2;
constexpr int kEntries = kInputSide * kInputSide;
constexpr float kSmall = 0.70710678f, kLarge = 1.41421356f;  // √½ and √2

// A polynomial's values at a point and at its negative.
inline void atBothSigns(Floats even, Floats odd, Floats* to) {
  to[0] = even + odd;
  to[1] = even - odd;
}

// The transforms of a row or column, without multiplications by 0 and 1.
struct InputTransform {  // B'
  static constexpr int from = kInputSide, to = kInputSide;
  void operator()(const Floats* d, Floats* to) const {
    const Floats even = d[4] - d[2] * 2, odd = d[3] * kSmall - d[1] * kLarge;
    const Floats evenOfLarge = d[4] - d[2] * 0.5f, oddOfLarge = d[3] * kLarge - d[1] * kSmall;
    to[0] = d[0] - d[2] * 2.5f + d[4];
    atBothSigns(even, odd, to + 1);
    atBothSigns(evenOfLarge, oddOfLarge, to + 3);
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
    atBothSigns(even, odd, to + 1);
    atBothSigns(evenOfLarge, oddOfLarge, to + 3);
    to[5] = dy[3];
  }
};
struct FilterTransform {  // G
  static constexpr int from = 3, to = kInputSide;
  void operator()(const Floats* g, Floats* to) const {
    const Floats even = (g[0] + g[2] * 0.5f) * (-2 / 3.0f), odd = g[1] * (-2 / 3.0f * kSmall);
    const Floats evenOfLarge = g[0] * (1 / 6.0f) + g[2] * (1 / 3.0f), oddOfLarge = g[1] * (kLarge / 6);
    to[0] = g[0];
    atBothSigns(even, odd, to + 1);
    atBothSigns(evenOfLarge, oddOfLarge, to + 3);
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

// A range of channels, in whole vectors; those that an image or filter lacks are 0.
struct Range {
  int64_t first, count;
  // The number of channels that there are.
  int64_t of(int64_t channels) const { return std::min(count, channels - first); }
};

// Layouts of a matrix that is a factor of a product. Its terms are floats, or pairs of neighbours in a sum: along the rows,
// or across them, where a row is written after the even one before it.
struct SumsAlongRows {
  int64_t columns;
  template <typename Term>
  Term* at(Term* matrix, int64_t row, int64_t column) const {
    return matrix + (row * columns + column) / kPerTerm<Term>;
  }
  template <typename Term>
  void put(Term* to, Floats values, int64_t) const {
    storeAlong(to, values);
  }
};
struct SumsAcrossRows {
  int64_t columns;
  template <typename Term>
  Term* at(Term* matrix, int64_t row, int64_t column) const {
    return matrix + row / kPerTerm<Term> * columns + column;
  }
  template <typename Term>
  void put(Term* to, Floats values, int64_t row) const {
    storeAcross(to, values, row);
  }
};
// The same in panels; the first row is that of the given number.
struct InPanels : SumsAcrossRows {
  int64_t rows, first;
  InPanels(int64_t rows, int64_t columns, int64_t first = 0)
      : SumsAcrossRows{columns}, rows(rows), first(first) {}
  template <typename Term>
  Term* at(Term* matrix, int64_t row, int64_t column) const {
    return matrix + inPanels(termsOf<Term>(rows), columns, (first + row) / kPerTerm<Term>, column);
  }
};

// Transforms some channels of the tiles [from, to) to 36 matrices, `matrix` terms apart, with a row per tile.
template <typename T, typename Line, typename Term, typename Layout>
inline void transformTiles(const Tiles& tiles, int64_t from, int64_t to, const Images& images,
                           Range channels, const T* values, Line line, Term* matrices,
                           int64_t matrix, Layout layout) {
  constexpr int kPixels = Line::from * Line::from;
  static thread_local Scratch scratch;
  const T* zeros = scratch.take<T>(padded(images.channels), true);
  const int64_t size = kOutputSide * kOutputSide * images.channels;
  for (int64_t tile = from; tile < to; ++tile) {
    const T* places[kPixels];
    pixelIndices<Line::from>(tiles, tile, images, values, zeros, places);
    prefetch(values + (tile + 2 * tiles.columns) * size, size);
    byVectors(channels.of(images.channels), [&](int64_t c, auto count) INLINED {
      Floats own[kPixels], changed[kEntries];
      for (int i = 0; i < kPixels; ++i) own[i] = load(places[i] + channels.first + c, count);
      transform(own, changed, line);
      Term* target = layout.at(matrices, tile - from, c);
      for (int i = 0; i < kEntries; ++i) layout.put(target + i * matrix, changed[i], tile - from);
    });
  }
}

// Transforms the 36 matrices back to some channels of the output's tiles [from, to).
template <typename T>
inline void collectOutput(const Tiles& tiles, int64_t from, int64_t to, const Images& images,
                          Range channels, const float* matrices, int64_t matrix, T* values) {
  constexpr int kPixels = kOutputSide * kOutputSide;
  const bool large =
      images.channels % kLanes == 0 && tiles.count * kPixels * images.channels > kCached;
  static thread_local Scratch scratch;
  T* nowhere = scratch.take<T>(padded(images.channels));
  for (int64_t tile = from; tile < to; ++tile) {
    T* places[kPixels];
    pixelIndices<kOutputSide>(tiles, tile, images, values, nowhere, places);
    const float* source = matrices + (tile - from) * channels.count;
    byVectors(channels.of(images.channels), [&](int64_t c, auto count) INLINED {
      Floats own[kEntries], changed[kPixels];
      for (int i = 0; i < kEntries; ++i) own[i] = load(source + i * matrix + c);
      transform(own, changed, OutputTransform());
      for (int i = 0; i < kPixels; ++i) {
        T* to = places[i] + channels.first + c;
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

// Transforms some channels and outputs of the filter to 36 matrices, `matrix` terms apart, with a row per channel.
template <typename Term>
inline void transformFilter(const Filter& filter, Range channels, Range outputs, Term* matrices,
                            int64_t matrix, InPanels layout) {
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
        Term* target = layout.at(matrices, c + row, o);
        for (int i = 0; i < kEntries; ++i) layout.put(target + i * matrix, changed[i], row);
      }
    });
}

}  // namespace
