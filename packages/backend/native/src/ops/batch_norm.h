// Batch normalisation fused with an activation, and its gradient. Functions process the rows [from, to); arrays that
// depend only on the channel have one value per channel.
#pragma once

#include <cmath>

#include "activation.h"
#include "op.h"
#include "threads.h"

namespace {

// Number of rows to add up in float32; larger sums use float64.
constexpr int64_t kBlock = 128;

// Calls body(channel, count) for groups of `count` vectors of channels: the lines of memory that a row's group fills are
// read together.
template <typename Body>
INLINED inline void byGroups(int64_t channels, Body body) {
  int64_t c = 0;
  for (; c + 4 * kLanes <= channels; c += 4 * kLanes) body(c, std::integral_constant<int, 4>());
  for (; c + 2 * kLanes <= channels; c += 2 * kLanes) body(c, std::integral_constant<int, 2>());
  for (; c < channels; c += kLanes) body(c, std::integral_constant<int, 1>());
}

// Adds the values of a vector to sums, one each.
inline void addLanes(Floats values, double* sums) {
  for (int lane = 0; lane < kLanes; ++lane) sums[lane] += values[lane];
}

// The sums of x − shift and of its square.
template <typename T>
inline void sums(const T* x, const float* shift, int64_t from, int64_t to, int64_t channels,
                 double* sum, double* squares) {
  for (int64_t block = from; block < to; block += kBlock) {
    const int64_t end = std::min(to, block + kBlock);
    byGroups(channels, [&](int64_t c, auto count) INLINED {
      Floats origin[count()], s[count()] = {}, q[count()] = {};
      for (int k = 0; k < count(); ++k) origin[k] = load(shift + c + k * kLanes);
      for (int64_t row = block; row < end; ++row) {
        for (int k = 0; k < count(); ++k) {
          const Floats value = load(x + row * channels + c + k * kLanes) - origin[k];
          s[k] += value;
          q[k] += value * value;
        }
      }
      for (int k = 0; k < count(); ++k) {
        addLanes(s[k], sum + c + k * kLanes);
        addLanes(q[k], squares + c + k * kLanes);
      }
    });
  }
}

// y = activation(factor · x + term + shortcut), the shortcut being optional.
template <Activation activation, bool adds, typename T>
inline void scale(const T* x, const float* factor, const float* term, const T* shortcut,
                  int64_t from, int64_t to, int64_t channels, T* y) {
  for (int64_t row = from; row < to; ++row) {
    for (int64_t c = 0; c < channels; c += kLanes) {
      const int64_t at = row * channels + c;
      Floats value = load(x + at) * load(factor + c) + load(term + c);
      if (adds) value += load(shortcut + at);
      store(y + at, activate<activation>(value));
    }
  }
}

// The two sums over all rows, with one part per thread.
struct Totals {
  Totals(int64_t rows, int64_t grain, int64_t channels,
         const std::function<void(int64_t, int64_t, double*, double*)>& add)
      : first(channels), second(channels) {
    Threads& threads = Threads::instance();
    std::vector<double> partial(2 * channels * threads.size());
    threads.split(rows, grain, [&](int64_t from, int64_t to, int part) {
      double* own = partial.data() + 2 * channels * part;
      add(from, to, own, own + channels);
    });
    for (int part = 0; part < threads.size(); ++part) {
      for (int64_t c = 0; c < channels; ++c) {
        first[c] += partial[2 * channels * part + c];
        second[c] += partial[2 * channels * part + channels + c];
      }
    }
  }
  std::vector<double> first, second;
};

// x → mean, variance (biased) by channel
template <typename T>
void moments(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, mean, variance;
  call.input(0, &x);
  if (!call.ok()) return;
  const auto shape = x.shape();
  const int64_t channels = shape.back(), rows = TF_TensorElementCount(x.tensor) / channels;
  call.output(0, TF_FLOAT, {channels}, &mean);
  call.output(1, TF_FLOAT, {channels}, &variance);
  if (!call.ok()) return;
  const T* values = x.data<T>();
  // An origin near the mean, so that little precision is lost if the deviation is small.
  std::vector<float> shift(channels);
  for (int64_t c = 0; c < channels; c += kLanes) store(shift.data() + c, load(values + c));
  const Totals totals(rows, grainOf(channels), channels,
                      [&](int64_t from, int64_t to, double* sum, double* squares) {
                        sums(values, shift.data(), from, to, channels, sum, squares);
                      });
  for (int64_t c = 0; c < channels; ++c) {
    const double offset = totals.first[c] / rows;
    mean.data<float>()[c] = static_cast<float>(shift[c] + offset);
    variance.data<float>()[c] =
        static_cast<float>(std::max(0.0, totals.second[c] / rows - offset * offset));
  }
}

// factor = gamma / √(variance + epsilon), term = beta − mean · factor
struct Scale {
  // From gamma, beta, mean and variance.
  Scale(const Tensor (&byChannel)[4], float epsilon, int64_t channels)
      : factor(channels), term(channels), inverse(channels) {
    const float *gamma = byChannel[0].data<float>(), *beta = byChannel[1].data<float>();
    const float *mean = byChannel[2].data<float>(), *variance = byChannel[3].data<float>();
    for (int64_t c = 0; c < channels; ++c) {
      inverse[c] = 1 / std::sqrt(static_cast<double>(variance[c]) + epsilon);
      factor[c] = static_cast<float>(gamma[c] * inverse[c]);
      term[c] = static_cast<float>(beta[c] - static_cast<double>(mean[c]) * factor[c]);
    }
  }
  std::vector<float> factor, term;
  std::vector<double> inverse;
};

// x, gamma, beta, mean, variance, and a shortcut if it adds one → y
template <typename T, bool adds>
void normalize(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, byChannel[4], shortcut, y;
  call.input(0, &x);
  for (int i = 0; i < 4; ++i) call.input(i + 1, &byChannel[i]);
  if (adds) call.input(5, &shortcut);
  if (!call.ok()) return;
  const auto shape = x.shape();
  const int64_t channels = shape.back(), rows = TF_TensorElementCount(x.tensor) / channels;
  call.output(0, typeOf<T>(), shape, &y);
  if (!call.ok()) return;
  const Scale by(byChannel, call.attributes.epsilon, channels);
  const T* added = adds ? shortcut.data<T>() : nullptr;
  withActivation(call.attributes.activation, [&](auto activation) {
    Threads::instance().share(rows, grainOf(channels), [&](int64_t from, int64_t to) {
      scale<activation(), adds>(x.data<T>(), by.factor.data(), by.term.data(), added, from, to,
                                channels, y.data<T>());
    });
  });
}

// What the gradient's two passes read and write.
template <typename T>
struct Backward {
  const T *x, *dy;
  const float *mean, *factor, *term;
  // Means of the gradient, and of its share along x − mean; known after the first pass.
  const float *shared, *slope;
  T* dx;
};

// Batch normalisation and an activation: rows are pixels.
template <Activation activation>
struct Pixels {
  explicit Pixels(const Tensor& x)
      : channels(x.shape().back()),
        rows(TF_TensorElementCount(x.tensor) / channels),
        size(channels) {}

  // dy after the activation's derivative.
  template <typename T>
  static Floats passed(const Backward<T>& by, int64_t at, int64_t c) {
    return passBack<activation>(load(by.x + at) * load(by.factor + c) + load(by.term + c),
                                load(by.dy + at));
  }

  // The sums of dy and of dy · (x − mean).
  template <typename T>
  void sums(const Backward<T>& by, int64_t from, int64_t to, double* sum, double* products) const {
    for (int64_t block = from; block < to; block += kBlock) {
      const int64_t end = std::min(to, block + kBlock);
      byGroups(channels, [&](int64_t c, auto count) INLINED {
        Floats s[count()] = {}, p[count()] = {};
        for (int64_t row = block; row < end; ++row) {
          for (int k = 0; k < count(); ++k) {
            const int64_t at = row * channels + c + k * kLanes;
            const Floats gradient = passed(by, at, c + k * kLanes);
            s[k] += gradient;
            p[k] += gradient * (load(by.x + at) - load(by.mean + c + k * kLanes));
          }
        }
        for (int k = 0; k < count(); ++k) {
          addLanes(s[k], sum + c + k * kLanes);
          addLanes(p[k], products + c + k * kLanes);
        }
      });
    }
  }

  // dx = factor · (dy − shared) − slope · (x − mean)
  template <typename T>
  void gradient(const Backward<T>& by, int64_t from, int64_t to) const {
    for (int64_t row = from; row < to; ++row) {
      for (int64_t c = 0; c < channels; c += kLanes) {
        const int64_t at = row * channels + c;
        const Floats dz = passed(by, at, c);
        store(by.dx + at, load(by.factor + c) * (dz - load(by.shared + c)) -
                              load(by.slope + c) * (load(by.x + at) - load(by.mean + c)));
      }
    }
  }

  // Rows have `size` values of x each.
  int64_t channels, rows, size;
};

// x, dy, gamma, beta, mean, variance → dx (in dy's memory, if that may be overwritten), dgamma, dbeta
template <typename T, typename Rows>
void passBackwards(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, dy, byChannel[4], dx, dGamma, dBeta;
  call.input(0, &x);
  call.input(1, &dy);
  for (int i = 0; i < 4; ++i) call.input(i + 2, &byChannel[i]);
  if (!call.ok()) return;
  const Rows rows(x);
  const int64_t channels = rows.channels, count = TF_TensorElementCount(x.tensor) / channels;
  const bool overwrites = call.attributes.overwrite;
  if (overwrites)
    call.outputIn(0, dy);
  else
    call.output(0, typeOf<T>(), x.shape(), &dx);
  call.output(1, TF_FLOAT, {channels}, &dGamma);
  call.output(2, TF_FLOAT, {channels}, &dBeta);
  if (!call.ok()) return;
  const Scale scale(byChannel, call.attributes.epsilon, channels);
  std::vector<float> shared(channels), slope(channels);
  const Backward<T> by{x.data<T>(),          dy.data<T>(),
                       byChannel[2].data<float>(), scale.factor.data(),
                       scale.term.data(),    shared.data(),
                       slope.data(),         (overwrites ? dy : dx).data<T>()};
  const int64_t grain = grainOf(rows.size);
  const Totals totals(rows.rows, grain, channels,
                      [&](int64_t from, int64_t to, double* sum, double* products) {
                        rows.sums(by, from, to, sum, products);
                      });
  for (int64_t c = 0; c < channels; ++c) {
    const double inverse = scale.inverse[c];
    dBeta.data<float>()[c] = static_cast<float>(totals.first[c]);
    dGamma.data<float>()[c] = static_cast<float>(totals.second[c] * inverse);
    shared[c] = static_cast<float>(totals.first[c] / count);
    slope[c] = static_cast<float>(scale.factor[c] * inverse * inverse * totals.second[c] / count);
  }
  Threads::instance().share(rows.rows, grain,
                            [&](int64_t from, int64_t to) { rows.gradient(by, from, to); });
}

template <typename T>
void normalizeGradient(void* attributes, TF_OpKernelContext* context) {
  withActivation(static_cast<Attributes*>(attributes)->activation, [&](auto activation) {
    passBackwards<T, Pixels<activation()>>(attributes, context);
  });
}

}  // namespace
