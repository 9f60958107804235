// Image augmentations by programs, which @tricks/kernels documents: one shader, with a workgroup per image.
import { augmentShader, instructions, places, threads } from './augment-shader.ts'
import { type Call, compute, dispose, extend, type Info, input, map } from './kernel.ts'

interface Translation {
  /** Where each image's program begins, where the last one ends, then the programs. */
  readonly words: readonly number[]
  /** Whether an instruction needs a copy of the image. */
  readonly copies: boolean
}

/** Translates programs from float64 numbers to words of 32 bits: shaders have no doubles. */
function translate(numbers: Float64Array, images: readonly number[]): Translation {
  const [batch, height, width, channels] = images as [number, number, number, number]
  const words = Array<number>(batch + 1).fill(0)
  let copies = false
  let at = 0
  const next = (): number => numbers[at++]!
  const write: Record<string, () => void> = {
    i: () => words.push(next()),
    f: () => words.push(bitsOf(next())),
    c: () => {
      for (let channel = 0; channel < channels; channel++) words.push(bitsOf(next()))
    },
    r: () => {
      for (let i = 0; i < 5; i++) words.push(next())
      const count = next()
      words.push(Math.floor(count / 4), count % 4)
    },
    // A source's row and column are linear in the pixel's: two slopes, and the value at the first pixel.
    w: () => {
      const rounding = next()
      const [row, column] = [numbers[at + 3]!, numbers[at + 7]!]
      for (let line = 0; line < 2; line++) {
        const [a, b, start] = [next(), next(), next()]
        const first = b * column + a * row + start + rounding
        const most = Math.abs(first) + Math.abs(a) * height + Math.abs(b) * width
        if (!(most < limit))
          throw new RangeError(
            `webgpu: pixels can be moved by less than ${limit} pixels, not by ${Math.ceil(most)}`,
          )
        // Half of the last place, as the shader drops what is below it.
        for (const value of [a, b, first + 2 ** -places.positions / 2])
          words.push(...inFixedPoint(value))
        at++
      }
    },
    l: () => {
      const amount = next()
      words.push(bitsOf(amount), bitsOf(1 - amount))
    },
  }
  for (let image = 0; image < batch; image++) {
    at = numbers[image]!
    words[image] = words.length
    while (at < numbers[image + 1]!) {
      const code = next()
      words.push(code)
      const { operands, copiesFor } = instructions[code]!
      copies ||= copiesFor !== undefined && copiesFor === numbers[at]
      for (const operand of operands) write[operand]!()
    }
  }
  words[batch] = words.length
  return { words, copies }
}

const float = new Float32Array(1)
const bits = new Int32Array(float.buffer)
function bitsOf(value: number): number {
  float[0] = value
  return bits[0]!
}

/** Numbers in fixed point, of 64 bits with a sign, are below this. */
const limit = 2 ** (63 - places.slopes)

/** The low and the high word of a number in fixed point. */
function inFixedPoint(value: number): [low: number, high: number] {
  const scaled = Math.round(value * 2 ** places.slopes)
  const high = Math.floor(scaled / 2 ** 32)
  return [scaled - high * 2 ** 32, high]
}

function augment(call: Call): Info {
  const { backend, attrs } = call
  const [images, program] = [input(call, 'images'), input(call, 'program')]
  const [batch, fromHeight, fromWidth, channels] = images.shape as [number, number, number, number]
  const [height, width] = attrs['size'] as [number, number]
  // Not uploaded yet, so this waits for nothing.
  const pairs = backend.readSync(program.dataId) as Int32Array
  const { words, copies } = translate(new Float64Array(pairs.slice().buffer), images.shape)
  const translated = backend.makeTensorInfo([words.length], 'int32', Int32Array.from(words))
  const result = compute(call, {
    name: 'augment',
    shape: [copies ? 2 * batch : batch, height, width, channels],
    inputs: { images, program: translated },
    uniforms: { batch, height, width, fromHeight, fromWidth, channels },
    threads,
    workgroups: [batch, 1, 1],
    code: augmentShader,
  })
  dispose(call, translated)
  if (!copies) return result
  const augmented = map(call, {
    name: 'augmented',
    shape: [batch, height, width, channels],
    inputs: { both: result },
    body: 'let value = both[index];',
  })
  dispose(call, result)
  return augmented
}

export function registerAugment(): void {
  extend('AugmentImages', () => augment)
}
