// Ops that TensorFlow doesn't have on the CPU, or that are slow there. Images are rows of channels (NHWC), float32 or
// bfloat16; all arithmetic is in float32.
#include <node_api.h>
#if defined(__AMX_BF16__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <mutex>

#include "activation.h"
#include "augment.h"
#include "batch_norm.h"
#include "depthwise.h"
#include "filter_gradient.h"
#include "gather.h"
#include "normalize_pool.h"
#include "op.h"
#include "patches.h"
#include "pointwise.h"
#include "pooling.h"
#include "update.h"
#include "winograd.h"

namespace {

// Whether these ops were compiled for the processor's matrix unit (AMX), and the system allows its use: Linux reserves
// space for its registers on request.
bool hasMatrixUnit() {
#if defined(__AMX_BF16__)
  constexpr int kRequest = 0x1023, kTileData = 18;
  static const bool has = syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
  return has;
#else
  return false;
#endif
}

// Registers the kernels of an op for both types.
template <typename Compute>
std::vector<Kernel> both(Compute ofFloats, Compute ofHalves) {
  return {{TF_FLOAT, ofFloats}, {TF_BFLOAT16, ofHalves}};
}

// The kernels of an op for float32, and for bfloat16 where the processor multiplies pairs of it.
#if defined(__AVX512BF16__)
#define IF_PAIRS(compute) both(compute<float>, compute<Bfloat16>)
constexpr bool kMultipliesPairs = true;
#else
#define IF_PAIRS(compute) {{TF_FLOAT, compute<float>}}
constexpr bool kMultipliesPairs = false;
#endif

void defineAll() {
  define("TricksMoments", {"x: T"}, {"mean: float", "variance: float"}, {},
         both(moments<float>, moments<Bfloat16>));
  define("TricksNormalize",
         {"x: T", "gamma: float", "beta: float", "mean: float", "variance: float"}, {"y: T"},
         {"epsilon: float", "activation: int"}, both(normalize<float, false>, normalize<Bfloat16, false>));
  define("TricksNormalizeAdd",
         {"x: T", "gamma: float", "beta: float", "mean: float", "variance: float", "shortcut: T"},
         {"y: T"}, {"epsilon: float", "activation: int"},
         both(normalize<float, true>, normalize<Bfloat16, true>));
  define("TricksNormalizeGrad",
         {"x: T", "dy: T", "gamma: float", "beta: float", "mean: float", "variance: float"},
         {"dx: T", "dgamma: float", "dbeta: float"},
         {"epsilon: float", "activation: int", "overwrite: bool"},
         both(normalizeGradient<float>, normalizeGradient<Bfloat16>));
  define("TricksNormalizePool",
         {"x: T", "gamma: float", "beta: float", "mean: float", "variance: float"}, {"y: T"},
         {"epsilon: float"}, both(normalizePool<float>, normalizePool<Bfloat16>));
  define("TricksNormalizePoolGrad",
         {"x: T", "dy: T", "gamma: float", "beta: float", "mean: float", "variance: float"},
         {"dx: T", "dgamma: float", "dbeta: float"}, {"epsilon: float"},
         both(passBackwards<float, PooledPixels>, passBackwards<Bfloat16, PooledPixels>));
  define("TricksGelu", {"x: T"}, {"y: T"}, {}, both(gelu<float>, gelu<Bfloat16>));
  define("TricksGeluGrad", {"dy: T", "x: T"}, {"dx: T"}, {},
         both(geluGradient<float>, geluGradient<Bfloat16>));
  define("TricksMaxPool", {"x: T"}, {"y: T"},
         {"window: list(int)", "strides: list(int)", "size: list(int)"},
         both(maxPool<float>, maxPool<Bfloat16>));
  define("TricksMaxPoolGrad", {"x: T", "y: T", "dy: T"}, {"dx: T"},
         {"window: list(int)", "strides: list(int)"},
         both(maxPoolGradient<float>, maxPoolGradient<Bfloat16>));
  define("TricksGather", {"rows: T", "places: int32"}, {"out: T"}, {}, {{TF_FLOAT, gather}});
  define("TricksAddBias", {"x: T", "bias: T"}, {"y: T"}, {"activation: int"},
         {{TF_FLOAT, addBias}});
  define("TricksDepthwise", {"x: T", "filter: T", "bias: T"}, {"y: T"},
         {"window: list(int)", "strides: list(int)", "size: list(int)", "padding: list(int)",
          "activation: int"},
         {{TF_FLOAT, depthwiseOp<false>}});
  define("TricksNormalizeDepthwise",
         {"x: T", "filter: T", "bias: T", "gamma: T", "beta: T", "mean: T", "variance: T"},
         {"y: T"},
         {"window: list(int)", "strides: list(int)", "size: list(int)", "padding: list(int)",
          "activation: int", "epsilon: float", "before: int"},
         {{TF_FLOAT, depthwiseOp<true>}});
  define("TricksDepthwiseInputGrad", {"dy: T", "filter: T"}, {"dx: T"},
         {"window: list(int)", "strides: list(int)", "size: list(int)", "padding: list(int)"},
         {{TF_FLOAT, depthwiseInputGradientOp}});
  define("TricksDepthwiseFilterGrad", {"x: T", "dy: T"}, {"dfilter: T"},
         {"window: list(int)", "strides: list(int)", "padding: list(int)"},
         {{TF_FLOAT, depthwiseFilterGradientOp<false>}});
  define("TricksNormalizeDepthwiseFilterGrad",
         {"x: T", "dy: T", "gamma: T", "beta: T", "mean: T", "variance: T"}, {"dfilter: T"},
         {"window: list(int)", "strides: list(int)", "padding: list(int)", "epsilon: float",
          "before: int"},
         {{TF_FLOAT, depthwiseFilterGradientOp<true>}});
  define("TricksAugment", {"images: T", "program: int32"}, {"out: T"}, {"size: list(int)"},
         {{TF_FLOAT, augment}});
  define("TricksPatches", {"x: T"}, {"y: T"},
         {"window: list(int)", "strides: list(int)", "size: list(int)", "padding: list(int)"},
         both(patches<float>, patches<Bfloat16>));
  define("TricksPointwise", {"x: T", "filter: T", "bias: T"}, {"y: T"},
         {"activation: int", "transposed: bool"}, {{TF_FLOAT, pointwise}});
  define("TricksWinograd", {"x: T", "filter: float"}, {"y: T"},
         {"size: list(int)", "padding: list(int)", "transposed: bool"},
         IF_PAIRS(winograd));
  define("TricksWinogradFilterGrad", {"x: T", "dy: T"}, {"dfilter: float"}, {"padding: list(int)"},
         IF_PAIRS(winogradFilterGradient));
  define("TricksMomentum",
         {"weights: n * T", "accumulations: n * T", "gradients: n * T", "step: T", "momentum: T"},
         {"new_weights: n * T", "new_accumulations: n * T"}, {"n: int", "nesterov: bool"},
         {{TF_FLOAT, momentum}});
  define("TricksMoveStatistics",
         {"moving_mean: T", "moving_variance: T", "mean: T", "variance: T"},
         {"moved_mean: T", "moved_variance: T"}, {"kept: float", "added: float", "correction: float"},
         {{TF_FLOAT, moveStatistics}});
  define("TricksSums", {"tensors: n * T"}, {"sums: T"}, {"n: int"}, {{TF_FLOAT, sumEach}});
  define("TricksAdaBound", {"weights: T", "gradient: T", "m: T", "v: T", "numbers: T"},
         {"new_weights: T", "new_m: T", "new_v: T"}, {}, {{TF_FLOAT, adaBound}});
#if defined(__AMX_BF16__)
  if (hasMatrixUnit())
    define("TricksFilterGradient", {"x: T", "dy: T"}, {"dfilter: float"},
           {"window: list(int)", "padding: list(int)"}, {{TF_BFLOAT16, filterGradient}});
#endif
}

}  // namespace

// Loaded by each of Node's threads, but registered once per process.
NAPI_MODULE_INIT() {
  static std::once_flag once;
  std::call_once(once, defineAll);
  napi_value has;
  napi_get_boolean(env, hasMatrixUnit(), &has);
  napi_set_named_property(env, exports, "hasMatrixUnit", has);
  napi_get_boolean(env, kMultipliesPairs, &has);
  napi_set_named_property(env, exports, "multipliesPairs", has);
  return exports;
}
