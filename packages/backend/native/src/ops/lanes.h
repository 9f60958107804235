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

// A number of values as whole vectors.
constexpr int64_t padded(int64_t count) { return (count + kLanes - 1) / kLanes * kLanes; }
#if defined(__AVX512F__)
inline __mmask16 firstLanes(int64_t count) { return (1 << count) - 1; }
#else
inline __m256i firstLanes(int64_t count) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lanes);
}
#endif

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

// Fetches values into the L2 cache that will be read in an order which the processor doesn't foresee.
inline void prefetch(const float* values, int64_t count) {
  constexpr int kLine = 16;
  for (int64_t at = 0; at < count; at += kLine) __builtin_prefetch(values + at, 0, 2);
}

// Calls body(at, count) on vectors of values: `count` is All but for a last one with fewer values. The body must be
// inlined, too: it would read what it captures again after each store.
#define INLINED __attribute__((always_inline))
struct All {};
template <typename Body>
INLINED inline void byVectors(int64_t count, Body body) {
  int64_t at = 0;
  for (; at + kLanes <= count; at += kLanes) body(at, All());
  if (at < count) body(at, count - at);
}
inline Floats load(const float* from, All) { return load(from); }
inline void store(float* to, Floats values, All) { store(to, values); }
// The first `count` values: the others are 0 when read, and not written.
inline Floats load(const float* from, int64_t count) {
#if defined(__AVX512F__)
  return (Floats)_mm512_maskz_loadu_ps(firstLanes(count), from);
#else
  return (Floats)_mm256_maskload_ps(from, firstLanes(count));
#endif
}
inline void store(float* to, Floats values, int64_t count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, firstLanes(count), (__m512)values);
#else
  _mm256_maskstore_ps(to, firstLanes(count), (__m256)values);
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
// Propagates NaN.
inline Floats larger(Floats a, Floats b) { return ((a > b) | (a != a)) ? a : b; }
inline Floats select(Masks mask, Floats values) { return (Floats)(mask & (Masks)values); }

}  // namespace
