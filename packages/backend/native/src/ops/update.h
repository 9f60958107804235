// Updates of weights and statistics in a single pass, which TensorFlow.js composes from several ops. Lists have a tensor per
// variable: for most of them, an op takes longer to call than to compute.
#pragma once

#include <cmath>

#include "op.h"
#include "threads.h"

namespace {

// weights, accumulation, gradient, step (−rate), momentum → weights, accumulation
template <bool nesterov>
inline void momentumStep(const float* weights, const float* accumulation, const float* gradient,
                         float step, float momentum, int64_t from, int64_t to,
                         float* __restrict newWeights, float* __restrict newAccumulation) {
  for (int64_t i = from; i < to; ++i) {
    const float sum = momentum * accumulation[i] + gradient[i];
    newAccumulation[i] = sum;
    newWeights[i] = weights[i] + step * (nesterov ? gradient[i] + momentum * sum : sum);
  }
}

// Lists of all but step and momentum.
void momentum(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  const int count = (TF_NumInputs(context) - 2) / 3;
  Tensor step, by;
  call.input(3 * count, &step);
  call.input(3 * count + 1, &by);
  const auto work = call.attributes.nesterov ? momentumStep<true> : momentumStep<false>;
  for (int i = 0; i < count; ++i) {
    Tensor weights, accumulation, gradient, newWeights, newAccumulation;
    call.input(i, &weights);
    call.input(count + i, &accumulation);
    call.input(2 * count + i, &gradient);
    if (!call.ok()) return;
    call.output(i, TF_FLOAT, weights.shape(), &newWeights);
    call.output(count + i, TF_FLOAT, weights.shape(), &newAccumulation);
    if (!call.ok()) return;
    Threads::instance().share(
        TF_TensorElementCount(weights.tensor), kGrain, [&](int64_t from, int64_t to) {
          work(weights.data<float>(), accumulation.data<float>(), gradient.data<float>(),
               *step.data<float>(), *by.data<float>(), from, to, newWeights.data<float>(),
               newAccumulation.data<float>());
        });
  }
}

// moving mean, moving variance, mean, variance → both moved by 1 − momentum, the variance first made unbiased
void moveStatistics(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  const Attributes& by = call.attributes;
  for (int i = 0; i < 2; ++i) {
    Tensor before, batch, after;
    call.input(i, &before);
    call.input(2 + i, &batch);
    if (!call.ok()) return;
    call.output(i, TF_FLOAT, before.shape(), &after);
    if (!call.ok()) return;
    const float *moving = before.data<float>(), *now = batch.data<float>();
    float* moved = after.data<float>();
    const float correction = i == 1 ? by.correction : 1;
    for (int64_t c = 0; c < TF_TensorElementCount(before.tensor); ++c)
      moved[c] = by.kept * moving[c] + by.added * (correction * now[c]);
  }
}

inline float sumOf(const float* values, int64_t count) {
  Floats total{};
  byVectors(count, [&](int64_t at, auto part) INLINED { total += load(values + at, part); });
  float sum = 0;
  for (int lane = 0; lane < kLanes; ++lane) sum += total[lane];
  return sum;
}

// A list → the sum of each tensor's values
void sumEach(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  const int count = TF_NumInputs(context);
  std::vector<Tensor> tensors(count);
  for (int i = 0; i < count; ++i) call.input(i, &tensors[i]);
  Tensor sums;
  if (!call.ok()) return;
  call.output(0, TF_FLOAT, {count}, &sums);
  if (!call.ok()) return;
  Threads::instance().share(count, 1, [&](int64_t from, int64_t to) {
    for (int64_t i = from; i < to; ++i)
      sums.data<float>()[i] =
          sumOf(tensors[i].data<float>(), TF_TensorElementCount(tensors[i].tensor));
  });
}

// The numbers of an AdaBound step, in the order in which they are passed. Complements are passed too, as 1 minus a
// rounded number is not the rounded complement.
struct AdaBoundNumbers {
  float rate, lower, upper, beta1, rest1, beta2, rest2, epsilon, decay, kept;
};

// weights, gradient, m, v, numbers → weights, m, v
void adaBound(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor given[5], made[3];
  for (int i = 0; i < 5; ++i) call.input(i, &given[i]);
  if (!call.ok()) return;
  for (int i = 0; i < 3; ++i) call.output(i, TF_FLOAT, given[0].shape(), &made[i]);
  if (!call.ok()) return;
  const float *weights = given[0].data<float>(), *gradient = given[1].data<float>();
  const float *m = given[2].data<float>(), *v = given[3].data<float>();
  const AdaBoundNumbers by = *given[4].data<AdaBoundNumbers>();
  Threads::instance().share(
      TF_TensorElementCount(given[0].tensor), kGrain, [&](int64_t from, int64_t to) {
        float* __restrict newWeights = made[0].data<float>();
        float* __restrict newM = made[1].data<float>();
        float* __restrict newV = made[2].data<float>();
        for (int64_t i = from; i < to; ++i) {
          const float g = gradient[i] + by.decay * weights[i];
          newM[i] = by.beta1 * m[i] + by.rest1 * g;
          newV[i] = by.beta2 * v[i] + by.rest2 * (g * g);
          const float rate = by.rate / (std::sqrt(newV[i]) + by.epsilon);
          const float above = rate < by.lower ? by.lower : rate;
          const float bounded = above > by.upper ? by.upper : above;
          newWeights[i] = by.kept * weights[i] - bounded * newM[i];
        }
      });
}

}  // namespace
