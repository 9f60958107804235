// Activations that are fused with batch normalisation, with their derivatives, and GELU on its own.
#pragma once

#include <type_traits>

#include "lanes.h"
#include "op.h"
#include "threads.h"

namespace {

enum Activation : int32_t { kNone, kRelu, kGelu, kRelu6 };

// e to the power of x, which is not above 0.
inline Floats exponential(Floats x) {
  const Floats least = Floats{} - 87.0f;
  x = select(x > least, x) + select(~(x > least), least);
  // 2ⁿ e^r with a whole n and |r| ≤ ln 2 / 2: adding this constant rounds to whole numbers, with n in the lowest bits.
  const Floats shifted = x * 1.442695041f + 12582912.0f;
  const Floats n = shifted - 12582912.0f;
  const Floats r = x - n * 0.693359375f + n * 2.12194440e-4f;
  Floats sum = r * (1.0f / 720) + 1.0f / 120;
  sum = sum * r + 1.0f / 24;
  sum = sum * r + 1.0f / 6;
  sum = sum * r + 0.5f;
  sum = sum * r + 1.0f;
  sum = sum * r + 1.0f;
  return (Floats)((Words)sum + ((Words)shifted << 23));
}

// The normal distribution's density and cumulative probability at x, within 1e-7 (Abramowitz and Stegun, 26.2.17).
struct Normal {
  explicit Normal(Floats x) {
    const Masks negative = x < 0;
    const Floats size = select(negative, -x) + select(~negative, x);
    density = exponential(size * size * -0.5f) * 0.3989422804f;
    const Floats t = 1.0f / (size * 0.2316419f + 1.0f);
    Floats sum = t * 1.330274429f - 1.821255978f;
    sum = sum * t + 1.781477937f;
    sum = sum * t - 0.356563782f;
    sum = sum * t + 0.319381530f;
    const Floats tail = density * sum * t;
    below = select(negative, tail) + select(~negative, 1.0f - tail);
  }
  Floats density, below;
};

// Propagates NaN.
template <Activation activation>
inline Floats activate(Floats x) {
  if (activation == kRelu) return select(~(x <= 0), x);
  if (activation == kGelu) return x * Normal(x).below;
  if (activation == kRelu6) {
    const Masks above = x > 6;
    return select(~(x <= 0) & ~above, x) + select(above, Floats{} + 6.0f);
  }
  return x;
}

// The derivative at x times the upstream gradient.
template <Activation activation>
inline Floats passBack(Floats x, Floats dy) {
  if (activation == kRelu) return select(x > 0, dy);
  if (activation == kGelu) {
    const Normal normal(x);
    return dy * (normal.below + x * normal.density);
  }
  if (activation == kRelu6) return select((x > 0) & (x < 6), dy);
  return dy;
}

// Calls `work` with the activation as a compile-time constant.
template <typename Work>
void withActivation(int32_t activation, const Work& work) {
  if (activation == kRelu) return work(std::integral_constant<Activation, kRelu>());
  if (activation == kGelu) return work(std::integral_constant<Activation, kGelu>());
  if (activation == kRelu6) return work(std::integral_constant<Activation, kRelu6>());
  work(std::integral_constant<Activation, kNone>());
}

// y = function(a, b) for each of `count` values; the last group may be smaller than a vector.
template <typename T, typename Function>
void elementwise(int64_t count, const T* a, const T* b, T* y, const Function& function) {
  const int64_t whole = count / kLanes;
  Threads::instance().share(whole, kGrain / kLanes, [&](int64_t from, int64_t to) {
    for (int64_t i = from * kLanes; i < to * kLanes; i += kLanes)
      store(y + i, function(load(a + i), load(b + i)));
  });
  const int64_t done = whole * kLanes, rest = count - done;
  if (rest == 0) return;
  T last[3][kLanes] = {};
  std::memcpy(last[0], a + done, rest * sizeof(T));
  std::memcpy(last[1], b + done, rest * sizeof(T));
  store(last[2], function(load(last[0]), load(last[1])));
  std::memcpy(y + done, last[2], rest * sizeof(T));
}

// x → y
template <typename T>
void gelu(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, y;
  call.input(0, &x);
  if (!call.ok()) return;
  call.output(0, typeOf<T>(), x.shape(), &y);
  if (!call.ok()) return;
  const T* values = x.data<T>();
  elementwise(TF_TensorElementCount(x.tensor), values, values, y.data<T>(),
              [](Floats value, Floats) { return activate<kGelu>(value); });
}

// dy, x → dx
template <typename T>
void geluGradient(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor dy, x, dx;
  call.input(0, &dy);
  call.input(1, &x);
  if (!call.ok()) return;
  call.output(0, typeOf<T>(), x.shape(), &dx);
  if (!call.ok()) return;
  elementwise(TF_TensorElementCount(x.tensor), x.data<T>(), dy.data<T>(), dx.data<T>(),
              [](Floats value, Floats above) { return passBack<kGelu>(value, above); });
}

}  // namespace
