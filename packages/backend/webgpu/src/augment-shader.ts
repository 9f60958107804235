// The shader of AugmentImages. It runs the programs of augment.c in @tricks/kernels, an instruction at a time, with a
// workgroup per image. Results equal those of the C code up to rounding.

export const threads = 256
/**
 * Binary places of a warp's positions, which are in fixed point: with floats some pixels would come from the wrong place,
 * and shaders have no doubles. Positions are rounded to fewer places than slopes have, so that five tenths are a half.
 */
export const places = { slopes: 50, positions: 36 } as const

/** Access to the program and the image, and memory that the threads of a workgroup share. */
const basics = `
  var<workgroup> handed : i32;
  var<workgroup> bins : array<atomic<u32>, ${threads}>;
  var<workgroup> sums : array<f32, ${threads}>;

  /** Passes a value through shared memory: only then does the compiler know that it is the same in all threads, as barriers require. */
  fn broadcast(value : i32) -> i32 {
    if (localIndex == 0u) { handed = value; }
    return workgroupUniformLoad(&handed);
  }
  fn lane() -> i32 { return i32(localIndex); }
  fn integer(at : i32) -> i32 { return program[at]; }
  fn number(at : i32) -> f32 { return bitcast<f32>(program[at]); }
  fn pixels() -> i32 { return uniforms.height * uniforms.width; }
  fn size() -> i32 { return pixels() * uniforms.channels; }
  /** Where this workgroup's image begins, and the copy of it. */
  fn start() -> i32 { return i32(workgroupId.x) * size(); }
  fn copyStart() -> i32 { return (uniforms.batch + i32(workgroupId.x)) * size(); }
  fn clip(value : f32, high : f32) -> f32 { return clamp(value, 0.0, high); }
  /** A product that the compiler can't fuse with a sum: rounded once instead of twice, a level may be another. */
  fn times(a : f32, b : f32) -> f32 { return clamp(a * b, -1e9, 1e9); }

  fn copyImage() {
    for (var i = lane(); i < size(); i += ${threads}) { result[copyStart() + i] = result[start() + i]; }
    storageBarrier();
  }`

/** Loops over the values of a box, with their `row` and `column` in it, their `channel`, and their `place` in the result. */
const forEachInBox = (body: string): string => `
  let columns = integer(at + 3);
  let count = integer(at + 2) * columns * uniforms.channels;
  for (var i = lane(); i < count; i += ${threads}) {
    let channel = i % uniforms.channels;
    let column = (i / uniforms.channels) % columns;
    let row = i / (uniforms.channels * columns);
    let place = start() + ((integer(at) + row) * uniforms.width + integer(at + 1) + column) * uniforms.channels + channel;
    ${body}
  }`

/** Loops over the image's values, with their index `i` in it and their `place` in the result. */
const forEachValue = (body: string): string => `
  for (var i = lane(); i < size(); i += ${threads}) {
    let place = start() + i;
    ${body}
  }`

/** Loops over the image's pixels, with their index `i` in it and the `place` of their first value in the result. */
const forEachPixel = (body: string): string => `
  for (var i = lane(); i < pixels(); i += ${threads}) {
    let place = start() + i * uniforms.channels;
    ${body}
  }`

/** The fraction's bits in a position's high word, and the ones of the low word that are left by rounding. */
const high = places.slopes - 32
const low = places.positions - high

const geometry = `
  fn copyBox(at : i32) {
    ${forEachInBox(`
      let fromRow = integer(at + 5) + row * integer(at + 7);
      let fromColumn = integer(at + 6) + column * integer(at + 8);
      let index = ((integer(at + 4) * uniforms.height + fromRow) * uniforms.width + fromColumn) * uniforms.channels;
      result[place] = images[index + channel];`)}
  }

  fn fillBox(at : i32) {
    ${forEachInBox(`result[place] = number(at + 4 + channel);`)}
  }

  fn highProduct(a : u32, b : u32) -> u32 {
    let low = (a & 0xffffu) * (b & 0xffffu);
    let middle = (a >> 16u) * (b & 0xffffu) + (low >> 16u);
    let other = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
    return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (other >> 16u);
  }

  /** A word of a stream of core's generator, Philox4x32-10, counted from the start of a block. */
  fn randomWord(at : i32, count : i32) -> u32 {
    var a = u32(integer(at + 5)) + u32(count / 4);
    var b = u32(integer(at + 2));
    var c = u32(integer(at + 3));
    var d = u32(integer(at + 4));
    var k0 = u32(integer(at));
    var k1 = u32(integer(at + 1));
    for (var round = 0; round < 10; round++) {
      let first = highProduct(0xd2511f53u, a);
      let second = highProduct(0xcd9e8d57u, c);
      let lowFirst = 0xd2511f53u * a;
      a = second ^ b ^ k0;
      b = 0xcd9e8d57u * c;
      c = first ^ d ^ k1;
      d = lowFirst;
      k0 += 0x9e3779b9u;
      k1 += 0xbb67ae85u;
    }
    return array<u32, 4>(a, b, c, d)[count % 4];
  }

  fn fillRandomly(at : i32) {
    ${forEachInBox(`
      let count = integer(at + 10) + 2 * i;
      let high = randomWord(at + 4, count) >> 5u;
      let low = ((high & 7u) << 26u) | (randomWord(at + 4, count + 1) >> 6u);
      // A dropped bit sets the lowest one that is kept, so that only the sum rounds.
      let rest = (low >> 6u) | select(0u, 1u, (low & 63u) != 0u);
      result[place] = f32(high >> 3u) * 0x1p-24 + f32(rest) * 0x1p-47;`)}
  }

  fn mixImages(at : i32) {
    let first = integer(at) * size();
    let second = integer(at + 1) * size();
    let weight = number(at + 2);
    ${forEachValue('result[place] = times(images[first + i], weight) + times(images[second + i], 1.0 - weight);')}
  }

  /** A number in fixed point, low word first, times a whole number below 65536. */
  fn multiple(value : vec2<u32>, factor : i32) -> vec2<u32> {
    let f = u32(factor);
    let low = (value.x & 0xffffu) * f;
    let high = (value.x >> 16u) * f + (low >> 16u);
    return vec2<u32>((high << 16u) | (low & 0xffffu), value.y * f + (high >> 16u));
  }
  fn plus(a : vec2<u32>, b : vec2<u32>) -> vec2<u32> {
    let low = a.x + b.x;
    return vec2<u32>(low, a.y + b.y + select(0u, 1u, low < a.x));
  }
  fn fixedPoint(at : i32) -> vec2<u32> { return vec2<u32>(u32(integer(at)), u32(integer(at + 1))); }
  /** The source's coordinate of a pixel, by the line of a warp. */
  fn coordinate(at : i32, row : i32, column : i32) -> vec2<u32> {
    let slopes = plus(multiple(fixedPoint(at), row), multiple(fixedPoint(at + 2), column));
    return plus(slopes, fixedPoint(at + 4));
  }
  fn whole(value : vec2<u32>) -> i32 { return i32(value.y) >> ${high}u; }
  /** The fraction, and 1 minus it, each rounded once. */
  fn shares(value : vec2<u32>) -> vec2<f32> {
    let digits = vec2<u32>(value.y & ${2 ** high - 1}u, value.x >> ${places.slopes - places.positions}u);
    let opposite = vec2<u32>(${2 ** high - 1}u, ${2 ** low}u) - digits;
    return vec2<f32>(f32(digits.x), f32(opposite.x)) * 0x1p-${high}
      + vec2<f32>(f32(digits.y), f32(opposite.y)) * 0x1p-${places.positions};
  }

  fn warp(at : i32) {
    let kind = integer(at + 1);
    let itself = integer(at) < 0;
    let colour = at + 14;
    let last = vec2<i32>(uniforms.height - 1, uniforms.width - 1);
    for (var i = lane(); i < pixels(); i += ${threads}) {
      let y = coordinate(at + 2, i / uniforms.width, i % uniforms.width);
      let x = coordinate(at + 8, i / uniforms.width, i % uniforms.width);
      let corner = vec2<i32>(whole(y), whole(x));
      let down = shares(y);
      let right = shares(x);
      let part = vec2<f32>(down.x, right.x);
      // By more than half a pixel.
      let isAway = corner.x < -1 || corner.y < -1 || corner.x > last.x || corner.y > last.y
        || (corner.x == -1 && part.x < 0.5) || (corner.y == -1 && part.y < 0.5)
        || (corner.x == last.x && part.x >= 0.5) || (corner.y == last.y && part.y >= 0.5);
      for (var channel = 0; channel < uniforms.channels; channel++) {
        var sum = 0.0;
        for (var each = 0; each < select(4, 1, kind == 0); each++) {
          let step = vec2<i32>(each / 2, each % 2);
          var source = corner + step;
          let weight = select(down.y, down.x, step.x == 1) * select(right.y, right.x, step.y == 1);
          var isInside = all(source >= vec2<i32>(0, 0)) && all(source <= last);
          if (kind == 2) {
            isInside = !isAway;
            source = clamp(source, vec2<i32>(0, 0), last);
          }
          var value = number(colour + channel);
          if (isInside) {
            let index = (source.x * uniforms.width + source.y) * uniforms.channels + channel;
            if (itself) { value = result[copyStart() + index]; } else { value = images[integer(at) * size() + index]; }
          }
          sum += times(value, select(weight, 1.0, kind == 0));
        }
        result[start() + i * uniforms.channels + channel] = select(sum, round(sum), kind == 2);
      }
    }
  }

  /**
   * The weight of a source pixel in new pixel i, of \`to\` from \`length\`, in units that make it whole: the triangle
   * 1 - |pixel + 1/2 - (i + 1/2) length / to| / max(1, length / to), times twice the larger of the two lengths.
   */
  fn tap(i : i32, pixel : i32, length : i32, to : i32) -> i32 {
    return max(0, 2 * max(length, to) - abs((2 * pixel + 1) * to - (2 * i + 1) * length));
  }
  /** The pixels from x to before y, among which are all with a weight, and the sum of the weights, z. */
  fn taps(i : i32, length : i32, to : i32) -> vec3<i32> {
    let middle = (2 * i + 1) * length;
    let reach = 2 * max(length, to);
    let first = max(0, (middle - reach - to) / (2 * to));
    let last = min(length, (middle + reach + to) / (2 * to));
    var sum = 0;
    for (var pixel = first; pixel < last; pixel++) { sum += tap(i, pixel, length, to); }
    return vec3<i32>(first, last, sum);
  }

  fn resizeBox(at : i32) {
    let rows = integer(at + 2);
    let columns = integer(at + 3);
    ${forEachPixel(`
      let row = i / uniforms.width;
      let column = i % uniforms.width;
      let down = taps(row, rows, uniforms.height);
      let right = taps(column, columns, uniforms.width);
      for (var channel = 0; channel < uniforms.channels; channel++) {
        var sum = 0.0;
        for (var c = right.x; c < right.y; c++) {
          var inColumn = 0.0;
          for (var r = down.x; r < down.y; r++) {
            let index = (integer(at + 4) * uniforms.fromHeight + integer(at) + r) * uniforms.fromWidth + integer(at + 1) + c;
            inColumn += f32(tap(row, r, rows, uniforms.height)) / f32(down.z) * images[index * uniforms.channels + channel];
          }
          sum += f32(tap(column, c, columns, uniforms.width)) / f32(right.z) * inColumn;
        }
        result[place + channel] = sum;
      }`)}
  }`

/** Colours in [0, 1]. */
const colours = `
  fn luma(place : i32) -> f32 {
    if (uniforms.channels < 3) { return result[place]; }
    return times(result[place], 0.2989) + times(result[place + 1], 0.587) + times(result[place + 2], 0.114);
  }

  fn brightness(factor : f32) {
    ${forEachValue('result[place] = clip(result[place] * factor, 1.0);')}
  }

  fn contrast(factor : f32) {
    var sum = 0.0;
    ${forEachPixel('sum += luma(place);')}
    sums[localIndex] = sum;
    workgroupBarrier();
    for (var half = ${threads / 2}; half > 0; half /= 2) {
      if (lane() < half) { sums[localIndex] += sums[lane() + half]; }
      workgroupBarrier();
    }
    let other = times(sums[0] / f32(pixels()), 1.0 - factor);
    ${forEachValue('result[place] = clip(times(result[place], factor) + other, 1.0);')}
  }

  fn saturation(factor : f32) {
    ${forEachPixel(`
      let other = times(luma(place), 1.0 - factor);
      for (var k = 0; k < 3; k++) { result[place + k] = clip(times(result[place + k], factor) + other, 1.0); }`)}
  }

  fn hue(turns : f32) {
    ${forEachPixel(`
      let pixel = vec3<f32>(result[place], result[place + 1], result[place + 2]);
      let most = max(max(pixel.r, pixel.g), pixel.b);
      let chroma = most - min(min(pixel.r, pixel.g), pixel.b);
      var difference = pixel.r - pixel.g;
      var offset = 4.0;
      if (most == pixel.r) {
        difference = pixel.g - pixel.b;
        offset = 0.0;
      } else if (most == pixel.g) {
        difference = pixel.b - pixel.r;
        offset = 2.0;
      }
      let turned = difference / max(chroma, 1e-30) + offset + turns * 6.0 + vec3<f32>(5.0, 3.0, 1.0);
      let k = turned - floor(turned / 6.0) * 6.0;
      let changed = most - chroma * clamp(2.0 - abs(k - 2.0), vec3<f32>(0.0), vec3<f32>(1.0));
      for (var channel = 0; channel < 3; channel++) { result[place + channel] = changed[channel]; }`)}
  }

  fn shift(at : i32) {
    ${forEachValue('result[place] = clip(result[place] + number(at + i % uniforms.channels), 1.0);')}
  }`

/** Colours on levels 0 … 255. */
const levels = `
  fn toLevels(image : i32) {
    ${forEachValue('result[place] = round(images[image * size() + i] * 255.0);')}
  }

  fn fromLevels() {
    ${forEachValue('result[place] = result[place] / 255.0;')}
  }

  fn tone(width : f32, begin : f32) {
    ${forEachValue(`
      // Adding half a level keeps quotients from rounding to below an integer.
      let kept = floor((result[place] + 0.5) / width) * width;
      result[place] = select(kept, 255.0 - kept, kept - begin + 0.5 > 0.0);`)}
  }

  /** 255 / range, rounded correctly: a shader's division may not be. */
  fn scaleFor(range : u32) -> f32 {
    let exponent = 31u - countLeadingZeros(255u / range);
    let dividend = 255u << (23u - exponent);
    let rest = dividend % range;
    let digits = dividend / range + select(0u, 1u, 2u * rest > range);
    return bitcast<f32>(((126u + exponent) << 23u) + digits);
  }

  fn autoContrast() {
    for (var channel = 0; channel < uniforms.channels; channel++) {
      atomicStore(&bins[0], 255u);
      atomicStore(&bins[1], 0u);
      workgroupBarrier();
      ${forEachPixel(`
        atomicMin(&bins[0], u32(result[place + channel]));
        atomicMax(&bins[1], u32(result[place + channel]));`)}
      workgroupBarrier();
      let low = atomicLoad(&bins[0]);
      let high = atomicLoad(&bins[1]);
      if (high > low) {
        let scale = scaleFor(high - low);
        ${forEachPixel('result[place + channel] = floor(clip((result[place + channel] - f32(low)) * scale, 255.0));')}
      }
      workgroupBarrier();
    }
  }

  fn equalize() {
    for (var channel = 0; channel < uniforms.channels; channel++) {
      atomicStore(&bins[localIndex], 0u);
      workgroupBarrier();
      ${forEachPixel('atomicAdd(&bins[u32(result[place + channel])], 1u);')}
      workgroupBarrier();
      // Each thread has its own level.
      var below = 0u;
      var darker = 0u;
      var belowBrightest = 0u;
      for (var level = 0u; level < 256u; level++) {
        let here = atomicLoad(&bins[level]);
        if (here > 0u) { belowBrightest = below; }
        if (level == localIndex) { darker = below; }
        below += here;
      }
      let step = belowBrightest / 255u;
      sums[localIndex] = f32(select(localIndex, min(255u, (darker + step / 2u) / max(step, 1u)), step > 0u));
      workgroupBarrier();
      ${forEachPixel('result[place + channel] = sums[u32(result[place + channel])];')}
      workgroupBarrier();
    }
  }

  fn led(base : f32, value : f32, amount : f32) -> f32 {
    return floor(clip(base + times(value - base, amount), 255.0));
  }

  fn lead(at : i32, base : i32) {
    let amount = number(at + 1);
    let rest = number(at + 2);
    if (base == 0) {
      ${forEachValue('result[place] = led(0.0, result[place], amount);')}
    } else if (base == 1) {
      atomicStore(&bins[0], 0u);
      workgroupBarrier();
      var sum = 0u;
      ${forEachPixel('sum += u32(luma(place));')}
      atomicAdd(&bins[0], sum);
      workgroupBarrier();
      let total = atomicLoad(&bins[0]);
      let count = u32(pixels());
      // The whole part is exact, so that the mean of equal pixels is their level.
      let mean = f32(total / count) + f32(total % count) / f32(count);
      ${forEachValue('result[place] = led(mean, result[place], amount);')}
    } else if (base == 2) {
      if (uniforms.channels == 3) {
        ${forEachPixel(`
          let grey = times(floor(luma(place)), rest);
          for (var k = 0; k < 3; k++) { result[place + k] = floor(clip(times(result[place + k], amount) + grey, 255.0)); }`)}
      }
    } else {
      copyImage();
      let line = uniforms.width * uniforms.channels;
      // A 3 × 3 mean in which the centre pixel has weight 5.
      ${forEachValue(`
        let row = i / line;
        let column = (i % line) / uniforms.channels;
        if (row > 0 && row < uniforms.height - 1 && column > 0 && column < uniforms.width - 1) {
          var sum = 4.0 * result[copyStart() + i];
          for (var r = -1; r < 2; r++) {
            for (var c = -1; c < 2; c++) { sum += result[copyStart() + i + r * line + c * uniforms.channels]; }
          }
          result[place] = led(round(sum / 13.0), result[copyStart() + i], amount);
        }`)}
    }
  }

  fn pairImages(at : i32) {
    let other = integer(at) * size();
    ${forEachValue('result[place] = led(result[place], round(images[other + i] * 255.0), number(at + 1));')}
  }`

/** What an instruction does, and its operands: i an integer, f a float, c a float per channel, others below. */
interface Instruction {
  readonly call: string
  readonly operands: string
  /** The first operand for which it reads what it overwrites, and calls `copyImage`. */
  readonly copiesFor?: number
}

/** By code. */
export const instructions: readonly Instruction[] = [
  { call: 'copyBox(at);', operands: 'iiiiiiiii' },
  { call: 'fillBox(at);', operands: 'iiiic' },
  { call: 'fillRandomly(at);', operands: 'iiiir' },
  { call: 'mixImages(at);', operands: 'iif' },
  {
    call: 'if (broadcast(integer(at)) < 0) { copyImage(); } warp(at);',
    operands: 'iiwc',
    copiesFor: -1,
  },
  { call: 'brightness(number(at));', operands: 'f' },
  { call: 'contrast(number(at));', operands: 'f' },
  { call: 'saturation(number(at));', operands: 'f' },
  { call: 'hue(number(at));', operands: 'f' },
  { call: 'shift(at);', operands: 'c' },
  { call: 'toLevels(integer(at));', operands: 'i' },
  { call: 'fromLevels();', operands: '' },
  { call: 'tone(number(at), number(at + 1));', operands: 'ff' },
  { call: 'autoContrast();', operands: '' },
  { call: 'equalize();', operands: '' },
  { call: 'lead(at, broadcast(integer(at)));', operands: 'il', copiesFor: 3 },
  { call: 'pairImages(at);', operands: 'if' },
  { call: 'resizeBox(at);', operands: 'iiiii' },
]

/** The words of an operand: r is a position in a random stream, w the two lines of a warp, l an amount and 1 less it. */
const words: Readonly<Record<string, string>> = {
  i: '1',
  f: '1',
  c: 'uniforms.channels',
  r: '7',
  w: '12',
  l: '2',
}

const cases = instructions.map(({ call, operands }, code) => {
  const length = ['0', ...Array.from(operands, (operand) => words[operand])].join(' + ')
  return `case ${code}: { ${call} at += ${length}; }`
})

export const augmentShader = `
  ${basics}
  ${geometry}
  ${colours}
  ${levels}
  fn main(_index : i32) {
    var at = broadcast(program[workgroupId.x]);
    let end = broadcast(program[workgroupId.x + 1u]);
    while (at < end) {
      let code = broadcast(program[at]);
      at++;
      switch (code) {
        ${cases.join('\n')}
        default: { return; }
      }
      storageBarrier();
    }
  }`
