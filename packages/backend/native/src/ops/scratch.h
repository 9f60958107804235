// A thread's memory, kept between calls: allocating fresh pages would take longer than the computation.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "threads.h"

namespace {

class Scratch {
 public:
  template <typename T>
  T* take(int64_t count, bool zeros = false) {
    const int64_t bytes = (count * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 64;
    if (bytes > bytes_) {
      std::free(data_);
      data_ = std::aligned_alloc(64, bytes);
      bytes_ = bytes;
    }
    if (zeros) std::memset(data_, 0, bytes);
    return static_cast<T*>(data_);
  }
  ~Scratch() { std::free(data_); }

 private:
  int64_t bytes_ = 0;
  void* data_ = nullptr;
};

// Memory for each part of an op, of the thread that calls it: for results that are read when all parts are done.
inline std::vector<Scratch>& scratchOfParts() {
  static thread_local std::vector<Scratch> scratch(Threads::instance().size());
  return scratch;
}

}  // namespace
