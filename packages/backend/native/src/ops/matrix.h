// A float32 matrix product, small enough for a core's caches; it runs in one thread, together with the transforms
// around it.
#pragma once

#include <algorithm>
#include <type_traits>

#include "lanes.h"

namespace {

// A matrix as panels of a fixed number of columns, the last one narrower: the rows of a panel are contiguous, in the
// order in which a product reads them.
constexpr int64_t kPanel = kLanes * (kLanes == 16 ? 4 : 2);
inline int64_t inPanels(int64_t lines, int64_t columns, int64_t line, int64_t column) {
  const int64_t begin = column / kPanel * kPanel;
  return begin * lines + line * std::min(kPanel, columns - begin) + column - begin;
}

// Products that are kept in c.
struct Kept {
  static constexpr bool keeps = true;
  void meanwhile() const {}
  void put(int64_t, int64_t, Floats) const {}
};

// Rows of a · b, for as many columns as the registers hold. If the sum `begins`, c is not read; if it `ends`, it goes to
// the output, otherwise to c.
template <int Lines, int Registers, typename Output>
inline void multiplyLines(const float* a, int64_t nextLine, int64_t next, const float* b,
                          int64_t depth, bool begins, bool ends, float* c, int64_t columns,
                          const Output& output, int64_t line, int64_t column) {
  Floats sums[Lines][Registers];
#pragma GCC unroll 8
  for (int i = 0; i < Lines; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < Registers; ++j)
      sums[i][j] = begins ? Floats{} : load(c + i * columns + j * kLanes);
  for (int64_t k = 0; k < depth; ++k) {
    Floats right[Registers];
#pragma GCC unroll 8
    for (int j = 0; j < Registers; ++j) right[j] = load(b + (k * Registers + j) * kLanes);
#pragma GCC unroll 8
    for (int i = 0; i < Lines; ++i) {
      const Floats left = broadcast(a + i * nextLine + k * next);
#pragma GCC unroll 8
      for (int j = 0; j < Registers; ++j) sums[i][j] += left * right[j];
    }
  }
  if (!Output::keeps && ends) {
#pragma GCC unroll 8
    for (int i = 0; i < Lines; ++i)
#pragma GCC unroll 8
      for (int j = 0; j < Registers; ++j)
        output.put(line + i, column + j * kLanes, sums[i][j]);
    return;
  }
#pragma GCC unroll 8
  for (int i = 0; i < Lines; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < Registers; ++j) store(c + i * columns + j * kLanes, sums[i][j]);
}

// The part of a panel that fits into a core's L1 cache.
constexpr int64_t kDepth = 128;
// Lines that are multiplied together.
constexpr int kLines = 6;

// A matrix: its first value, and the strides between rows and between the terms of a sum.
struct Left {
  const float* values;
  int64_t nextLine, next;
};

template <int Registers, typename Output>
inline void multiplyPanel(const Left& a, int64_t lines, const float* b, int64_t depth, bool begins,
                          bool ends, float* c, int64_t columns, const Output& output,
                          int64_t column) {
  int64_t line = 0;
  const auto some = [&](auto count) INLINED {
    for (; line + count() <= lines; line += count()) {
      if (count() == kLines) output.meanwhile();
      multiplyLines<count(), Registers>(a.values + line * a.nextLine, a.nextLine, a.next, b, depth,
                                        begins, ends, c + line * columns + column, columns, output,
                                        line, column);
    }
  };
  some(std::integral_constant<int, kLines>());
  some(std::integral_constant<int, 2>());
  some(std::integral_constant<int, 1>());
}

// The number of times that multiply calls output.meanwhile().
inline int64_t stepsOf(int64_t lines, int64_t depth, int64_t columns) {
  return lines / kLines * ((depth + kDepth - 1) / kDepth) * ((columns + kPanel - 1) / kPanel);
}

// c = a · b, or c += a · b; `b` in panels, `c` in row-major order. An output of another kind gets the products by
// put(line, column, values), and c is only used if a · b has long sums; meanwhile() is called at regular intervals.
template <typename Output = Kept>
inline void multiply(const Left& a, int64_t lines, const float* b, int64_t depth, bool begins,
                     float* c, int64_t columns, const Output& output = {}) {
  for (int64_t from = 0; from < depth; from += kDepth)
    for (int64_t column = 0; column < columns; column += kPanel) {
      const Left part{a.values + from * a.next, a.nextLine, a.next};
      const int64_t registers = std::min(kPanel, columns - column) / kLanes;
      const auto work = registers == 1   ? multiplyPanel<1, Output>
                        : registers == 2 ? multiplyPanel<2, Output>
                        : registers == 3 ? multiplyPanel<3, Output>
                                         : multiplyPanel<4, Output>;
      work(part, lines, b + inPanels(depth, columns, from, column), std::min(kDepth, depth - from),
           begins && from == 0, from + kDepth >= depth, c, columns, output, column);
    }
}

}  // namespace
