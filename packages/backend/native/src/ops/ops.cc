// Ops that TensorFlow lacks on the CPU, or is slow at: batch normalisation with a rectifier behind it, max pooling with
// its gradient, and the matrix of a convolution's windows. Images are rows of channels (NHWC), float32 or bfloat16; all arithmetic is in float32.
#include <node_api.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tensorflow/c/kernels.h"
#include "tensorflow/c/ops.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace {

// ---- Threads: as many as TensorFlow uses, woken for each op.

class Threads {
 public:
  static Threads& instance() {
    // Never destroyed: at the end of the process its threads are asleep.
    static Threads* threads = new Threads(count());
    return *threads;
  }

  // Calls work(first, last) on as many parts of [0, size) as there are threads, at least `grain` long.
  void split(int64_t size, int64_t grain, const std::function<void(int64_t, int64_t, int)>& work) {
    const int parts = static_cast<int>(std::max<int64_t>(
        1, std::min<int64_t>(workers_.size() + 1, size / std::max<int64_t>(1, grain))));
    const auto bound = [&](int part) { return size * part / parts; };
    if (parts == 1) return work(0, size, 0);
    // One op at a time: several sessions' threads may come here at once.
    std::lock_guard<std::mutex> turn(turn_);
    {
      std::lock_guard<std::mutex> lock(mutex_);
      work_ = [&](int part) { work(bound(part), bound(part + 1), part); };
      waiting_ = parts - 1;
      parts_ = parts;
      ++generation_;
    }
    wake_.notify_all();
    work(bound(0), bound(1), 0);
    std::unique_lock<std::mutex> lock(mutex_);
    done_.wait(lock, [&] { return waiting_ == 0; });
  }

  int size() const { return static_cast<int>(workers_.size()) + 1; }

 private:
  static int count() {
    const char* set = std::getenv("TF_NUM_INTRAOP_THREADS");
    const int wanted = set ? std::atoi(set) : 0;
    return wanted > 0 ? wanted : std::max(1u, std::thread::hardware_concurrency());
  }

  explicit Threads(int count) {
    for (int part = 1; part < count; ++part) {
      workers_.emplace_back([this, part] {
        uint64_t seen = 0;
        for (;;) {
          std::function<void(int)> work;
          {
            std::unique_lock<std::mutex> lock(mutex_);
            wake_.wait(lock, [&] { return generation_ != seen; });
            seen = generation_;
            if (part >= parts_) continue;
            work = work_;
          }
          work(part);
          std::lock_guard<std::mutex> lock(mutex_);
          if (--waiting_ == 0) done_.notify_one();
        }
      });
      workers_.back().detach();
    }
  }

  std::vector<std::thread> workers_;
  std::mutex turn_, mutex_;
  std::condition_variable wake_, done_;
  std::function<void(int)> work_;
  int waiting_ = 0, parts_ = 0;
  uint64_t generation_ = 0;
};

// ---- As many values at a time as the processor that this is compiled for can take.

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
inline Floats select(Masks mask, Floats values) { return (Floats)(mask & (Masks)values); }

// ---- Batch normalisation. `Rows` are those of [from, to); what depends on the channel alone has one value a channel.

// Added up in float32 over so many rows, and in float64 beyond.
constexpr int64_t kBlock = 128;

// The sums of x − shift and of its square.
template <typename T>
inline void sums(const T* x, const float* shift, int64_t from, int64_t to, int64_t channels,
                 double* sum, double* squares) {
  for (int64_t block = from; block < to; block += kBlock) {
    const int64_t end = std::min(to, block + kBlock);
    for (int64_t c = 0; c < channels; c += kLanes) {
      const Floats origin = load(shift + c);
      Floats s{}, q{};
      for (int64_t row = block; row < end; ++row) {
        const Floats value = load(x + row * channels + c) - origin;
        s += value;
        q += value * value;
      }
      for (int lane = 0; lane < kLanes; ++lane) {
        sum[c + lane] += s[lane];
        squares[c + lane] += q[lane];
      }
    }
  }
}

// y = factor · x + term, and not below 0 with a rectifier.
template <typename T>
inline void scale(const T* x, const float* factor, const float* term, bool relu, int64_t from,
                  int64_t to, int64_t channels, T* y) {
  for (int64_t row = from; row < to; ++row) {
    for (int64_t c = 0; c < channels; c += kLanes) {
      Floats value = load(x + row * channels + c) * load(factor + c) + load(term + c);
      if (relu) value = select(~(value <= 0), value);
      store(y + row * channels + c, value);
    }
  }
}

// What of dy passes the rectifier: where the output was above 0.
template <typename T>
inline Floats passed(const T* x, const T* dy, const float* factor, const float* term, bool relu,
                     int64_t at, int64_t c) {
  const Floats gradient = load(dy + at);
  if (!relu) return gradient;
  return select(load(x + at) * load(factor + c) + load(term + c) > 0, gradient);
}

// The sums of dy and of dy · (x − mean).
template <typename T>
inline void gradientSums(const T* x, const T* dy, const float* mean, const float* factor,
                         const float* term, bool relu, int64_t from, int64_t to, int64_t channels,
                         double* sum, double* products) {
  for (int64_t block = from; block < to; block += kBlock) {
    const int64_t end = std::min(to, block + kBlock);
    for (int64_t c = 0; c < channels; c += kLanes) {
      const Floats centre = load(mean + c);
      Floats s{}, p{};
      for (int64_t row = block; row < end; ++row) {
        const int64_t at = row * channels + c;
        const Floats gradient = passed(x, dy, factor, term, relu, at, c);
        s += gradient;
        p += gradient * (load(x + at) - centre);
      }
      for (int lane = 0; lane < kLanes; ++lane) {
        sum[c + lane] += s[lane];
        products[c + lane] += p[lane];
      }
    }
  }
}

// dx = factor · (dy − shared) − slope · (x − mean)
template <typename T>
inline void gradient(const T* x, const T* dy, const float* mean, const float* factor,
                     const float* term, const float* shared, const float* slope, bool relu,
                     int64_t from, int64_t to, int64_t channels, T* dx) {
  for (int64_t row = from; row < to; ++row) {
    for (int64_t c = 0; c < channels; c += kLanes) {
      const int64_t at = row * channels + c;
      const Floats dz = passed(x, dy, factor, term, relu, at, c);
      store(dx + at, load(factor + c) * (dz - load(shared + c)) -
                         load(slope + c) * (load(x + at) - load(mean + c)));
    }
  }
}

// ---- Max pooling by windows that do not overlap, and its gradient: dy goes to the first of the largest.

struct Pool {
  int64_t height, width, channels, outHeight, outWidth;
  int windowHeight, windowWidth, strideHeight, strideWidth;
};

template <typename T>
inline void pool(const Pool& pool, const T* x, int64_t from, int64_t to, T* y) {
  for (int64_t row = from; row < to; ++row) {
    const int64_t image = row / pool.outHeight, i = row % pool.outHeight;
    for (int64_t j = 0; j < pool.outWidth; ++j) {
      const int64_t lines = std::min<int64_t>(pool.windowHeight, pool.height - i * pool.strideHeight);
      const int64_t columns = std::min<int64_t>(pool.windowWidth, pool.width - j * pool.strideWidth);
      const int64_t corner =
          (image * pool.height + i * pool.strideHeight) * pool.width + j * pool.strideWidth;
      for (int64_t c = 0; c < pool.channels; c += kLanes) {
        Floats largest = load(x + corner * pool.channels + c);
        for (int64_t a = 0; a < lines; ++a) {
          for (int64_t b = 0; b < columns; ++b) {
            const Floats value = load(x + (corner + a * pool.width + b) * pool.channels + c);
            // Also where the value is none: NaN is handed on.
            const Masks keep = largest >= value;
            largest = (Floats)((keep & (Masks)largest) | (~keep & (Masks)value));
          }
        }
        store(y + (row * pool.outWidth + j) * pool.channels + c, largest);
      }
    }
  }
}

template <typename T>
inline void poolGradient(const Pool& pool, const T* x, const T* y, const T* dy, int64_t from,
                         int64_t to, T* dx) {
  for (int64_t row = from; row < to; ++row) {
    const int64_t image = row / pool.outHeight, i = row % pool.outHeight;
    for (int64_t j = 0; j < pool.outWidth; ++j) {
      for (int64_t c = 0; c < pool.channels; c += kLanes) {
        const int64_t out = (row * pool.outWidth + j) * pool.channels + c;
        const Floats largest = load(y + out);
        Floats rest = load(dy + out);
        for (int a = 0; a < pool.windowHeight; ++a) {
          for (int b = 0; b < pool.windowWidth; ++b) {
            const int64_t line = i * pool.strideHeight + a, column = j * pool.strideWidth + b;
            if (line >= pool.height || column >= pool.width) continue;
            const int64_t at =
                ((image * pool.height + line) * pool.width + column) * pool.channels + c;
            const Masks first = load(x + at) == largest;
            store(dx + at, select(first, rest));
            rest = select(~first, rest);
          }
        }
      }
    }
  }
}

// ---- As TensorFlow's ops.

struct Status {
  TF_Status* status = TF_NewStatus();
  ~Status() { TF_DeleteStatus(status); }
  bool ok() const { return TF_GetCode(status) == TF_OK; }
};

struct Tensor {
  TF_Tensor* tensor = nullptr;
  ~Tensor() {
    if (tensor) TF_DeleteTensor(tensor);
  }
  template <typename T>
  T* data() const {
    return static_cast<T*>(TF_TensorData(tensor));
  }
  int64_t size(int axis) const { return TF_Dim(tensor, axis); }
  std::vector<int64_t> shape() const {
    std::vector<int64_t> sizes(TF_NumDims(tensor));
    for (size_t axis = 0; axis < sizes.size(); ++axis) sizes[axis] = size(static_cast<int>(axis));
    return sizes;
  }
};

// What an op was made with.
struct Attributes {
  float epsilon = 0;
  bool relu = false;
  std::vector<int32_t> window, strides, size, padding;
};

// A call of an op: its inputs, its outputs, and the first error.
class Call {
 public:
  Call(void* attributes, TF_OpKernelContext* context)
      : attributes(*static_cast<Attributes*>(attributes)), context_(context) {}
  ~Call() {
    if (!status_.ok()) TF_OpKernelContext_Failure(context_, status_.status);
  }
  const Attributes& attributes;

  void input(int place, Tensor* tensor) {
    if (status_.ok()) TF_GetInput(context_, place, &tensor->tensor, status_.status);
  }
  void output(int place, TF_DataType type, const std::vector<int64_t>& shape, Tensor* tensor) {
    if (!status_.ok()) return;
    int64_t count = 1;
    for (int64_t size : shape) count *= size;
    tensor->tensor =
        TF_AllocateOutput(context_, place, type, shape.data(), static_cast<int>(shape.size()),
                          count * TF_DataTypeSize(type), status_.status);
  }
  bool ok() const { return status_.ok(); }

 private:
  TF_OpKernelContext* context_;
  Status status_;
};

template <typename T>
constexpr TF_DataType typeOf();
template <>
constexpr TF_DataType typeOf<float>() {
  return TF_FLOAT;
}
template <>
constexpr TF_DataType typeOf<Bfloat16>() {
  return TF_BFLOAT16;
}

// So many values are worth waking a thread for.
constexpr int64_t kGrain = 16384;
int64_t grainOf(int64_t channels) { return std::max<int64_t>(1, kGrain / channels); }

// The two sums of all rows, each part by a thread of its own.
struct Totals {
  Totals(int64_t rows, int64_t channels,
         const std::function<void(int64_t, int64_t, double*, double*)>& add)
      : first(channels), second(channels) {
    Threads& threads = Threads::instance();
    std::vector<double> partial(2 * channels * threads.size());
    threads.split(rows, grainOf(channels), [&](int64_t from, int64_t to, int part) {
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
  // Near the mean, so that little is lost where the deviation is small beside it.
  std::vector<float> shift(channels);
  for (int64_t c = 0; c < channels; c += kLanes) store(shift.data() + c, load(values + c));
  const Totals totals(rows, channels, [&](int64_t from, int64_t to, double* sum, double* squares) {
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
  Scale(const float* gamma, const float* beta, const float* mean, const float* variance,
        float epsilon, int64_t channels)
      : factor(channels), term(channels), inverse(channels) {
    for (int64_t c = 0; c < channels; ++c) {
      inverse[c] = 1 / std::sqrt(static_cast<double>(variance[c]) + epsilon);
      factor[c] = static_cast<float>(gamma[c] * inverse[c]);
      term[c] = static_cast<float>(beta[c] - static_cast<double>(mean[c]) * factor[c]);
    }
  }
  std::vector<float> factor, term;
  std::vector<double> inverse;
};

// x, gamma, beta, mean, variance → y
template <typename T>
void normalize(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, byChannel[4], y;
  call.input(0, &x);
  for (int i = 0; i < 4; ++i) call.input(i + 1, &byChannel[i]);
  if (!call.ok()) return;
  const auto shape = x.shape();
  const int64_t channels = shape.back(), rows = TF_TensorElementCount(x.tensor) / channels;
  call.output(0, typeOf<T>(), shape, &y);
  if (!call.ok()) return;
  const Scale by(byChannel[0].data<float>(), byChannel[1].data<float>(),
                    byChannel[2].data<float>(), byChannel[3].data<float>(),
                    call.attributes.epsilon, channels);
  Threads::instance().split(rows, grainOf(channels), [&](int64_t from, int64_t to, int) {
    scale(x.data<T>(), by.factor.data(), by.term.data(), call.attributes.relu, from, to,
            channels, y.data<T>());
  });
}

// x, dy, gamma, beta, mean, variance → dx, dgamma, dbeta
template <typename T>
void normalizeGradient(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, dy, byChannel[4], dx, dGamma, dBeta;
  call.input(0, &x);
  call.input(1, &dy);
  for (int i = 0; i < 4; ++i) call.input(i + 2, &byChannel[i]);
  if (!call.ok()) return;
  const auto shape = x.shape();
  const int64_t channels = shape.back(), rows = TF_TensorElementCount(x.tensor) / channels;
  call.output(0, typeOf<T>(), shape, &dx);
  call.output(1, TF_FLOAT, {channels}, &dGamma);
  call.output(2, TF_FLOAT, {channels}, &dBeta);
  if (!call.ok()) return;
  const bool relu = call.attributes.relu;
  const float* mean = byChannel[2].data<float>();
  const Scale by(byChannel[0].data<float>(), byChannel[1].data<float>(), mean,
                    byChannel[3].data<float>(), call.attributes.epsilon, channels);
  const float *factor = by.factor.data(), *term = by.term.data();
  const T *values = x.data<T>(), *upstream = dy.data<T>();
  const Totals totals(rows, channels, [&](int64_t from, int64_t to, double* sum, double* products) {
    gradientSums(values, upstream, mean, factor, term, relu, from, to, channels, sum, products);
  });
  std::vector<float> shared(channels), slope(channels);
  for (int64_t c = 0; c < channels; ++c) {
    const double inverse = by.inverse[c];
    dBeta.data<float>()[c] = static_cast<float>(totals.first[c]);
    dGamma.data<float>()[c] = static_cast<float>(totals.second[c] * inverse);
    shared[c] = static_cast<float>(totals.first[c] / rows);
    slope[c] = static_cast<float>(factor[c] * inverse * inverse * totals.second[c] / rows);
  }
  Threads::instance().split(rows, grainOf(channels), [&](int64_t from, int64_t to, int) {
    gradient(values, upstream, mean, factor, term, shared.data(), slope.data(), relu, from, to,
               channels, dx.data<T>());
  });
}

// x → y
template <typename T>
void maxPool(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, y;
  call.input(0, &x);
  if (!call.ok()) return;
  const Attributes& given = call.attributes;
  call.output(0, typeOf<T>(), {x.size(0), given.size[0], given.size[1], x.size(3)}, &y);
  if (!call.ok()) return;
  const Pool window{x.size(1),       x.size(2),       x.size(3),        given.size[0],   given.size[1],
                    given.window[0], given.window[1], given.strides[0], given.strides[1]};
  const int64_t grain = grainOf(window.outWidth * window.channels);
  Threads::instance().split(x.size(0) * window.outHeight, grain,
                            [&](int64_t from, int64_t to, int) {
                              pool(window, x.data<T>(), from, to, y.data<T>());
                            });
}

// x → a row for each place of the output: the values of its window, zeros beyond the image
template <typename T>
void patches(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, y;
  call.input(0, &x);
  if (!call.ok()) return;
  const Attributes& given = call.attributes;
  const int64_t height = x.size(1), width = x.size(2), channels = x.size(3);
  const int64_t outHeight = given.size[0], outWidth = given.size[1];
  const int64_t line = given.window[1] * channels, row = given.window[0] * line;
  call.output(0, typeOf<T>(), {x.size(0) * outHeight * outWidth, row}, &y);
  if (!call.ok()) return;
  const T* from = x.data<T>();
  T* to = y.data<T>();
  const int64_t places = x.size(0) * outHeight * outWidth;
  Threads::instance().split(places, grainOf(row), [&](int64_t first, int64_t last, int) {
    for (int64_t place = first; place < last; ++place) {
      const int64_t image = place / (outHeight * outWidth);
      const int64_t top = place / outWidth % outHeight * given.strides[0] - given.padding[0];
      const int64_t left = place % outWidth * given.strides[1] - given.padding[1];
      // The columns of the window that are inside.
      const int64_t begin = std::min<int64_t>(given.window[1], std::max<int64_t>(0, -left));
      const int64_t end = std::max(begin, std::min<int64_t>(given.window[1], width - left));
      for (int64_t a = 0; a < given.window[0]; ++a) {
        T* target = to + place * row + a * line;
        if (top + a < 0 || top + a >= height) {
          std::memset(target, 0, line * sizeof(T));
          continue;
        }
        const T* source = from + ((image * height + top + a) * width + left) * channels;
        std::memset(target, 0, begin * channels * sizeof(T));
        std::memcpy(target + begin * channels, source + begin * channels,
                    (end - begin) * channels * sizeof(T));
        std::memset(target + end * channels, 0, (given.window[1] - end) * channels * sizeof(T));
      }
    }
  });
}

// x, y, dy → dx
template <typename T>
void maxPoolGradient(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, y, dy, dx;
  call.input(0, &x);
  call.input(1, &y);
  call.input(2, &dy);
  if (!call.ok()) return;
  call.output(0, typeOf<T>(), x.shape(), &dx);
  if (!call.ok()) return;
  const Attributes& given = call.attributes;
  const Pool pool{x.size(1),       x.size(2),       x.size(3),        y.size(1),       y.size(2),
                  given.window[0], given.window[1], given.strides[0], given.strides[1]};
  // Between windows, and beyond the last, nothing comes.
  const bool covers = pool.windowHeight == pool.strideHeight &&
                      pool.windowWidth == pool.strideWidth &&
                      pool.outHeight * pool.strideHeight >= pool.height &&
                      pool.outWidth * pool.strideWidth >= pool.width;
  if (!covers) std::memset(dx.data<T>(), 0, TF_TensorByteSize(dx.tensor));
  const int64_t grain = grainOf(pool.outWidth * pool.channels);
  Threads::instance().split(x.size(0) * pool.outHeight, grain, [&](int64_t from, int64_t to, int) {
    poolGradient(pool, x.data<T>(), y.data<T>(), dy.data<T>(), from, to, dx.data<T>());
  });
}

void* create(TF_OpKernelConstruction* construction) {
  auto attributes = std::make_unique<Attributes>();
  // An op has some of the attributes: the rest stay as they are.
  Status status;
  unsigned char relu = 0;
  TF_OpKernelConstruction_GetAttrFloat(construction, "epsilon", &attributes->epsilon,
                                       status.status);
  TF_OpKernelConstruction_GetAttrBool(construction, "relu", &relu, status.status);
  attributes->relu = relu != 0;
  for (const auto& [name, list] :
       {std::make_pair("window", &attributes->window),
        {"strides", &attributes->strides},
        {"size", &attributes->size},
        {"padding", &attributes->padding}}) {
    list->resize(2);
    TF_OpKernelConstruction_GetAttrInt32List(construction, name, list->data(), 2, status.status);
  }
  return attributes.release();
}

void destroy(void* attributes) { delete static_cast<Attributes*>(attributes); }

using Compute = void (*)(void*, TF_OpKernelContext*);

void define(const std::string& name, const std::vector<const char*>& inputs,
            const std::vector<const char*>& outputs, const std::vector<const char*>& attributes,
            Compute ofFloats, Compute ofHalves) {
  Status status;
  TF_OpDefinitionBuilder* builder = TF_NewOpDefinitionBuilder(name.c_str());
  for (const char* input : inputs) TF_OpDefinitionBuilderAddInput(builder, input);
  for (const char* output : outputs) TF_OpDefinitionBuilderAddOutput(builder, output);
  TF_OpDefinitionBuilderAddAttr(builder, "T: {float, bfloat16}");
  for (const char* attribute : attributes) TF_OpDefinitionBuilderAddAttr(builder, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(builder,
                                                  &TF_ShapeInferenceContextSetUnknownShape);
  TF_RegisterOpDefinition(builder, status.status);
  for (const auto& [type, compute] :
       {std::make_pair(TF_FLOAT, ofFloats), {TF_BFLOAT16, ofHalves}}) {
    TF_KernelBuilder* kernel =
        TF_NewKernelBuilder(name.c_str(), "CPU", &create, compute, &destroy);
    TF_KernelBuilder_TypeConstraint(kernel, "T", type, status.status);
    TF_RegisterKernelBuilder((name + std::to_string(type)).c_str(), kernel, status.status);
  }
}

void defineAll() {
  define("TricksMoments", {"x: T"}, {"mean: float", "variance: float"}, {}, moments<float>,
         moments<Bfloat16>);
  define("TricksNormalize",
         {"x: T", "gamma: float", "beta: float", "mean: float", "variance: float"}, {"y: T"},
         {"epsilon: float", "relu: bool"}, normalize<float>, normalize<Bfloat16>);
  define("TricksNormalizeGrad",
         {"x: T", "dy: T", "gamma: float", "beta: float", "mean: float", "variance: float"},
         {"dx: T", "dgamma: float", "dbeta: float"}, {"epsilon: float", "relu: bool"},
         normalizeGradient<float>, normalizeGradient<Bfloat16>);
  define("TricksMaxPool", {"x: T"}, {"y: T"},
         {"window: list(int)", "strides: list(int)", "size: list(int)"}, maxPool<float>,
         maxPool<Bfloat16>);
  define("TricksPatches", {"x: T"}, {"y: T"},
         {"window: list(int)", "strides: list(int)", "size: list(int)", "padding: list(int)"},
         patches<float>, patches<Bfloat16>);
  define("TricksMaxPoolGrad", {"x: T", "y: T", "dy: T"}, {"dx: T"},
         {"window: list(int)", "strides: list(int)"}, maxPoolGradient<float>,
         maxPoolGradient<Bfloat16>);
}

}  // namespace

// Loaded once for each of Node's threads, defined once for the process.
NAPI_MODULE_INIT() {
  static std::once_flag once;
  std::call_once(once, defineAll);
  return exports;
}
