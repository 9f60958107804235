// Gathers rows by index: the source pixel of each pixel of an augmented image.
#pragma once

#include <atomic>

#include "op.h"
#include "threads.h"

namespace {

// Pixel lengths known at compile time are copied in a few moves; 0 means any other length.
template <int known>
inline bool gatherRows(const float* rows, int64_t count, int64_t length, const int32_t* places,
                       int64_t from, int64_t to, float* out) {
  const int64_t values = known ? known : length;
  for (int64_t i = from; i < to; ++i) {
    // One comparison for both ends: as unsigned, a negative index is large.
    if (static_cast<uint64_t>(static_cast<int64_t>(places[i])) >= static_cast<uint64_t>(count))
      return false;
    std::memcpy(out + i * values, rows + places[i] * values, values * sizeof(float));
  }
  return true;
}

// rows [count, length], places [size, 1] → [size, length]
void gather(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor rows, places, out;
  call.input(0, &rows);
  call.input(1, &places);
  if (!call.ok()) return;
  const int64_t count = rows.size(0), length = rows.size(1), size = places.size(0);
  call.output(0, TF_FLOAT, {size, length}, &out);
  if (!call.ok()) return;
  const auto work = length == 1   ? gatherRows<1>
                    : length == 3 ? gatherRows<3>
                    : length == 4 ? gatherRows<4>
                                  : gatherRows<0>;
  std::atomic<bool> inside{true};
  Threads::instance().share(size, grainOf(length), [&](int64_t from, int64_t to) {
    if (!work(rows.data<float>(), count, length, places.data<int32_t>(), from, to,
              out.data<float>()))
      inside = false;
  });
  if (!inside) call.fail("expected places in [0, " + std::to_string(count) + ")");
}

}  // namespace
