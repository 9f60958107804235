// A float32 matrix product, small enough for a core's caches; it runs in one thread, together with the transforms
// around it.
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

// Rows of c, initialised or accumulated: a · b, for as many columns as the registers hold.
template <int Lines, int Registers>
inline void multiplyLines(const float* a, int64_t nextLine, int64_t next, const float* b,
                          int64_t depth, bool begins, float* c, int64_t columns) {
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

template <int Registers, typename Meanwhile>
inline void multiplyPanel(const Left& a, int64_t lines, const float* b, int64_t depth, bool begins,
                          float* c, int64_t columns, const Meanwhile& meanwhile) {
  int64_t line = 0;
  const auto from = [&] { return a.values + line * a.nextLine; };
  const auto to = [&] { return c + line * columns; };
  for (; line + kLines <= lines; line += kLines) {
    meanwhile();
    multiplyLines<kLines, Registers>(from(), a.nextLine, a.next, b, depth, begins, to(), columns);
  }
  for (; line + 2 <= lines; line += 2)
    multiplyLines<2, Registers>(from(), a.nextLine, a.next, b, depth, begins, to(), columns);
  for (; line < lines; ++line)
    multiplyLines<1, Registers>(from(), a.nextLine, a.next, b, depth, begins, to(), columns);
}

// The number of times that multiply calls `meanwhile`.
inline int64_t stepsOf(int64_t lines, int64_t depth, int64_t columns) {
  return lines / kLines * ((depth + kDepth - 1) / kDepth) * ((columns + kPanel - 1) / kPanel);
}

struct Nothing {
  void operator()() const {}
};

// c = a · b, or c += a · b; `b` in panels, `c` in row-major order. Calls meanwhile() at regular intervals.
template <typename Meanwhile = Nothing>
inline void multiply(const Left& a, int64_t lines, const float* b, int64_t depth, bool begins,
                     float* c, int64_t columns, const Meanwhile& meanwhile = {}) {
  for (int64_t from = 0; from < depth; from += kDepth)
    for (int64_t column = 0; column < columns; column += kPanel) {
      const Left part{a.values + from * a.next, a.nextLine, a.next};
      const int64_t registers = std::min(kPanel, columns - column) / kLanes;
      const auto work = registers == 1   ? multiplyPanel<1, Meanwhile>
                        : registers == 2 ? multiplyPanel<2, Meanwhile>
                        : registers == 3 ? multiplyPanel<3, Meanwhile>
                                         : multiplyPanel<4, Meanwhile>;
      work(part, lines, b + inPanels(depth, columns, from, column), std::min(kDepth, depth - from),
           begins && from == 0, c + column, columns, meanwhile);
    }
}

}  // namespace
