// A matrix product with sums in float32, small enough for a core's caches; it runs in one thread, together with the
// transforms around it. Its factors are floats, or pairs of bfloat16 values (Pair), which count as one term of a sum here.
#pragma once

#include <algorithm>

#include "lanes.h"

namespace {

// A matrix as panels of a fixed number of columns, the last one narrower: the rows of a panel are contiguous, in the
// order in which a product reads them.
constexpr int64_t kPanel = kLanes * (kLanes == 16 ? 4 : 2);
inline int64_t inPanels(int64_t lines, int64_t columns, int64_t line, int64_t column) {
  const int64_t begin = column / kPanel * kPanel;
  return begin * lines + line * std::min(kPanel, columns - begin) + column - begin;
}

// A matrix: its first value, and the strides between rows and between the terms of a sum.
template <typename Term>
struct Left {
  const Term* values;
  int64_t nextLine, next;
};

// Products that are kept in c.
struct Kept {
  static constexpr bool keeps = true;
  void meanwhile() const {}
};

// The part of a panel that fits into a core's L1 cache.
constexpr int64_t kDepth = 128;
// Lines that are multiplied together.
constexpr int kLines = 6;

// A part of a product: `depth` terms of its sums. If they begin here, c is not read; if they end here, the sums go to the
// output, otherwise to c.
template <typename Term, typename Output>
struct Product {
  // The lines from `line` on, for as many columns as the registers hold.
  template <int Lines, int Registers>
  void multiply(int64_t line) const {
    const Term* from = a.values + line * a.nextLine;
    float* to = c + line * columns + column;
    Floats sums[Lines][Registers];
#pragma GCC unroll 8
    for (int i = 0; i < Lines; ++i)
#pragma GCC unroll 8
      for (int j = 0; j < Registers; ++j)
        sums[i][j] = begins ? Floats{} : load(to + i * columns + j * kLanes);
    for (int64_t k = 0; k < depth; ++k) {
      decltype(load(panel)) right[Registers];
#pragma GCC unroll 8
      for (int j = 0; j < Registers; ++j) right[j] = load(panel + (k * Registers + j) * kLanes);
#pragma GCC unroll 8
      for (int i = 0; i < Lines; ++i) {
        const auto left = broadcast(from + i * a.nextLine + k * a.next);
#pragma GCC unroll 8
        for (int j = 0; j < Registers; ++j) sums[i][j] = multiplyAdd(left, right[j], sums[i][j]);
      }
    }
#pragma GCC unroll 8
    for (int i = 0; i < Lines; ++i)
#pragma GCC unroll 8
      for (int j = 0; j < Registers; ++j) {
        if constexpr (!Output::keeps)
          if (ends) {
            output.put(line + i, column + j * kLanes, sums[i][j]);
            continue;
          }
        store(to + i * columns + j * kLanes, sums[i][j]);
      }
  }

  template <int Registers>
  void multiplyAll(int64_t lines) const {
    int64_t line = 0;
    for (; line + kLines <= lines; line += kLines) {
      output.meanwhile();
      multiply<kLines, Registers>(line);
    }
    for (; line + 2 <= lines; line += 2) multiply<2, Registers>(line);
    for (; line < lines; ++line) multiply<1, Registers>(line);
  }

  Left<Term> a;
  const Term* panel;
  int64_t depth, column, columns;
  bool begins, ends;
  float* c;
  const Output& output;
};

// The number of times that multiply calls output.meanwhile().
inline int64_t stepsOf(int64_t lines, int64_t depth, int64_t columns) {
  return lines / kLines * ((depth + kDepth - 1) / kDepth) * ((columns + kPanel - 1) / kPanel);
}

// c = a · b, or c += a · b; `b` in panels, `c` in row-major order. An output of another kind gets the products by
// put(line, column, values), and c is only used if a · b has long sums; meanwhile() is called at regular intervals.
template <typename Term, typename Output = Kept>
inline void multiply(const Left<Term>& a, int64_t lines, const Term* b, int64_t depth, bool begins,
                     float* c, int64_t columns, const Output& output = {}) {
  for (int64_t from = 0; from < depth; from += kDepth)
    for (int64_t column = 0; column < columns; column += kPanel) {
      const Product<Term, Output> part{{a.values + from * a.next, a.nextLine, a.next},
                                 b + inPanels(depth, columns, from, column),
                                 std::min(kDepth, depth - from),
                                 column,
                                 columns,
                                 begins && from == 0,
                                 from + kDepth >= depth,
                                 c,
                                 output};
      const int64_t registers = std::min(kPanel, columns - column) / kLanes;
      if (registers == 1) part.template multiplyAll<1>(lines);
      if (registers == 2) part.template multiplyAll<2>(lines);
      if (registers == 3) part.template multiplyAll<3>(lines);
      if (registers == 4) part.template multiplyAll<4>(lines);
    }
}

}  // namespace
