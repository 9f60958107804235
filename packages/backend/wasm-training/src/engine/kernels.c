// Kernels for training on the heap of TensorFlow.js's wasm backend: images are [batch, height, width,
// channels], float32. Built twice by build.ts, with and without relaxed SIMD (fused multiply-add).
//
// The module imports that heap as its memory, so it may hold nothing of its own there: no data, no stack
// (the build checks it). Scratch space comes from the caller.
#include <wasm_simd128.h>

#include "../../../kernels/src/augment.c"

#define EXPORT(name) __attribute__((export_name(#name)))
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("unroll")

typedef v128_t v4;
#define LOAD(p) wasm_v128_load(p)
#define STORE(p, v) wasm_v128_store(p, v)
#define SPLAT(p) wasm_v128_load32_splat(p)
#define ZERO wasm_f32x4_const_splat(0)
#define LANE wasm_f32x4_extract_lane
#define ADD wasm_f32x4_add
#define SUB wasm_f32x4_sub
#define MUL wasm_f32x4_mul

// Register tiles: TILE x 8 sums in `multiply`, OUTER x 8 in `outer_products`. The sizes are measured (V8 13).
#define OUTER 4
#ifdef __wasm_relaxed_simd__
#define MULTIPLY_ADD(a, b, c) wasm_f32x4_relaxed_madd(a, b, c)
#define TILE 8
#else
#define MULTIPLY_ADD(a, b, c) ADD(c, MUL(a, b))
#define TILE 4
#endif

INLINE int smaller(int a, int b) { return a < b ? a : b; }

INLINE void copy(float *to, const float *from, int count) {
  __builtin_memcpy(to, from, (unsigned)count * 4);
}

INLINE void clear(float *to, int count) { __builtin_memset(to, 0, (unsigned)count * 4); }

// Stores the first `count` of eight values, or adds them to what is there.
INLINE void store_some(float *to, v4 low, v4 high, int count) {
  if (count >= 8) {
    STORE(to, low);
    STORE(to + 4, high);
    return;
  }
  if (count > 0) to[0] = LANE(low, 0);
  if (count > 1) to[1] = LANE(low, 1);
  if (count > 2) to[2] = LANE(low, 2);
  if (count > 3) to[3] = LANE(low, 3);
  if (count > 4) to[4] = LANE(high, 0);
  if (count > 5) to[5] = LANE(high, 1);
  if (count > 6) to[6] = LANE(high, 2);
}

INLINE void add_some(float *to, v4 low, v4 high, int count) {
  if (count >= 8) {
    STORE(to, ADD(LOAD(to), low));
    STORE(to + 4, ADD(LOAD(to + 4), high));
    return;
  }
  if (count > 0) to[0] += LANE(low, 0);
  if (count > 1) to[1] += LANE(low, 1);
  if (count > 2) to[2] += LANE(low, 2);
  if (count > 3) to[3] += LANE(low, 3);
  if (count > 4) to[4] += LANE(high, 0);
  if (count > 5) to[5] += LANE(high, 1);
  if (count > 6) to[6] += LANE(high, 2);
}

// ---------------------------------------------------------------------------------------- convolution

// Sets one image, its pixels `stride` apart, into a field of zeros.
static void place(float *field, int field_height, int field_width, const float *image, int height,
                  int width, int channels, int top, int left, int stride_y, int stride_x) {
  clear(field, field_height * field_width * channels);
  for (int row = 0; row < height; row++) {
    int y = row * stride_y + top;
    if (y < 0 || y >= field_height) continue;
    const float *from = image + row * width * channels;
    float *to = field + y * field_width * channels;
    if (stride_x == 1) {
      int first = left < 0 ? -left : 0;
      int last = smaller(width, field_width - left);
      if (last > first) copy(to + (first + left) * channels, from + first * channels, (last - first) * channels);
      continue;
    }
    for (int column = 0; column < width; column++) {
      int x = column * stride_x + left;
      if (x >= 0 && x < field_width) copy(to + x * channels, from + column * channels, channels);
    }
  }
}

// Packs a matrix [depth, columns] into panels of eight columns: [panel][bias row, depth rows][8].
// `stride` and `step` are the distances of two rows and of two columns of the matrix, `before` the rows of
// the panel that others fill, `total` its rows in all.
EXPORT(pack)
void pack(float *packed, const float *matrix, int depth, int columns, int stride, int step, int before,
          int total) {
  for (int panel = 0; panel < columns; panel += 8) {
    float *to = packed + panel * (total + 1) + (before + 1) * 8;
    int width = smaller(8, columns - panel);
    for (int row = 0; row < depth; row++, to += 8) {
      const float *from = matrix + row * stride + panel * step;
      for (int column = 0; column < width; column++) to[column] = from[column * step];
      for (int column = width; column < 8; column++) to[column] = 0;
    }
  }
}

// The panels' first rows: what the sums start from.
EXPORT(pack_bias)
void pack_bias(float *packed, const float *bias, int columns, int total) {
  for (int panel = 0; panel < columns; panel += 8) {
    float *to = packed + panel * (total + 1);
    for (int i = 0; i < 8; i++) to[i] = bias && panel + i < columns ? bias[panel + i] : 0;
  }
}

// output[pixel, :] = bias + sum over taps and channels of field[pixel + tap, channel] * packed, for all
// pixels of one image. A pixel's taps are `runs_y` times `runs_x` runs of `run` floats, which lie
// `step_y` and `step_x` floats apart: the columns of an undilated filter are one run.
static __attribute__((noinline)) void multiply(float *output, const float *field, const float *packed, int pixels, int width,
                     int row_step, int pixel_step, int columns, int runs_y, int runs_x, int run,
                     int step_y, int step_x, float low, float high) {
  int depth = runs_y * runs_x * run;
  v4 least = wasm_f32x4_splat(low), most = wasm_f32x4_splat(high);
  for (int panel = 0; panel < columns; panel += 8) {
    const float *weights = packed + panel * (depth + 1);
    const float *row = field;
    int column = 0;
    for (int pixel = 0; pixel < pixels; pixel += TILE) {
      const float *at[TILE];
      v4 sum[TILE][2];
      const float *b = weights;
      UNROLL for (int i = 0; i < TILE; i++) {
        at[i] = row + column * pixel_step;
        sum[i][0] = LOAD(b);
        sum[i][1] = LOAD(b + 4);
        // The tile's rows past the last pixel compute the last one again.
        if (pixel + i < pixels - 1 && ++column == width) {
          column = 0;
          row += row_step;
        }
      }
      b += 8;
      for (int y = 0; y < runs_y; y++) {
        for (int x = 0; x < runs_x; x++) {
          int rest = run;
          for (; rest >= 4; rest -= 4) {
            UNROLL for (int k = 0; k < 4; k++) {
              v4 b0 = LOAD(b + 8 * k), b1 = LOAD(b + 8 * k + 4);
              UNROLL for (int i = 0; i < TILE; i++) {
                v4 a = SPLAT(at[i] + k);
                sum[i][0] = MULTIPLY_ADD(a, b0, sum[i][0]);
                sum[i][1] = MULTIPLY_ADD(a, b1, sum[i][1]);
              }
            }
            UNROLL for (int i = 0; i < TILE; i++) at[i] += 4;
            b += 32;
          }
          for (; rest > 0; rest--) {
            v4 b0 = LOAD(b), b1 = LOAD(b + 4);
            UNROLL for (int i = 0; i < TILE; i++) {
              v4 a = SPLAT(at[i]++);
              sum[i][0] = MULTIPLY_ADD(a, b0, sum[i][0]);
              sum[i][1] = MULTIPLY_ADD(a, b1, sum[i][1]);
            }
            b += 8;
          }
          UNROLL for (int i = 0; i < TILE; i++) at[i] += step_x - run;
        }
        UNROLL for (int i = 0; i < TILE; i++) at[i] += step_y - runs_x * step_x;
      }
      float *to = output + pixel * columns + panel;
      UNROLL for (int i = 0; i < TILE; i++) {
        if (pixel + i < pixels) {
          v4 first = wasm_f32x4_min(wasm_f32x4_max(sum[i][0], least), most);
          v4 second = wasm_f32x4_min(wasm_f32x4_max(sum[i][1], least), most);
          store_some(to + i * columns, first, second, columns - panel);
        }
      }
    }
  }
}

// A convolution of images whose pixels are first set `spread` apart into a field of zeros (of no use in the
// forward pass, where it is 1; the stride in the input's gradient). Without a field the images are read as
// they are. `packed` is the filter by `pack`. The output is held within [low, high].
EXPORT(convolve)
void convolve(float *output, const float *images, const float *packed, float *field, int batch,
              int height, int width, int channels, int field_height, int field_width, int top, int left,
              int spread_y, int spread_x, int out_height, int out_width, int out_channels,
              int filter_height, int filter_width, int stride_y, int stride_x, int dilation_y,
              int dilation_x, float low, float high) {
  int line = (field ? field_width : width) * channels;
  int joined = dilation_x == 1;
  for (int n = 0; n < batch; n++) {
    const float *image = images + n * height * width * channels;
    if (field) {
      place(field, field_height, field_width, image, height, width, channels, top, left, spread_y, spread_x);
      image = field;
    }
    multiply(output + n * out_height * out_width * out_channels, image, packed, out_height * out_width,
             out_width, stride_y * line, stride_x * channels, out_channels, filter_height,
             joined ? 1 : filter_width, joined ? filter_width * channels : channels,
             dilation_y * line, dilation_x * channels, low, high);
  }
}

// gradient[k, column] += sum over the pixels of some rows of x[pixel, k] * dy[pixel, column], for `run` k's
// that lie side by side. Up to OUTER - 1 floats past the run and 7 past
// dy's columns are read.
static __attribute__((noinline)) void outer_products(float *gradient, const float *x, const float *dy, int run, int rows, int width,
                           int row_step, int pixel_step, int columns) {
  for (int panel = 0; panel < columns; panel += 8) {
    for (int k = 0; k < run; k += OUTER) {
      v4 sum[OUTER][2];
      UNROLL for (int i = 0; i < OUTER; i++) sum[i][0] = sum[i][1] = ZERO;
      const float *b = dy + panel;
      for (int row = 0; row < rows; row++) {
        const float *a = x + row * row_step + k;
        for (int column = 0; column < width; column++) {
          v4 b0 = LOAD(b), b1 = LOAD(b + 4);
          UNROLL for (int i = 0; i < OUTER; i++) {
            v4 value = SPLAT(a + i);
            sum[i][0] = MULTIPLY_ADD(value, b0, sum[i][0]);
            sum[i][1] = MULTIPLY_ADD(value, b1, sum[i][1]);
          }
          a += pixel_step;
          b += columns;
        }
      }
      float *to = gradient + k * columns + panel;
      UNROLL for (int i = 0; i < OUTER; i++) {
        if (k + i < run) {
          add_some(to, sum[i][0], sum[i][1], columns - panel);
          to += columns;
        }
      }
    }
  }
}

// The gradient of a convolution's filter, [filter_height, filter_width, channels, out_channels]. The field
// holds an image with its padding, `last` the last image of dy, both 8 floats longer than that, as
// `outer_products` reads past the end. A block of some 64 pixels stays in the first cache.
EXPORT(filter_gradient)
void filter_gradient(float *gradient, const float *images, const float *dy, float *field, float *last,
                     int batch, int height, int width, int channels, int field_height, int field_width,
                     int top, int left, int out_height, int out_width, int out_channels, int filter_height,
                     int filter_width, int stride_y, int stride_x, int dilation_y, int dilation_x) {
  int line = field_width * channels;
  int joined = dilation_x == 1;
  int runs = joined ? 1 : filter_width;
  int run = joined ? filter_width * channels : channels;
  int block = out_width >= 64 ? 1 : 64 / out_width;
  int out_size = out_height * out_width * out_channels;
  clear(gradient, filter_height * filter_width * channels * out_channels);
  for (int n = 0; n < batch; n++) {
    place(field, field_height, field_width, images + n * height * width * channels, height, width, channels,
          top, left, 1, 1);
    const float *upstream = dy + n * out_size;
    if (n == batch - 1) {
      copy(last, upstream, out_size);
      upstream = last;
    }
    for (int row = 0; row < out_height; row += block) {
      for (int y = 0; y < filter_height; y++) {
        for (int x = 0; x < runs; x++) {
          outer_products(gradient + (y * filter_width + x) * channels * out_channels,
                         field + (row * stride_y + y * dilation_y) * line + x * dilation_x * channels,
                         upstream + row * out_width * out_channels, run, smaller(block, out_height - row),
                         out_width, stride_y * line, stride_x * channels, out_channels);
        }
      }
    }
  }
}

// The gradients of a depthwise convolution whose filter is [filter_height, filter_width, channels,
// multiplier]; both are zero at first. Either may be 0, and is then left out.
EXPORT(depthwise_gradients)
void depthwise_gradients(float *input_gradient, float *filter_gradient, const float *images,
                         const float *filter, const float *dy, int batch, int height, int width,
                         int channels, int multiplier, int out_height, int out_width, int filter_height,
                         int filter_width, int stride_y, int stride_x, int dilation_y, int dilation_x,
                         int top, int left) {
  int out_channels = channels * multiplier;
  for (int n = 0; n < batch; n++)
    for (int row = 0; row < out_height; row++)
      for (int v = 0; v < filter_height; v++) {
        int y = row * stride_y + v * dilation_y - top;
        if (y < 0 || y >= height) continue;
        for (int column = 0; column < out_width; column++)
          for (int u = 0; u < filter_width; u++) {
            int x = column * stride_x + u * dilation_x - left;
            if (x < 0 || x >= width) continue;
            int pixel = ((n * height + y) * width + x) * channels;
            int tap = (v * filter_width + u) * out_channels;
            const float *upstream = dy + ((n * out_height + row) * out_width + column) * out_channels;
            int c = 0;
            if (multiplier == 1) {
              for (; c + 4 <= channels; c += 4) {
                v4 d = LOAD(upstream + c);
                if (input_gradient) {
                  float *to = input_gradient + pixel + c;
                  STORE(to, MULTIPLY_ADD(d, LOAD(filter + tap + c), LOAD(to)));
                }
                if (filter_gradient) {
                  float *to = filter_gradient + tap + c;
                  STORE(to, MULTIPLY_ADD(d, LOAD(images + pixel + c), LOAD(to)));
                }
              }
            }
            for (; c < channels; c++)
              for (int m = 0; m < multiplier; m++) {
                int o = c * multiplier + m;
                if (input_gradient) input_gradient[pixel + c] += upstream[o] * filter[tap + o];
                if (filter_gradient) filter_gradient[tap + o] += upstream[o] * images[pixel + c];
              }
          }
      }
}

// ------------------------------------------------------------------ convolution by Winograd's F(4x4, 3x3)

// A 3x3 convolution of stride 1 makes each 4x4 outputs of a 6x6 tile of inputs with 36 products per channel instead of
// 144: output = A' [(G filter G') * (B' tile B)] A. The products of all tiles are 36 matrix products. Its adjoint gives
// the filter's gradient: G' [(A doutput A') * (B' tile B)] G. Channels come in fours. Lavin and Gray, Fast Algorithms
// for Convolutional Neural Networks, 2015, https://arxiv.org/abs/1509.09308
//
// The transforms evaluate polynomials at 0, +-sqrt(1/2), +-sqrt(2) and infinity instead of their 0, +-1, +-2 and
// infinity: as the points' products are near 1, the rounding errors are about a third, three times those of the plain
// sum.
#define OUT 4
#define IN 6
#define ENTRIES 36
#define SMALL 0.70710678f
#define LARGE 1.41421356f

// The entries of what is in work lie a cache line further apart than they are long: a power of two apart they
// would fall into the same few lines of the cache.
#define APART 16

#define TIMES(v, number) MUL(v, wasm_f32x4_const_splat(number))
#define PLUS(to, v, number) MULTIPLY_ADD(v, wasm_f32x4_const_splat(number), to)

// A polynomial's values at a point and at its negative.
INLINE void at_both_signs(v4 *to, v4 even, v4 odd) {
  to[0] = ADD(even, odd);
  to[1] = SUB(even, odd);
}

// The transforms of a row or column.
INLINE void of_input(v4 *to, const v4 *d) {  // B'
  v4 even = PLUS(d[4], d[2], -2), odd = PLUS(TIMES(d[3], SMALL), d[1], -LARGE);
  v4 even_large = PLUS(d[4], d[2], -0.5f), odd_large = PLUS(TIMES(d[3], LARGE), d[1], -SMALL);
  to[0] = ADD(PLUS(d[0], d[2], -2.5f), d[4]);
  at_both_signs(to + 1, even, odd);
  at_both_signs(to + 3, even_large, odd_large);
  to[5] = ADD(PLUS(d[1], d[3], -2.5f), d[5]);
}
INLINE void of_products(v4 *to, const v4 *m) {  // A'
  v4 even = ADD(m[1], m[2]), odd = TIMES(SUB(m[1], m[2]), SMALL);
  v4 even_large = ADD(m[3], m[4]), odd_large = TIMES(SUB(m[3], m[4]), LARGE);
  to[0] = ADD(ADD(m[0], even), even_large);
  to[1] = ADD(odd, odd_large);
  to[2] = PLUS(TIMES(even, 0.5f), even_large, 2);
  to[3] = ADD(PLUS(TIMES(odd, 0.5f), odd_large, 2), m[5]);
}
INLINE void of_gradient(v4 *to, const v4 *dy) {  // A
  v4 even = PLUS(dy[0], dy[2], 0.5f), odd = TIMES(PLUS(dy[1], dy[3], 0.5f), SMALL);
  v4 even_large = PLUS(dy[0], dy[2], 2), odd_large = TIMES(PLUS(dy[1], dy[3], 2), LARGE);
  to[0] = dy[0];
  at_both_signs(to + 1, even, odd);
  at_both_signs(to + 3, even_large, odd_large);
  to[5] = dy[3];
}
INLINE void of_filter(v4 *to, const v4 *g) {  // G
  v4 even = TIMES(PLUS(g[0], g[2], 0.5f), -2 / 3.0f), odd = TIMES(g[1], -2 / 3.0f * SMALL);
  v4 even_large = TIMES(PLUS(g[0], g[2], 2), 1 / 6.0f), odd_large = TIMES(g[1], LARGE / 6);
  to[0] = g[0];
  at_both_signs(to + 1, even, odd);
  at_both_signs(to + 3, even_large, odd_large);
  to[5] = g[2];
}
INLINE void of_sums(v4 *to, const v4 *u) {  // G'
  v4 even = TIMES(ADD(u[1], u[2]), -2 / 3.0f), odd = TIMES(SUB(u[1], u[2]), -2 / 3.0f * SMALL);
  v4 even_large = TIMES(ADD(u[3], u[4]), 1 / 6.0f), odd_large = TIMES(SUB(u[3], u[4]), LARGE / 6);
  to[0] = ADD(ADD(u[0], even), even_large);
  to[1] = ADD(odd, odd_large);
  to[2] = ADD(PLUS(TIMES(even, 0.5f), even_large, 2), u[5]);
}

// Four values, eight apart.
INLINE void store_apart(float *to, v4 values) {
  to[0] = LANE(values, 0);
  to[8] = LANE(values, 1);
  to[16] = LANE(values, 2);
  to[24] = LANE(values, 3);
}

// Transforms the columns of a square, then its rows: n x n values, read by `get`, to m x m `values`, which `put` stores.
#define TRANSFORM(n, m, line, get, put)                                 \
  do {                                                                  \
    v4 halves[m][n];                                                    \
    UNROLL for (int x = 0; x < n; x++) {                                \
      v4 given[n], changed[m];                                          \
      UNROLL for (int y = 0; y < n; y++) given[y] = get;                \
      line(changed, given);                                             \
      UNROLL for (int y = 0; y < m; y++) halves[y][x] = changed[y];     \
    }                                                                   \
    UNROLL for (int y = 0; y < m; y++) {                                \
      v4 values[m];                                                     \
      line(values, halves[y]);                                          \
      UNROLL for (int x = 0; x < m; x++) put;                           \
    }                                                                   \
  } while (0)

// The filter's transform for `count` of its channels, as 36 packed matrices [channels, columns] without bias: see `pack`.
// For the gradient of the input the filter, [3, 3, columns, channels], is turned by 180 degrees.
EXPORT(winograd_filter)
void winograd_filter(float *packed, const float *filter, int channels, int columns, int turned, int first, int count) {
  int size = channels * columns, padded = (columns + 7) & ~7, panels = padded * (channels + 1);
  if (first == 0)
    for (int k = 0; k < ENTRIES; k++)
      for (int panel = 0; panel < padded; panel += 8) clear(packed + k * panels + panel * (channels + 1), 8);
  if (turned) {
    for (int column = 0; column < columns; column++)
      for (int c = first; c < first + count; c += 4) {
        float *to = packed + (column & ~7) * (channels + 1) + (c + 1) * 8 + (column & 7);
        TRANSFORM(3, IN, of_filter, LOAD(filter + (8 - 3 * y - x) * size + column * channels + c),
                  store_apart(to + (IN * y + x) * panels, values[x]));
      }
  } else {
    for (int c = first; c < first + count; c++)
      for (int column = 0; column < columns; column += 4) {
        float *to = packed + (column & ~7) * (channels + 1) + (c + 1) * 8 + (column & 7);
        TRANSFORM(3, IN, of_filter, LOAD(filter + (3 * y + x) * size + c * columns + column),
                  STORE(to + (IN * y + x) * panels, values[x]));
      }
  }
  if (columns < padded)
    for (int k = 0; k < ENTRIES; k++)
      for (int c = first; c < first + count; c++)
        STORE(packed + k * panels + (padded - 8) * (channels + 1) + (c + 1) * 8 + 4, ZERO);
}

// The adjoint of `winograd_filter`: [9][count] of [36][count].
static void filter_adjoint(float *filter, const float *from, int count) {
  for (int i = 0; i < count; i += 4)
    TRANSFORM(IN, 3, of_sums, LOAD(from + (IN * y + x) * count + i), STORE(filter + (3 * y + x) * count + i, values[x]));
}

// B' tile B for a row of tiles of a strip of six lines. The 36 values lie `step` floats apart.
static void transform_input(float *to, const float *strip, int tiles, int line, int channels, int step) {
  for (int tile = 0; tile < tiles; tile++, to += channels, strip += OUT * channels)
    for (int c = 0; c < channels; c += 4)
      TRANSFORM(IN, IN, of_input, LOAD(strip + y * line + x * channels + c), STORE(to + (IN * y + x) * step + c, values[x]));
}

// A doutput A' for a row of tiles of a strip of four lines.
static void transform_gradient(float *to, const float *strip, int tiles, int line, int channels, int step) {
  for (int tile = 0; tile < tiles; tile++, to += channels, strip += OUT * channels)
    for (int c = 0; c < channels; c += 4)
      TRANSFORM(OUT, IN, of_gradient, LOAD(strip + y * line + x * channels + c),
                STORE(to + (IN * y + x) * step + c, values[x]));
}

// A' products A and the bias for a row of tiles, to the lines of an image, of which it has up to four.
static void transform_output(float *to, const float *from, const float *bias, int tiles, int lines, int width,
                             int channels, int step, v4 least, v4 most) {
  for (int tile = 0; tile < tiles; tile++, from += channels, to += OUT * channels) {
    int columns = smaller(OUT, width - OUT * tile);
    for (int c = 0; c < channels; c += 4) {
      v4 constant = bias ? LOAD(bias + c) : ZERO;
      TRANSFORM(IN, OUT, of_products, LOAD(from + (IN * y + x) * step + c),
                if (y < lines && x < columns) STORE(to + (y * width + x) * channels + c,
                                                    wasm_f32x4_min(wasm_f32x4_max(ADD(values[x], constant), least), most)));
    }
  }
}

// The convolution with 36 packed filters of images whose pixels are set `spread` apart, with a bias or 0. The output is
// held within [low, high].
// `rows` rows of tiles are in work at once: `inputs` and `products` hold 36 times their values and APART
// floats, the strip six lines of a row of tiles.
EXPORT(winograd_convolve)
void winograd_convolve(float *output, const float *images, const float *packed, const float *bias, float *strip,
                       float *inputs, float *products, int batch, int height, int width, int channels, int top,
                       int left, int spread_y, int spread_x, int out_height, int out_width, int out_channels,
                       int rows, float low, float high) {
  int down = (out_height + OUT - 1) / OUT, across = (out_width + OUT - 1) / OUT, field_width = OUT * across + 2;
  int panels = ((out_channels + 7) & ~7) * (channels + 1);
  int all = batch * down;
  v4 least = wasm_f32x4_splat(low), most = wasm_f32x4_splat(high);
  for (int start = 0; start < all; start += rows) {
    int count = smaller(rows, all - start), tiles = count * across;
    int in_step = tiles * channels + APART, out_step = tiles * out_channels + APART;
    for (int i = 0; i < count; i++) {
      int n = (start + i) / down, row = (start + i) % down;
      place(strip, IN, field_width, images + n * height * width * channels, height, width, channels,
            top - OUT * row, left, spread_y, spread_x);
      transform_input(inputs + i * across * channels, strip, across, field_width * channels, channels,
                      in_step);
    }
    for (int k = 0; k < ENTRIES; k++)
      multiply(products + k * out_step, inputs + k * in_step, packed + k * panels, tiles,
               tiles, 0, channels, out_channels, 1, 1, channels, 0, 0, -__builtin_inff(), __builtin_inff());
    for (int i = 0; i < count; i++) {
      int n = (start + i) / down, row = (start + i) % down;
      transform_output(output + (n * out_height + OUT * row) * out_width * out_channels,
                       products + i * across * out_channels, bias, across, smaller(OUT, out_height - OUT * row),
                       out_width, out_channels, out_step, least, most);
    }
  }
}

// The filter's gradient. `sums` holds 36 * channels * out_channels floats.
EXPORT(winograd_filter_gradient)
void winograd_filter_gradient(float *gradient, const float *images, const float *dy, float *strip,
                              float *inputs, float *upstream, float *sums, int batch, int height, int width,
                              int channels, int top, int left, int out_height, int out_width,
                              int out_channels, int rows) {
  int down = (out_height + OUT - 1) / OUT, across = (out_width + OUT - 1) / OUT, field_width = OUT * across + 2;
  int all = batch * down;
  clear(sums, ENTRIES * channels * out_channels);
  for (int start = 0; start < all; start += rows) {
    int count = smaller(rows, all - start), tiles = count * across;
    int in_step = tiles * channels + APART, out_step = tiles * out_channels + APART;
    for (int i = 0; i < count; i++) {
      int n = (start + i) / down, row = (start + i) % down;
      place(strip, IN, field_width, images + n * height * width * channels, height, width, channels,
            top - OUT * row, left, 1, 1);
      transform_input(inputs + i * across * channels, strip, across, field_width * channels, channels,
                      in_step);
      place(strip, OUT, OUT * across, dy + n * out_height * out_width * out_channels, out_height, out_width,
            out_channels, -OUT * row, 0, 1, 1);
      transform_gradient(upstream + i * across * out_channels, strip, across, OUT * across * out_channels,
                         out_channels, out_step);
    }
    for (int k = 0; k < ENTRIES; k++)
      outer_products(sums + k * channels * out_channels, inputs + k * in_step,
                     upstream + k * out_step, channels, 1, tiles, 0, channels, out_channels);
  }
  filter_adjoint(gradient, sums, channels * out_channels);
}

// ------------------------------------------------------------------------------------- matrix products

// output[rows, columns] = a[rows, depth] * packed
EXPORT(matrix_multiply)
void matrix_multiply(float *output, const float *a, const float *packed, int rows, int depth, int columns,
                     float low, float high) {
  multiply(output, a, packed, rows, rows, 0, depth, columns, 1, 1, depth, 0, 0, low, high);
}

// output[rows, columns] = transpose(a[depth, rows]) * b[depth, columns]. `last_a` and `last_b` hold 64 rows of a
// and b and 8 floats more.
EXPORT(matrix_multiply_transposed)
void matrix_multiply_transposed(float *output, const float *a, const float *b, float *last_a, float *last_b,
                                int depth, int rows, int columns) {
  clear(output, rows * columns);
  for (int start = 0; start < depth; start += 64) {
    int count = smaller(64, depth - start);
    const float *some_a = a + start * rows, *some_b = b + start * columns;
    if (start + count == depth) {
      copy(last_a, some_a, count * rows);
      copy(last_b, some_b, count * columns);
      some_a = last_a;
      some_b = last_b;
    }
    outer_products(output, some_a, some_b, rows, 1, count, 0, rows, columns);
  }
}

// ------------------------------------------------------------------------------------- moving values

// to[i, j, k, l, m] = from[i * s0 + j * s1 + k * s2 + l * s3 + m * s4]
#define COPY_STRIDED(name, type)                                                                     \
  EXPORT(name)                                                                                       \
  void name(type *to, const type *from, int d0, int d1, int d2, int d3, int d4, int s0, int s1,      \
            int s2, int s3, int s4) {                                                                \
    for (int i = 0; i < d0; i++)                                                                     \
      for (int j = 0; j < d1; j++)                                                                   \
        for (int k = 0; k < d2; k++)                                                                 \
          for (int l = 0; l < d3; l++, to += d4) {                                                   \
            const type *at = from + i * s0 + j * s1 + k * s2 + l * s3;                               \
            if (s4 == 1 && d4 >= 16)                                                                 \
              __builtin_memcpy(to, at, (unsigned)d4 * sizeof(type));                                 \
            else                                                                                     \
              for (int m = 0; m < d4; m++) to[m] = at[m * s4];                                       \
          }                                                                                          \
  }
COPY_STRIDED(copy_strided, float)
COPY_STRIDED(copy_strided_bytes, unsigned char)

// to[outer, i, :] = from[outer, indices[i], :], rows of `length` values of 4 bytes out of `size` rows
EXPORT(gather)
void gather(float *to, const float *from, const int *indices, int outer, int count, int size, int length) {
  for (int o = 0; o < outer; o++, from += size * length)
    for (int i = 0; i < count; i++, to += length) {
      const float *row = from + indices[i] * length;
      if (length >= 16)
        copy(to, row, length);
      else
        for (int j = 0; j < length; j++) to[j] = row[j];
    }
}

// to = condition ? first : second, values of 4 bytes
EXPORT(choose)
void choose(float *to, const unsigned char *condition, const float *first, const float *second, int count) {
  for (int i = 0; i < count; i++) to[i] = condition[i] ? first[i] : second[i];
}

// to = the larger of x and y, or the smaller; NaNs as std::max and std::min have them. A y of one value is repeated.
EXPORT(extreme)
void extreme(float *to, const float *x, const float *y, int count, int one, int larger) {
  v4 same = SPLAT(y);
  int i = 0;
  for (; i + 4 <= count; i += 4) {
    v4 a = LOAD(x + i), b = one ? same : LOAD(y + i);
    STORE(to + i, larger ? wasm_f32x4_pmax(a, b) : wasm_f32x4_pmin(a, b));
  }
  for (; i < count; i++) {
    float a = x[i], b = y[one ? 0 : i];
    to[i] = larger ? (a < b ? b : a) : (b < a ? b : a);
  }
}

// to = whether x and y are equal, a byte each. A y of one value is repeated.
EXPORT(equal)
void equal(unsigned char *to, const float *x, const float *y, int count, int one) {
  for (int i = 0; i < count; i++) to[i] = x[i] == y[one ? 0 : i];
}

// ------------------------------------------------------------------------------------- sums by channel

// Adds the sums over `rows` rows of [rows, channels] to `totals`, in blocks that are summed in float32 in the
// first cache, the blocks in float64. What is summed is x (kind 0), x and the squares of x, both less the
// channel's `shift` (1), or dy and dy * (x - shift) (2); the second sums follow the first in `totals`.
INLINE void sum_rows(double *totals, const float *x, const float *dy, const float *shift, int rows,
                     int channels, int kind) {
  int block = channels < 512 ? 4096 / channels : 8;
  for (int start = 0; start < rows; start += block) {
    int count = smaller(block, rows - start);
    const float *xs = x + start * channels;
    const float *dys = kind == 2 ? dy + start * channels : xs;
    int c = 0;
    for (; c + 4 <= channels; c += 4) {
      v4 first = ZERO, second = ZERO;
      v4 less = kind ? LOAD(shift + c) : ZERO;
      for (int row = 0; row < count; row++) {
        v4 value = LOAD(xs + row * channels + c);
        if (kind) value = SUB(value, less);
        v4 other = kind == 2 ? LOAD(dys + row * channels + c) : value;
        first = ADD(first, other);
        if (kind) second = MULTIPLY_ADD(other, value, second);
      }
      totals[c] += LANE(first, 0);
      totals[c + 1] += LANE(first, 1);
      totals[c + 2] += LANE(first, 2);
      totals[c + 3] += LANE(first, 3);
      if (kind) {
        totals[channels + c] += LANE(second, 0);
        totals[channels + c + 1] += LANE(second, 1);
        totals[channels + c + 2] += LANE(second, 2);
        totals[channels + c + 3] += LANE(second, 3);
      }
    }
    for (; c < channels; c++) {
      float first = 0, second = 0;
      for (int row = 0; row < count; row++) {
        float value = xs[row * channels + c] - (kind ? shift[c] : 0);
        float other = kind == 2 ? dys[row * channels + c] : value;
        first += other;
        second += other * value;
      }
      totals[c] += first;
      if (kind) totals[channels + c] += second;
    }
  }
}

// output[outer, inner] = factor * sum over the rows of x[outer, rows, inner]
EXPORT(reduce)
void reduce(float *output, double *totals, const float *x, int outer, int rows, int inner, float factor) {
  for (int o = 0; o < outer; o++) {
    for (int i = 0; i < inner; i++) totals[i] = 0;
    sum_rows(totals, x + o * rows * inner, 0, 0, rows, inner, 0);
    for (int i = 0; i < inner; i++) output[o * inner + i] = (float)(totals[i] * factor);
  }
}

// The sums of `sum_rows` over some of the rows, [2][channels].
EXPORT(channel_sums)
void channel_sums(double *totals, const float *x, const float *dy, const float *shift, int rows, int channels,
                  int kind) {
  for (int i = 0; i < 2 * channels; i++) totals[i] = 0;
  if (kind == 0)
    sum_rows(totals, x, dy, shift, rows, channels, 0);
  else if (kind == 1)
    sum_rows(totals, x, dy, shift, rows, channels, 1);
  else
    sum_rows(totals, x, dy, shift, rows, channels, 2);
}

// to = the sum of `parts` arrays that lie `stride` values apart, in their order
EXPORT(sum_parts)
void sum_parts(float *to, const float *from, int parts, int stride, int count) {
  int i = 0;
  for (; i + 4 <= count; i += 4) {
    v4 sum = LOAD(from + i);
    for (int part = 1; part < parts; part++) sum = ADD(sum, LOAD(from + part * stride + i));
    STORE(to + i, sum);
  }
  for (; i < count; i++) {
    float sum = from[i];
    for (int part = 1; part < parts; part++) sum += from[part * stride + i];
    to[i] = sum;
  }
}

// ------------------------------------------------------------------------------------ batch normalisation

// Adds the later of `parts` arrays [2][channels] to the first.
INLINE void join(double *totals, int parts, int channels) {
  for (int part = 1; part < parts; part++)
    for (int i = 0; i < 2 * channels; i++) totals[i] += totals[part * 2 * channels + i];
}

// The mean of each channel over the first rows: sums of squares are of x less this, so that they don't swallow
// the variance.
EXPORT(batch_norm_shift)
void batch_norm_shift(float *shift, double *totals, const float *x, int rows, int channels) {
  int some = smaller(rows, 64);
  for (int i = 0; i < channels; i++) totals[i] = 0;
  sum_rows(totals, x, 0, 0, some, channels, 0);
  for (int c = 0; c < channels; c++) shift[c] = (float)(totals[c] / some);
}

// y = gamma * (x - mean) / sqrt(variance + epsilon) + beta by the batch's own mean and (biased) variance is
// y = x * factor + term: both from the channel sums (kind 1) of all parts.
EXPORT(batch_norm_terms)
void batch_norm_terms(float *mean, float *variance, float *factor, float *term, double *totals, int parts,
                      const float *shift, const float *gamma, const float *beta, int rows, int channels,
                      double epsilon) {
  join(totals, parts, channels);
  for (int c = 0; c < channels; c++) {
    double shifted = totals[c] / rows;
    double square = totals[channels + c] / rows - shifted * shifted;
    if (square < 0) square = 0;
    double m = shift[c] + shifted;
    double f = gamma[c] / __builtin_sqrt(square + epsilon);
    mean[c] = (float)m;
    variance[c] = (float)square;
    factor[c] = (float)f;
    term[c] = (float)(beta[c] - m * f);
  }
}

// dx = gamma / s * (dy - mean(dy) - (x - mean) / s^2 * mean(dy * (x - mean))), s^2 = variance + epsilon, is
// dx = dy * factor + x * slope + term: from the channel sums (kind 2) of all parts.
EXPORT(batch_norm_gradient_terms)
void batch_norm_gradient_terms(float *dgamma, float *dbeta, float *factor, float *slope, float *term,
                               double *totals, int parts, const float *gamma, const float *mean,
                               const float *variance, int rows, int channels, double epsilon) {
  join(totals, parts, channels);
  for (int c = 0; c < channels; c++) {
    double inverse = 1 / __builtin_sqrt(variance[c] + epsilon);
    double f = gamma[c] * inverse;
    double s = -f * inverse * inverse * totals[channels + c] / rows;
    dbeta[c] = (float)totals[c];
    dgamma[c] = (float)(totals[channels + c] * inverse);
    factor[c] = (float)f;
    slope[c] = (float)s;
    term[c] = (float)(-f * totals[c] / rows - s * mean[c]);
  }
}

// to[row, channel] = x * factor + term; with a dy: to = dy * factor + x * slope + term
EXPORT(scale)
void scale(float *to, const float *x, const float *dy, const float *factor, const float *slope,
           const float *term, int rows, int channels) {
  for (int row = 0; row < rows; row++) {
    int base = row * channels, c = 0;
    for (; c + 4 <= channels; c += 4) {
      v4 value = MULTIPLY_ADD(LOAD(x + base + c), LOAD((dy ? slope : factor) + c), LOAD(term + c));
      if (dy) value = MULTIPLY_ADD(LOAD(dy + base + c), LOAD(factor + c), value);
      STORE(to + base + c, value);
    }
    for (; c < channels; c++) {
      float value = x[base + c] * (dy ? slope : factor)[c] + term[c];
      to[base + c] = dy ? dy[base + c] * factor[c] + value : value;
    }
  }
}

// ------------------------------------------------------------------------------ activations and pooling

// dx = dy where x > 0, else 0
EXPORT(relu_gradient)
void relu_gradient(float *dx, const float *x, const float *dy, int count) {
  int i = 0;
  for (; i + 4 <= count; i += 4)
    STORE(dx + i, wasm_v128_andnot(LOAD(dy + i), wasm_f32x4_le(LOAD(x + i), ZERO)));
  for (; i < count; i++) dx[i] = x[i] <= 0 ? 0 : dy[i];
}

// The gradient of a pooling; dx is zero at first, unless the windows `tile` the image: each pixel is in one. A maximum's goes to the first of equal ones, an average's to
// all pixels of the window that lie in the image.
EXPORT(pool_gradient)
void pool_gradient(float *dx, const float *images, const float *dy, int batch, int height, int width,
                   int channels, int out_height, int out_width, int window_height, int window_width,
                   int stride_y, int stride_x, int dilation_y, int dilation_x, int top, int left,
                   int average, int tile) {
  int line = width * channels;
  for (int n = 0; n < batch; n++) {
    const float *image = images + n * height * line;
    float *to = dx + n * height * line;
    for (int row = 0; row < out_height; row++) {
      int y0 = row * stride_y - top, y1 = smaller(height, y0 + (window_height - 1) * dilation_y + 1);
      while (y0 < 0) y0 += dilation_y;
      for (int column = 0; column < out_width; column++, dy += channels) {
        int x0 = column * stride_x - left, x1 = smaller(width, x0 + (window_width - 1) * dilation_x + 1);
        while (x0 < 0) x0 += dilation_x;
        if (average) {
          int pixels = ((y1 - y0 + dilation_y - 1) / dilation_y) * ((x1 - x0 + dilation_x - 1) / dilation_x);
          v4 share = wasm_f32x4_splat(1.0f / (float)pixels);
          for (int y = y0; y < y1; y += dilation_y)
            for (int x = x0; x < x1; x += dilation_x) {
              float *pixel = to + y * line + x * channels;
              int c = 0;
              for (; c + 4 <= channels; c += 4)
                STORE(pixel + c, ADD(tile ? ZERO : LOAD(pixel + c), MUL(LOAD(dy + c), share)));
              for (; c < channels; c++) pixel[c] = (tile ? 0 : pixel[c]) + dy[c] / (float)pixels;
            }
          continue;
        }
        int c = 0;
        for (; c + 4 <= channels; c += 4) {
          v4 largest = wasm_f32x4_const_splat(-__builtin_inff()), place = wasm_i32x4_const_splat(-1);
          for (int y = y0; y < y1; y += dilation_y)
            for (int x = x0; x < x1; x += dilation_x) {
              v4 value = LOAD(image + y * line + x * channels + c);
              v4 more = wasm_v128_or(wasm_f32x4_gt(value, largest), wasm_i32x4_eq(place, wasm_i32x4_const_splat(-1)));
              largest = wasm_v128_bitselect(value, largest, more);
              place = wasm_v128_bitselect(wasm_i32x4_splat(y * width + x), place, more);
            }
          v4 upstream = LOAD(dy + c);
          for (int y = y0; y < y1; y += dilation_y)
            for (int x = x0; x < x1; x += dilation_x) {
              float *pixel = to + y * line + x * channels + c;
              v4 here = wasm_i32x4_eq(place, wasm_i32x4_splat(y * width + x));
              v4 share = wasm_v128_and(upstream, here);
              STORE(pixel, tile ? share : ADD(LOAD(pixel), share));
            }
        }
        for (; c < channels; c++) {
          float largest = 0;
          int place = -1;
          for (int y = y0; y < y1; y += dilation_y)
            for (int x = x0; x < x1; x += dilation_x) {
              float value = image[y * line + x * channels + c];
              if (tile) to[y * line + x * channels + c] = 0;
              if (place < 0 || value > largest) {
                largest = value;
                place = y * line + x * channels + c;
              }
            }
          if (place >= 0) to[place] += dy[c];
        }
      }
    }
  }
}

// Augments the images from `first` to before `last` by their programs.
EXPORT(augment)
void augment(float *output, const float *images, const double *program, float *scratch, int height, int width,
             int from_height, int from_width, int channels, int first, int last) {
  augment_images(output, images, program, scratch, height, width, from_height, from_width, channels, first, last);
}
