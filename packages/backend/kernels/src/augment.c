// The kernel AugmentImages of contracts.ts: each image's program runs while the image is in the cache. Part of the
// kernels of wasm-training, and compiled by native with the user's compiler, as C or C++: it uses no library, no data
// and no arrays on the stack, which those kernels have no memory for. Compile it with -ffp-contract=off: the positions
// of pixels and the rounding to levels must equal those of the composition in TypeScript.

#define AUGMENT_INLINE static inline __attribute__((always_inline))
// wasm-training's other kernels are vectorized by hand, and its compiler told not to.
#ifdef __clang__
#define AUGMENT_VECTORIZE _Pragma("clang loop vectorize(enable)")
#else
#define AUGMENT_VECTORIZE
#endif

enum {
  AUGMENT_COPY,
  AUGMENT_FILL,
  AUGMENT_RANDOM,
  AUGMENT_MIX,
  AUGMENT_WARP,
  AUGMENT_BRIGHTNESS,
  AUGMENT_CONTRAST,
  AUGMENT_SATURATION,
  AUGMENT_HUE,
  AUGMENT_SHIFT,
  AUGMENT_TO_LEVELS,
  AUGMENT_FROM_LEVELS,
  AUGMENT_TONE,
  AUGMENT_AUTO_CONTRAST,
  AUGMENT_EQUALIZE,
  AUGMENT_LEAD,
  AUGMENT_PAIR,
  AUGMENT_RESIZE,
};

// What LEAD blends from.
enum { AUGMENT_FROM_BLACK, AUGMENT_FROM_MEAN, AUGMENT_FROM_GREY, AUGMENT_FROM_SMOOTH };

AUGMENT_INLINE float augment_clip(float value, float high) {
  return value < 0 ? 0 : value > high ? high : value;
}

// -------------------------------------------------------------------------------------------- geometry

AUGMENT_INLINE void augment_copy(float *to, const float *images, const double *at, long height, long width,
                                 long channels) {
  const long row = (long)at[0], column = (long)at[1], rows = (long)at[2], columns = (long)at[3];
  const long from_row = (long)at[5], from_column = (long)at[6], down = (long)at[7], right = (long)at[8];
  const float *from = images + (long)at[4] * height * width * channels;
  if (columns == width && down == 1 && right == 1) {
    const long line = width * channels;
    __builtin_memcpy(to + row * line, from + from_row * line, (unsigned long)(rows * line) * sizeof(float));
    return;
  }
  for (long r = 0; r < rows; r++) {
    float *line = to + ((row + r) * width + column) * channels;
    const float *source = from + ((from_row + r * down) * width + from_column) * channels;
    if (right == 1)
      __builtin_memcpy(line, source, (unsigned long)(columns * channels) * sizeof(float));
    else if (channels == 3)
      for (long c = 0; c < columns; c++, line += 3, source += 3 * right)
        line[0] = source[0], line[1] = source[1], line[2] = source[2];
    else
      for (long c = 0; c < columns; c++, line += channels, source += channels * right)
        for (long k = 0; k < channels; k++) line[k] = source[k];
  }
}

AUGMENT_INLINE void augment_fill(float *to, const double *at, long width, long channels) {
  const long row = (long)at[0], column = (long)at[1], rows = (long)at[2], columns = (long)at[3];
  for (long r = 0; r < rows; r++) {
    float *line = to + ((row + r) * width + column) * channels;
    if (channels == 3) {
      const float red = (float)at[4], green = (float)at[5], blue = (float)at[6];
      for (long c = 0; c < columns; c++, line += 3) line[0] = red, line[1] = green, line[2] = blue;
    } else
      for (long c = 0; c < columns; c++, line += channels)
        for (long k = 0; k < channels; k++) line[k] = (float)at[4 + k];
  }
}

// The triangular weights of the i-th of `to` new pixels, as resizeWindows of @tricks/core computes them.
typedef struct {
  double center, reach, sum;
  long first, last;
} augment_taps;

AUGMENT_INLINE double augment_triangle(double center, double reach, long pixel) {
  const double weight = 1 - __builtin_fabs((double)pixel + 0.5 - center) / reach;
  return weight > 0 ? weight : 0;
}

AUGMENT_INLINE augment_taps augment_taps_of(long i, long length, long to) {
  const double scale = (double)length / (double)to;
  augment_taps taps;
  taps.reach = scale > 1 ? scale : 1;
  taps.center = ((double)i + 0.5) * scale;
  const double first = __builtin_floor(taps.center - taps.reach + 0.5);
  const double last = __builtin_floor(taps.center + taps.reach + 0.5);
  taps.first = first > 0 ? (long)first : 0;
  taps.last = last < (double)length ? (long)last : length;
  taps.sum = 0;
  for (long pixel = taps.first; pixel < taps.last; pixel++)
    taps.sum += augment_triangle(taps.center, taps.reach, pixel);
  return taps;
}

AUGMENT_INLINE float augment_weight(augment_taps taps, long pixel) {
  return (float)(augment_triangle(taps.center, taps.reach, pixel) / taps.sum);
}

// Resizes the box's rows into `scratch`, and from there its columns.
AUGMENT_INLINE void augment_resize(float *to, float *scratch, const float *images, const double *at, long height,
                                   long width, long from_height, long from_width, long channels) {
  const long row = (long)at[0], column = (long)at[1], rows = (long)at[2], columns = (long)at[3];
  const float *from = images + (((long)at[4] * from_height + row) * from_width + column) * channels;
  const long line = columns * channels;
  for (long i = 0; i < height; i++) {
    const augment_taps taps = augment_taps_of(i, rows, height);
    float *out = scratch + i * line;
    for (long k = 0; k < line; k++) out[k] = 0;
    for (long pixel = taps.first; pixel < taps.last; pixel++) {
      const float weight = augment_weight(taps, pixel);
      const float *source = from + pixel * from_width * channels;
      AUGMENT_VECTORIZE
      for (long k = 0; k < line; k++) out[k] += weight * source[k];
    }
  }
  // Column by column, so that its weights are computed once.
  for (long j = 0; j < width; j++) {
    const augment_taps taps = augment_taps_of(j, columns, width);
    for (long pixel = taps.first; pixel < taps.last; pixel++) {
      const float weight = augment_weight(taps, pixel);
      const float *source = scratch + pixel * channels;
      float *out = to + j * channels;
      const int starts = pixel == taps.first;
      if (channels == 3)
        for (long i = 0; i < height; i++, source += line, out += width * 3) {
          out[0] = (starts ? 0 : out[0]) + weight * source[0];
          out[1] = (starts ? 0 : out[1]) + weight * source[1];
          out[2] = (starts ? 0 : out[2]) + weight * source[2];
        }
      else
        for (long i = 0; i < height; i++, source += line, out += width * channels)
          for (long k = 0; k < channels; k++) out[k] = (starts ? 0 : out[k]) + weight * source[k];
    }
  }
}

// Uniform values of core's generator (Philox4x32-10), from the word `count` of a stream on: the values that the
// stream's `uniform` would return.
AUGMENT_INLINE void augment_random(float *to, const double *at, long width, long channels) {
  const long row = (long)at[0], column = (long)at[1], rows = (long)at[2], columns = (long)at[3];
  const unsigned seed = (unsigned)at[4], name = (unsigned)at[5];
  unsigned long long count = (unsigned long long)at[9];
  unsigned a = 0, b = 0, c = 0, d = 0, high = 0;
  int ready = 0;
  for (long r = 0; r < rows; r++) {
    float *line = to + ((row + r) * width + column) * channels;
    for (long i = 0; i < columns * channels; i++) {
      for (int half = 0; half < 2; half++, count++) {
        const unsigned used = (unsigned)(count & 3);
        if (used == 0 || !ready) {
          unsigned k0 = seed, k1 = name;
          a = (unsigned)(count >> 2), b = (unsigned)at[6], c = (unsigned)at[7], d = (unsigned)at[8];
          for (int round = 0; round < 10; round++, k0 += 0x9e3779b9u, k1 += 0xbb67ae85u) {
            const unsigned long long first = 0xd2511f53ull * a, second = 0xcd9e8d57ull * c;
            a = (unsigned)(second >> 32) ^ b ^ k0;
            b = (unsigned)second;
            c = (unsigned)(first >> 32) ^ d ^ k1;
            d = (unsigned)first;
          }
          ready = 1;
        }
        const unsigned word = used == 0 ? a : used == 1 ? b : used == 2 ? c : d;
        if (half == 0)
          high = word >> 5;
        else
          line[i] = (float)(((double)high * 67108864.0 + (double)(word >> 6)) * (1.0 / 9007199254740992.0));
      }
    }
  }
}

AUGMENT_INLINE void augment_mix(float *to, const float *images, const double *at, long size) {
  const float *first = images + (long)at[0] * size, *second = images + (long)at[1] * size;
  const float weight = (float)at[2], rest = 1.0f - weight;
  AUGMENT_VECTORIZE for (long i = 0; i < size; i++) to[i] = first[i] * weight + second[i] * rest;
}

// Each pixel shows its source pixel, or `fill` outside the image. Kind 0: the nearest source. Kind 1: the four around,
// the fill among them. Kind 2: the four around, with the border repeated and the result rounded to levels.
AUGMENT_INLINE void augment_warp(float *to, const float *from, const double *at, long height, long width,
                                 long channels) {
  const long kind = (long)at[1];
  const double rounding = at[2], start_row = at[6], start_column = at[10];
  const double *vertical = at + 3, *horizontal = at + 7, *fill = at + 11;
  for (long i = 0; i < height; i++) {
    const double r = (double)i + start_row;
    const double y_of_row = vertical[0] * r, x_of_row = horizontal[0] * r;
    for (long j = 0; j < width; j++, to += channels) {
      const double s = (double)j + start_column;
      const double y = vertical[1] * s + y_of_row + vertical[2] + rounding;
      const double x = horizontal[1] * s + x_of_row + horizontal[2] + rounding;
      if (kind == 0) {
        if (!(y >= 0 && y < (double)height && x >= 0 && x < (double)width)) {
          for (long k = 0; k < channels; k++) to[k] = (float)fill[k];
          continue;
        }
        // Inside, truncation rounds down.
        const float *pixel = from + ((long)y * width + (long)x) * channels;
        if (channels == 3)
          to[0] = pixel[0], to[1] = pixel[1], to[2] = pixel[2];
        else
          for (long k = 0; k < channels; k++) to[k] = pixel[k];
        continue;
      }
      const double row = __builtin_floor(y), column = __builtin_floor(x);
      const int away = kind == 2 && (y < -0.5 || y >= (double)height - 0.5 || x < -0.5 || x >= (double)width - 0.5);
      for (long k = 0; k < channels; k++) {
        float sum = 0;
        for (int corner = 0; corner < 4; corner++) {
          const double down = (double)(corner >> 1), right = (double)(corner & 1);
          double v = row + down, u = column + right;
          double share_v = 1 - (y < v ? v - y : y - v), share_u = 1 - (x < u ? u - x : x - u);
          int inside = v >= 0 && v < (double)height && u >= 0 && u < (double)width;
          if (kind == 2) {
            share_v = down != 0 ? y - row : row + 1 - y;
            share_u = right != 0 ? x - column : column + 1 - x;
            inside = !away;
            v = v < 0 ? 0 : v > (double)height - 1 ? (double)height - 1 : v;
            u = u < 0 ? 0 : u > (double)width - 1 ? (double)width - 1 : u;
          }
          const float value = inside ? from[((long)v * width + (long)u) * channels + k] : (float)fill[k];
          const float part = value * (float)(share_v * share_u);
          sum = corner == 0 ? part : sum + part;
        }
        to[k] = kind == 2 ? __builtin_rintf(sum) : sum;
      }
    }
  }
}

// ------------------------------------------------------------------------------- colours in [0, 1]

AUGMENT_INLINE float augment_luma(const float *pixel, long channels) {
  if (channels < 3) return pixel[0];
  return pixel[0] * 0.2989f + pixel[1] * 0.587f + pixel[2] * 0.114f;
}

AUGMENT_INLINE void augment_brightness(float *image, float factor, long size) {
  AUGMENT_VECTORIZE for (long i = 0; i < size; i++) image[i] = augment_clip(image[i] * factor, 1);
}

AUGMENT_INLINE void augment_contrast(float *image, float factor, long pixels, long channels) {
  double sum = 0;
  for (long i = 0; i < pixels; i++) sum += (double)augment_luma(image + i * channels, channels);
  const float other = (float)(sum / (double)pixels) * (1.0f - factor);
  AUGMENT_VECTORIZE for (long i = 0; i < pixels * channels; i++) image[i] = augment_clip(image[i] * factor + other, 1);
}

AUGMENT_INLINE void augment_saturation(float *image, float factor, long pixels) {
  const float rest = 1.0f - factor;
  AUGMENT_VECTORIZE
  for (long i = 0; i < pixels; i++) {
    float *pixel = image + 3 * i;
    const float other = augment_luma(pixel, 3) * rest;
    pixel[0] = augment_clip(pixel[0] * factor + other, 1);
    pixel[1] = augment_clip(pixel[1] * factor + other, 1);
    pixel[2] = augment_clip(pixel[2] * factor + other, 1);
  }
}

AUGMENT_INLINE float augment_hue_channel(float hue, float n, float most, float chroma) {
  const float turned = hue + n;
  const float k = turned - __builtin_floorf(turned / 6.0f) * 6.0f;
  return most - chroma * augment_clip(2.0f - __builtin_fabsf(k - 2.0f), 1);
}

AUGMENT_INLINE void augment_hue(float *image, float turns, long pixels) {
  const float turn = turns * 6.0f;
  AUGMENT_VECTORIZE
  for (long i = 0; i < pixels; i++) {
    float *pixel = image + 3 * i;
    const float red = pixel[0], green = pixel[1], blue = pixel[2];
    const float larger = red > green ? red : green, most = larger > blue ? larger : blue;
    const float smaller = red < green ? red : green, least = smaller < blue ? smaller : blue;
    const float chroma = most - least, divisor = chroma > 1e-30f ? chroma : 1e-30f;
    const float difference = most == red ? green - blue : most == green ? blue - red : red - green;
    const float offset = most == red ? 0.0f : most == green ? 2.0f : 4.0f;
    const float hue = difference / divisor + offset + turn;
    pixel[0] = augment_hue_channel(hue, 5.0f, most, chroma);
    pixel[1] = augment_hue_channel(hue, 3.0f, most, chroma);
    pixel[2] = augment_hue_channel(hue, 1.0f, most, chroma);
  }
}

AUGMENT_INLINE void augment_shift(float *image, const double *at, long pixels, long channels) {
  for (long i = 0; i < pixels; i++, image += channels)
    for (long k = 0; k < channels; k++) image[k] = augment_clip(image[k] + (float)at[k], 1);
}

// ------------------------------------------------------------------------ colours on levels 0 … 255

AUGMENT_INLINE void augment_tone(float *image, float width, float start, long size) {
  AUGMENT_VECTORIZE
  for (long i = 0; i < size; i++) {
    const float kept = __builtin_floorf(image[i] / width) * width;
    image[i] = kept - start + 0.5f > 0 ? kept + (255.0f - kept * 2.0f) : kept;
  }
}

AUGMENT_INLINE void augment_auto_contrast(float *image, long pixels, long channels) {
  for (long k = 0; k < channels; k++) {
    float low = image[k], high = image[k];
    for (long i = k; i < pixels * channels; i += channels) {
      low = image[i] < low ? image[i] : low;
      high = image[i] > high ? image[i] : high;
    }
    if (low == high) continue;
    const float scale = 255.0f / (high - low);
    for (long i = k; i < pixels * channels; i += channels)
      image[i] = __builtin_floorf(augment_clip((image[i] - low) * scale, 255));
  }
}

// `table` has 256 values.
AUGMENT_INLINE void augment_equalize(float *image, float *table, long pixels, long channels) {
  for (long k = 0; k < channels; k++) {
    for (long level = 0; level < 256; level++) table[level] = 0;
    for (long i = k; i < pixels * channels; i += channels) table[(long)image[i]] += 1;
    float below = 0, below_brightest = 0;
    for (long level = 0; level < 256; level++) {
      if (table[level] > 0) below_brightest = below;
      below += table[level];
    }
    const float step = __builtin_floorf((below_brightest + 0.5f) / 255.0f);
    if (step == 0) continue;
    const float half = __builtin_floorf(step / 2.0f);
    below = 0;
    for (long level = 0; level < 256; level++) {
      const float here = table[level];
      table[level] = __builtin_floorf(augment_clip((below + half + 0.5f) / step, 255));
      below += here;
    }
    for (long i = k; i < pixels * channels; i += channels) image[i] = table[(long)image[i]];
  }
}

AUGMENT_INLINE float augment_led(float from, float to, float amount) {
  return __builtin_floorf(augment_clip(from + (to - from) * amount, 255));
}

AUGMENT_INLINE void augment_lead(float *image, float *copy, const double *at, long height, long width, long channels) {
  const long from = (long)at[0], pixels = height * width, size = pixels * channels;
  const float amount = (float)at[1], rest = (float)(1 - at[1]);
  if (from == AUGMENT_FROM_BLACK || from == AUGMENT_FROM_MEAN) {
    double sum = 0;
    if (from == AUGMENT_FROM_MEAN)
      for (long i = 0; i < pixels; i++)
        sum += (double)__builtin_floorf(augment_luma(image + i * channels, channels));
    const float base = (float)(sum / (double)pixels);
    AUGMENT_VECTORIZE
    for (long i = 0; i < size; i++) image[i] = augment_led(base, image[i], amount);
  } else if (from == AUGMENT_FROM_GREY) {
    if (channels == 3)
      AUGMENT_VECTORIZE
      for (long i = 0; i < pixels; i++) {
        float *pixel = image + 3 * i;
        const float grey = __builtin_floorf(augment_luma(pixel, 3)) * rest;
        pixel[0] = __builtin_floorf(augment_clip(pixel[0] * amount + grey, 255));
        pixel[1] = __builtin_floorf(augment_clip(pixel[1] * amount + grey, 255));
        pixel[2] = __builtin_floorf(augment_clip(pixel[2] * amount + grey, 255));
      }
  } else if (height >= 3 && width >= 3) {
    // A 3 × 3 mean in which the centre pixel has weight 5.
    __builtin_memcpy(copy, image, (unsigned long)size * sizeof(float));
    const long line = width * channels;
    for (long row = 1; row < height - 1; row++) {
      const long first = row * line + channels;
      const float *above = copy + first - line, *here = copy + first, *below = copy + first + line;
      float *to = image + first;
      AUGMENT_VECTORIZE
      for (long i = 0; i < line - 2 * channels; i++) {
        const float column = above[i] + here[i] * 5.0f + below[i];
        const float left = above[i - channels] + here[i - channels] + below[i - channels];
        const float right = above[i + channels] + here[i + channels] + below[i + channels];
        to[i] = augment_led(__builtin_rintf((left + column + right) / 13.0f), here[i], amount);
      }
    }
  }
}

AUGMENT_INLINE void augment_pair(float *image, const float *images, const double *at, long size) {
  const float *other = images + (long)at[0] * size;
  const float amount = (float)at[1];
  AUGMENT_VECTORIZE
  for (long i = 0; i < size; i++)
    image[i] = augment_led(image[i], __builtin_rintf(other[i] * 255.0f), amount);
}

// -------------------------------------------------------------------------------------------- programs

// Runs the programs of the images from `first` to before `last`. `height` and `width` are those of the output. `scratch`
// has room for an image as high as the output's and as wide as the wider one, at least 256 values.
static void augment_images(float *out, const float *images, const double *program, float *scratch, long height,
                           long width, long from_height, long from_width, long channels, long first, long last) {
  const long pixels = height * width, size = pixels * channels;
  for (long i = first; i < last; i++) {
    float *to = out + i * size;
    const double *at = program + (long)program[i], *end = program + (long)program[i + 1];
    while (at < end) {
      const long code = (long)*at++;
      switch (code) {
        case AUGMENT_COPY:
          augment_copy(to, images, at, height, width, channels);
          at += 9;
          break;
        case AUGMENT_FILL:
          augment_fill(to, at, width, channels);
          at += 4 + channels;
          break;
        case AUGMENT_RANDOM:
          augment_random(to, at, width, channels);
          at += 10;
          break;
        case AUGMENT_MIX:
          augment_mix(to, images, at, size);
          at += 3;
          break;
        case AUGMENT_WARP: {
          const float *from = images + (long)at[0] * size;
          if (at[0] < 0) {
            __builtin_memcpy(scratch, to, (unsigned long)size * sizeof(float));
            from = scratch;
          }
          augment_warp(to, from, at, height, width, channels);
          at += 11 + channels;
          break;
        }
        case AUGMENT_BRIGHTNESS:
          augment_brightness(to, (float)*at++, size);
          break;
        case AUGMENT_CONTRAST:
          augment_contrast(to, (float)*at++, pixels, channels);
          break;
        case AUGMENT_SATURATION:
          augment_saturation(to, (float)*at++, pixels);
          break;
        case AUGMENT_HUE:
          augment_hue(to, (float)*at++, pixels);
          break;
        case AUGMENT_SHIFT:
          augment_shift(to, at, pixels, channels);
          at += channels;
          break;
        case AUGMENT_TO_LEVELS: {
          const float *from = images + (long)*at++ * size;
          AUGMENT_VECTORIZE
          for (long k = 0; k < size; k++) to[k] = __builtin_rintf(from[k] * 255.0f);
          break;
        }
        case AUGMENT_FROM_LEVELS:
          AUGMENT_VECTORIZE
          for (long k = 0; k < size; k++) to[k] = to[k] / 255.0f;
          break;
        case AUGMENT_TONE:
          augment_tone(to, (float)at[0], (float)at[1], size);
          at += 2;
          break;
        case AUGMENT_AUTO_CONTRAST:
          augment_auto_contrast(to, pixels, channels);
          break;
        case AUGMENT_EQUALIZE:
          augment_equalize(to, scratch, pixels, channels);
          break;
        case AUGMENT_LEAD:
          augment_lead(to, scratch, at, height, width, channels);
          at += 2;
          break;
        case AUGMENT_PAIR:
          augment_pair(to, images, at, size);
          at += 2;
          break;
        case AUGMENT_RESIZE:
          augment_resize(to, scratch, images, at, height, width, from_height, from_width, channels);
          at += 5;
          break;
        default:
          return;
      }
    }
  }
}
