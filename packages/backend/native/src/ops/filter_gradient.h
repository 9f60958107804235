// The gradient of a convolution by its filter, on the processor's matrix unit (AMX), in bfloat16 with float32 sums:
//
//   dFilter[a][b][c][o] = Σ x[image, i + a − top, j + b − left, c] · dy[image, i, j, o]
//
// The sum over positions is a matrix product. Images are stored channel by channel, so x shifted by a filter position
// (a, b) is x from another offset on, and no matrix of windows is needed. The padding beside a row is shared with the
// next row, and the padding below an image with the next image. dy has the same layout as x, with zeros where no window
// starts.
#pragma once

#if defined(__AMX_BF16__)
#include <immintrin.h>

#include "op.h"
#include "scratch.h"
#include "threads.h"

namespace {

constexpr int kTile = 16;
// Number of positions in a tile of x, consumed by a step of the matrix unit.
constexpr int kPlaces = 32;
// Numbers of positions per block: of all channels, in a core's L2 cache; of two tiles of channels and two of outputs,
// in its L1 cache during the loop over the filter's positions.
constexpr int64_t kGroup = 1024;
constexpr int64_t kBlockPlaces = 256;
// Memory limit for the sums of all threads, in bytes.
constexpr int64_t kSums = 64 << 20;

// Configures the unit for a thread and restores it afterwards: oneDNN uses it too.
class MatrixUnit {
 public:
  MatrixUnit() {
    _tile_storeconfig(before_);
    Config config{};
    config.palette = 1;
    for (int tile = 0; tile < 8; ++tile) {
      config.bytes[tile] = 64;
      config.rows[tile] = kTile;
    }
    _tile_loadconfig(&config);
  }
  ~MatrixUnit() {
    if (before_[0] == 0)
      _tile_release();
    else
      _tile_loadconfig(before_);
  }

 private:
  struct Config {
    uint8_t palette, start, reserved[14];
    uint16_t bytes[16];
    uint8_t rows[16];
  };
  alignas(64) uint8_t before_[64];
};

int64_t roundUp(int64_t value, int64_t to) { return (value + to - 1) / to * to; }

// The sizes of a convolution with strides of 1 and its layout here.
struct Windows {
  int64_t height, width, channels, outHeight, outWidth, outputs;
  int filterHeight, filterWidth, top, left;

  // Distance between rows, including the padding on both sides.
  int64_t pitch() const {
    const int64_t right = outWidth - 1 + filterWidth - left - width;
    return std::max(width + std::max<int64_t>({left, right, 0}), outWidth);
  }
  // Distance between images.
  int64_t places() const {
    const int64_t bottom = outHeight - 1 + filterHeight - top - height;
    return std::max(height + std::max<int64_t>({top, bottom, 0}), outHeight) * pitch();
  }
  // Zeros before the first image.
  int64_t begin() const { return top * pitch() + left; }
  int64_t images() const { return std::max<int64_t>(1, kGroup / places()); }
  // The extent of a group of images, in whole steps.
  int64_t length(int64_t count) const {
    return roundUp((count - 1) * places() + (outHeight - 1) * pitch() + outWidth, kPlaces);
  }
  int64_t length() const { return length(images()); }
  // Leaves room for the last step shifted by the last filter position; an odd number of 64-byte lines, so that channels
  // don't map to the same cache lines.
  int64_t stride() const {
    const int64_t moved = length() + (filterHeight - 1) * pitch() + filterWidth;
    const int64_t reached = std::max(moved, begin() + images() * places());
    return roundUp(reached, 2 * kPlaces) + kPlaces;
  }
  int64_t channelTiles() const { return (channels + kTile - 1) / kTile; }
  int64_t outputTiles() const { return (outputs + kTile - 1) / kTile; }
  int64_t sums() const {
    return filterHeight * filterWidth * channelTiles() * outputTiles() * kTile * kTile;
  }
};

// Transposes up to 16 × 16 values: rows of `from` become columns of `to`.
inline void turn(const uint16_t* from, int64_t fromStride, int64_t lines, int64_t columns,
                 uint16_t* to, int64_t toStride) {
  const auto some = [](int64_t count) { return static_cast<__mmask16>((1 << count) - 1); };
  __m256i line[16], pair[16];
  for (int r = 0; r < 16; ++r)
    line[r] = r < lines ? _mm256_maskz_loadu_epi16(some(columns), from + r * fromStride)
                        : _mm256_setzero_si256();
  for (int r = 0; r < 16; r += 2) {
    pair[r] = _mm256_unpacklo_epi16(line[r], line[r + 1]);
    pair[r + 1] = _mm256_unpackhi_epi16(line[r], line[r + 1]);
  }
  for (int r = 0; r < 16; r += 4)
    for (int h = 0; h < 2; ++h) {
      line[r + 2 * h] = _mm256_unpacklo_epi32(pair[r + h], pair[r + 2 + h]);
      line[r + 2 * h + 1] = _mm256_unpackhi_epi32(pair[r + h], pair[r + 2 + h]);
    }
  for (int r = 0; r < 16; r += 8)
    for (int h = 0; h < 4; ++h) {
      pair[r + 2 * h] = _mm256_unpacklo_epi64(line[r + h], line[r + 4 + h]);
      pair[r + 2 * h + 1] = _mm256_unpackhi_epi64(line[r + h], line[r + 4 + h]);
    }
  // Low halves hold columns 0 to 7, high ones 8 to 15.
  for (int c = 0; c < 16; ++c) {
    if (c >= columns) return;
    const __m256i column = c < 8 ? _mm256_permute2x128_si256(pair[c], pair[c + 8], 0x20)
                                 : _mm256_permute2x128_si256(pair[c - 8], pair[c], 0x31);
    _mm256_mask_storeu_epi16(to + c * toStride, some(lines), column);
  }
}

// Stores an image channel by channel, into a buffer whose padding is already zero.
inline void channelsOfPlaces(const Windows& by, const uint16_t* image, uint16_t* to) {
  for (int64_t i = 0; i < by.height; ++i)
    for (int64_t j = 0; j < by.width; j += kTile)
      for (int64_t c = 0; c < by.channels; c += kTile)
        turn(image + (i * by.width + j) * by.channels + c, by.channels,
             std::min<int64_t>(kTile, by.width - j), std::min<int64_t>(kTile, by.channels - c),
             to + by.begin() + i * by.pitch() + j + c * by.stride(), by.stride());
}

// Stores an image's dy as pairs of positions in tiles of outputs, the layout that the matrix unit requires. `first` is
// the position of the image's corner.
inline void pairsOfPlaces(const Windows& by, const uint16_t* image, int64_t first, uint16_t* to) {
  for (int64_t tile = 0; tile < by.outputTiles(); ++tile) {
    const int64_t count = std::min<int64_t>(kTile, by.outputs - tile * kTile);
    const auto some = static_cast<__mmask16>((1 << count) - 1);
    for (int64_t i = 0; i < by.outHeight; ++i)
      for (int64_t j = 0; j < by.outWidth; ++j) {
        const int64_t place = first + i * by.pitch() + j;
        const uint16_t* from = image + (i * by.outWidth + j) * by.outputs + tile * kTile;
        const auto load = [&](const uint16_t* at) {
          return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(some, at));
        };
        __m512i values = load(from);
        uint16_t* pair = to + tile * by.length() * kTile + place / 2 * kPlaces;
        if (place % 2 == 0 && j + 1 < by.outWidth) {
          values = _mm512_or_si512(values, _mm512_slli_epi32(load(from + by.outputs), 16));
          ++j;
        } else {
          // The pair's other position is in another row, or outside the image.
          const bool odd = place % 2 != 0;
          if (odd) values = _mm512_slli_epi32(values, 16);
          const __mmask32 own = odd ? 0xaaaaaaaa : 0x55555555;
          values = _mm512_mask_mov_epi16(_mm512_loadu_si512(pair), own, values);
        }
        _mm512_storeu_si512(pair, values);
      }
  }
}

// Adds the products of `length` positions to the sums, for a block of A × B tiles; if `begins`, initialises them.
template <int A, int B>
inline void multiply(const uint16_t* x, int64_t stride, const uint16_t* dy, int64_t nextOutputs,
                     int64_t length, bool begins, float* sums, int64_t nextChannels) {
  constexpr int kLine = kTile * sizeof(float);
  constexpr int kTiled = kTile * kTile;
  if (begins) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  } else {
    _tile_loadd(0, sums, kLine);
    if (B > 1) _tile_loadd(1, sums + kTiled, kLine);
    if (A > 1) _tile_loadd(2, sums + nextChannels, kLine);
    if (A > 1 && B > 1) _tile_loadd(3, sums + nextChannels + kTiled, kLine);
  }
  const int64_t bytes = stride * sizeof(uint16_t);
  for (int64_t place = 0; place < length; place += kPlaces) {
    _tile_loadd(4, x + place, bytes);
    _tile_loadd(6, dy + place * kTile, kLine);
    _tile_dpbf16ps(0, 4, 6);
    if (B > 1) {
      _tile_loadd(7, dy + nextOutputs + place * kTile, kLine);
      _tile_dpbf16ps(1, 4, 7);
    }
    if (A > 1) {
      _tile_loadd(5, x + kTile * stride + place, bytes);
      _tile_dpbf16ps(2, 5, 6);
      if (B > 1) _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, sums, kLine);
  if (B > 1) _tile_stored(1, sums + kTiled, kLine);
  if (A > 1) _tile_stored(2, sums + nextChannels, kLine);
  if (A > 1 && B > 1) _tile_stored(3, sums + nextChannels + kTiled, kLine);
}

// Adds the products of a group of images for the whole filter; the first group initialises the sums.
inline void multiplyGroup(const Windows& by, const uint16_t* x, const uint16_t* dy, int64_t length,
                          bool begins, float* sums) {
  const int64_t channelTiles = by.channelTiles(), outputTiles = by.outputTiles();
  const int64_t nextChannels = outputTiles * kTile * kTile, nextOutputs = by.length() * kTile;
  for (int64_t c = 0; c < channelTiles; c += 2)
    for (int64_t o = 0; o < outputTiles; o += 2) {
      const bool two = c + 1 < channelTiles, both = o + 1 < outputTiles;
      const auto work = two ? (both ? multiply<2, 2> : multiply<2, 1>)
                            : (both ? multiply<1, 2> : multiply<1, 1>);
      for (int64_t from = 0; from < length; from += kBlockPlaces)
        for (int place = 0; place < by.filterHeight * by.filterWidth; ++place) {
          const int64_t moved = place / by.filterWidth * by.pitch() + place % by.filterWidth;
          work(x + c * kTile * by.stride() + moved + from, by.stride(),
               dy + o * nextOutputs + from * kTile, nextOutputs,
               std::min(kBlockPlaces, length - from), begins && from == 0,
               sums + ((place * channelTiles + c) * outputTiles + o) * kTile * kTile, nextChannels);
        }
    }
}

// The sums over the images [from, to), in tiles.
inline void sumImages(const Windows& by, const uint16_t* x, const uint16_t* dy, int64_t from,
                      int64_t to, float* sums) {
  static thread_local Scratch ofChannels, ofPairs;
  const int64_t pairCount = by.outputTiles() * kTile * by.length();
  uint16_t* channels = ofChannels.take<uint16_t>(by.channelTiles() * kTile * by.stride(), true);
  uint16_t* pairs = ofPairs.take<uint16_t>(pairCount, true);
  const MatrixUnit unit;
  for (int64_t first = from; first < to; first += by.images()) {
    const int64_t count = std::min(by.images(), to - first);
    // Otherwise, the remains of a longer group would be added.
    if (count < by.images()) std::memset(pairs, 0, pairCount * sizeof *pairs);
    for (int64_t k = 0; k < count; ++k) {
      const int64_t image = first + k, place = k * by.places();
      channelsOfPlaces(by, x + image * by.height * by.width * by.channels, channels + place);
      pairsOfPlaces(by, dy + image * by.outHeight * by.outWidth * by.outputs, place, pairs);
    }
    multiplyGroup(by, channels, pairs, by.length(count), first == from, sums);
  }
}

// x, dy → dFilter
void filterGradient(void* attributes, TF_OpKernelContext* context) {
  Call call(attributes, context);
  Tensor x, dy, dFilter;
  call.input(0, &x);
  call.input(1, &dy);
  if (!call.ok()) return;
  const Attributes& given = call.attributes;
  const Windows by{x.size(1),       x.size(2),       x.size(3),        dy.size(1),      dy.size(2),
                   dy.size(3),      given.window[0], given.window[1],  given.padding[0], given.padding[1]};
  call.output(0, TF_FLOAT, {by.filterHeight, by.filterWidth, by.channels, by.outputs}, &dFilter);
  if (!call.ok()) return;
  Threads& threads = Threads::instance();
  const int64_t images = x.size(0), size = by.sums();
  const int64_t most = std::max<int64_t>(1, kSums / (size * static_cast<int64_t>(sizeof(float))));
  std::vector<const float*> sums(threads.size());
  std::vector<Scratch>& ofSums = scratchOfParts();
  threads.split(images, (images + most - 1) / most, [&](int64_t from, int64_t to, int part) {
    float* own = ofSums[part].take<float>(size);
    sumImages(by, x.data<uint16_t>(), dy.data<uint16_t>(), from, to, own);
    sums[part] = own;
  });
  // Copies the tiles to rows, one per filter position and channel.
  const int64_t lines = by.filterHeight * by.filterWidth * by.channels;
  threads.share(lines, grainOf(by.outputs), [&](int64_t from, int64_t to) {
    for (int64_t line = from; line < to; ++line) {
      const int64_t place = line / by.channels, c = line % by.channels;
      float* target = dFilter.data<float>() + line * by.outputs;
      for (int64_t o = 0; o < by.outputs; o += kTile) {
        const int64_t tile =
            (place * by.channelTiles() + c / kTile) * by.outputTiles() + o / kTile;
        const int64_t at = (tile * kTile + c % kTile) * kTile;
        const int64_t count = std::min<int64_t>(kTile, by.outputs - o);
        for (int64_t k = 0; k < count; ++k) target[o + k] = sums[0][at + k];
        for (size_t part = 1; part < sums.size() && sums[part]; ++part)
          for (int64_t k = 0; k < count; ++k) target[o + k] += sums[part][at + k];
      }
    }
  });
}

}  // namespace
#endif
