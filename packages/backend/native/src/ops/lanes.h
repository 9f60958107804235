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

// A term of a matrix product is a float, or a pair of bfloat16 values that are neighbours in a sum: the processor multiplies
// both at once, and adds the products in float32.
struct Pair {
  Bfloat16 values[2];
};
// The number of values in a term.
template <typename Term>
constexpr int kPerTerm = 1;
template <>
constexpr int kPerTerm<Pair> = 2;
template <typename Term>
constexpr int64_t termsOf(int64_t values) {
  return (values + kPerTerm<Term> - 1) / kPerTerm<Term>;
}
// The term that values of a type are multiplied as.
template <typename T>
struct TermOf {
  typedef float type;
};
template <>
struct TermOf<Bfloat16> {
  typedef Pair type;
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
template <typename T>
inline void prefetch(const T* values, int64_t count) {
  constexpr int kLine = 64 / sizeof(T);
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
inline Halves halvesOf(Floats values) {
#if defined(__AVX512BF16__)
  return (Halves)_mm512_cvtneps_pbh((__m512)values);
#else
  const Words words = (Words)values;
  return __builtin_convertvector((words + 0x7fff + ((words >> 16) & 1)) >> 16, Halves);
#endif
}
inline void store(Bfloat16* to, Floats values) {
  const Halves halves = halvesOf(values);
  std::memcpy(to, &halves, sizeof halves);
}
// Subtracting zero changes no number, so this compiles to a single load.
inline Floats broadcast(const float* from) { return *from - Floats{}; }
inline Floats multiplyAdd(Floats left, Floats right, Floats sum) { return sum + left * right; }

// Neighbours in a sum: in a vector, or in two vectors, of which `row` has the number.
inline void storeAlong(float* to, Floats values) { store(to, values); }
inline void storeAcross(float* to, Floats values, int64_t) { store(to, values); }

#if defined(__AVX512BF16__)
inline Floats load(const Bfloat16* from, All) { return load(from); }
inline void store(Bfloat16* to, Floats values, All) { store(to, values); }
inline Floats load(const Bfloat16* from, int64_t count) {
  const auto halves = (Halves)_mm256_maskz_loadu_epi16(firstLanes(count), from);
  return (Floats)(__builtin_convertvector(halves, Words) << 16);
}
inline void store(Bfloat16* to, Floats values, int64_t count) {
  _mm256_mask_storeu_epi16(to, firstLanes(count), (__m256i)halvesOf(values));
}
inline void stream(Bfloat16* to, Floats values) {
  _mm256_stream_si256(reinterpret_cast<__m256i*>(to), (__m256i)halvesOf(values));
}
inline Words load(const Pair* from) {
  Words pairs;
  std::memcpy(&pairs, from, sizeof pairs);
  return pairs;
}
inline Words broadcast(const Pair* from) {
  uint32_t pair;
  std::memcpy(&pair, from, sizeof pair);
  return pair - Words{};
}
inline Floats multiplyAdd(Words left, Words right, Floats sum) {
  return (Floats)_mm512_dpbf16_ps((__m512)sum, (__m512bh)left, (__m512bh)right);
}
inline void storeAlong(Pair* to, Floats values) { store(to->values, values); }
// The even rows first: they set the odd ones to 0.
inline void storeAcross(Pair* to, Floats values, int64_t row) {
  Words pairs = __builtin_convertvector(halvesOf(values), Words);
  if (row % 2) pairs = pairs << 16 | load(to);
  std::memcpy(to, &pairs, sizeof pairs);
}
#endif

// Propagates NaN.
inline Floats larger(Floats a, Floats b) { return ((a > b) | (a != a)) ? a : b; }
inline Floats select(Masks mask, Floats values) { return (Floats)(mask & (Masks)values); }

}  // namespace
