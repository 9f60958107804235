// Vectors as wide as the target processor supports; all arithmetic is in float32.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#else
constexpr int kLanes = 8;
#endif
typedef float Floats __attribute__((vector_size(4 * kLanes)));
typedef int32_t Masks __attribute__((vector_size(4 * kLanes)));
typedef uint32_t Words __attribute__((vector_size(4 * kLanes)));
typedef uint16_t Halves __attribute__((vector_size(2 * kLanes)));

struct Bfloat16 {
  uint16_t bits;
};

inline Floats load(const float* from) {
  Floats values;
  std::memcpy(&values, from, sizeof values);
  return values;
}
inline void store(float* to, Floats values) { std::memcpy(to, &values, sizeof values); }
// Number of values that stay in the caches until the next op reads them.
constexpr int64_t kCached = 4 << 20;
// Past the caches, for results too large for them: `to` must be aligned.
inline void stream(float* to, Floats values) {
#if defined(__AVX512F__)
  _mm512_stream_ps(to, (__m512)values);
#else
  _mm256_stream_ps(to, (__m256)values);
#endif
}
inline Floats load(const Bfloat16* from) {
  Halves halves;
  std::memcpy(&halves, from, sizeof halves);
  return (Floats)(__builtin_convertvector(halves, Words) << 16);
}
// To the nearest, ties to even, as TensorFlow rounds.
inline void store(Bfloat16* to, Floats values) {
  const Words words = (Words)values;
  const Words rounded = (words + 0x7fff + ((words >> 16) & 1)) >> 16;
  const Halves halves = __builtin_convertvector(rounded, Halves);
  std::memcpy(to, &halves, sizeof halves);
}
// Subtracting zero changes no number, so this compiles to a single load.
inline Floats broadcast(const float* from) { return *from - Floats{}; }
inline Floats select(Masks mask, Floats values) { return (Floats)(mask & (Masks)values); }

}  // namespace
