import * as tf from '@tensorflow/tfjs-core'

/** A tensor in a JSON file. */
export interface Fixture {
  readonly shape: readonly number[]
  readonly dtype: string
  readonly data: readonly number[]
}

export interface Tolerance {
  /** Default 1e-5. */
  readonly absolute?: number
  /** Relative to the expected value; default 1e-5. */
  readonly relative?: number
}

/** Fixtures and numbers, by name. */
export type Fixtures = Fixture | number | { readonly [name: string]: Fixtures }
/** The JSON form of tensors and numbers. */
export type FixturesOf<T> = T extends tf.Tensor
  ? Fixture
  : T extends number
    ? number
    : { readonly [Name in keyof T]: FixturesOf<T[Name]> }

/**
 * Converts a fixture to a tensor on the current backend.
 *
 * @example
 * const images = fromFixture({ shape: [2], dtype: 'float32', data: [0.5, 1] })
 */
export function fromFixture({ shape, dtype, data }: Fixture): tf.Tensor {
  return tf.tensor([...data], [...shape], dtype as tf.NumericDataType)
}

/**
 * Converts an object of fixtures and numbers to one of tensors and numbers.
 *
 * @example
 * const { images, rate } = fromFixtures<{ images: tf.Tensor1D; rate: number }>({
 *   images: { shape: [2], dtype: 'float32', data: [0.5, 1] },
 *   rate: 0.1,
 * })
 */
export function fromFixtures<T extends object>(fixtures: FixturesOf<T>): T {
  const made = Object.entries(fixtures as Readonly<Record<string, Fixtures>>).map(
    ([name, each]) => {
      if (typeof each === 'number') return [name, each]
      return [name, isFixture(each) ? fromFixture(each) : fromFixtures(each)]
    },
  )
  return Object.fromEntries(made) as T
}

const isFixture = (value: object): value is Fixture => 'data' in value && 'shape' in value

type Numbers = tf.Tensor | ArrayLike<number> | number
type Named<T> = T | { readonly [name: string]: Named<T> }

/**
 * Compares numbers one by one: |got − expected| ≤ absolute + relative · |expected|. For a float32 tensor, expected
 * values are rounded to float32, so both tolerances may be 0.
 *
 * @param got a tensor, an array or a number; or an object of them
 * @param expected the same, or a fixture, whose shape must match the tensor's
 * @throws Error naming the worst index, both values, and how many differ; and if there is nothing to compare
 * @example
 * expectClose(tf.scalar(0.1), 0.1)
 */
export function expectClose(
  got: Named<Numbers>,
  expected: Named<Numbers | Omit<Fixture, 'dtype'>>,
  tolerance: Tolerance = {},
): void {
  if (isNamed(got) || isNamed(expected)) {
    const [a, b] = [got, expected].map((each) => new Map(isNamed(each) ? Object.entries(each) : []))
    const names = [...b!.keys()]
    if (names.length === 0 || [...a!.keys()].toSorted().join() !== names.toSorted().join())
      throw new Error(`expected ${names.join(', ') || 'numbers'}, got ${[...a!.keys()].join(', ')}`)
    for (const name of names) expectClose(a!.get(name)!, b!.get(name)!, tolerance)
  } else if ([got, expected].some((value) => value instanceof tf.Tensor) && !readsAtOnce())
    pending.push(compareLater(got, expected, tolerance))
  else compare(got, expected, tolerance)
}

/** Whether it is an object of named values to compare. */
const isNamed = <T extends Numbers | Omit<Fixture, 'dtype'>>(
  value: Named<T>,
): value is { readonly [name: string]: Named<T> } =>
  typeof value === 'object' &&
  !(value instanceof tf.Tensor) &&
  !('length' in value) &&
  !('data' in value)

const pending: Promise<void>[] = []

/**
 * A page reads WebGPU's tensors asynchronously: synchronous reads go through a canvas, which requires a GPU that draws
 * canvases.
 */
const readsAtOnce = (): boolean => tf.getBackend() !== 'webgpu' || typeof window === 'undefined'

/**
 * Waits for pending comparisons of tensors that can't be read synchronously; `onEachBackend` does so after each test.
 */
export async function comparisons(): Promise<void> {
  await Promise.all(pending.splice(0))
}

async function compareLater(
  got: Numbers,
  expected: Numbers | Omit<Fixture, 'dtype'>,
  tolerance: Tolerance,
): Promise<void> {
  const values = [got, expected].map((value) =>
    value instanceof tf.Tensor ? tf.keep(tf.clone(value)) : value,
  )
  const read = values.map(async (value) => {
    if (!(value instanceof tf.Tensor)) return value
    const { shape } = value
    const data = Object.assign(await value.data(), { shape })
    value.dispose()
    return data
  })
  const [a, b] = await Promise.all(read)
  compare(a as Numbers, b!, tolerance)
}

function compare(
  got: Numbers,
  expected: Numbers | Omit<Fixture, 'dtype'>,
  { absolute = 1e-5, relative = 1e-5 }: Tolerance,
): void {
  const a = numbersOf(got)
  const exact = Array.from(numbersOf(expected))
  const b = a instanceof Float32Array ? exact.map(Math.fround) : exact
  const shape = shapeOf(expected) ?? shapeOf(got)
  const own = shapeOf(got) ?? shape
  if (a.length !== b.length || (shape && own && shape.join() !== own.join()))
    throw new Error(
      `expected ${shape ? `shape [${shape.join(', ')}]` : `${b.length} numbers`}, ` +
        `got ${own ? `[${own.join(', ')}]` : a.length}`,
    )
  // An empty table would accept any result.
  if (b.length === 0) throw new Error('expected numbers to compare with, got none')
  let off = 0
  let worst = 0
  let at = 0
  for (let i = 0; i < b.length; i++) {
    const beyond = Math.abs(a[i]! - b[i]!) - (absolute + relative * Math.abs(b[i]!))
    // NaN is close only to NaN.
    if (Object.is(a[i], b[i]) || beyond <= 0) continue
    off++
    if (off === 1 || beyond > worst || Number.isNaN(beyond)) [worst, at] = [beyond, i]
  }
  if (off > 0)
    throw new Error(
      `${off} of ${b.length} values are off, the worst at ${describeIndex(at, shape)}: ` +
        `expected ${b[at]}, got ${a[at]}, ${Math.abs(a[at]! - b[at]!)} apart`,
    )
}

function numbersOf(value: Numbers | Omit<Fixture, 'dtype'>): ArrayLike<number> {
  if (typeof value === 'number') return [value]
  if (value instanceof tf.Tensor) return value.dataSync()
  return 'data' in value ? value.data : value
}

const shapeOf = (value: Numbers | Omit<Fixture, 'dtype'>): readonly number[] | undefined =>
  typeof value === 'object' && 'shape' in value ? value.shape : undefined

/** Formats a flat index as one index per axis. */
function describeIndex(index: number, shape: readonly number[] | undefined): string {
  if (!shape || shape.length < 2) return `${index}`
  const coordinates = shape.map((size, axis) => {
    const stride = shape.slice(axis + 1).reduce((a, b) => a * b, 1)
    return Math.floor(index / stride) % size
  })
  return `[${coordinates.join(', ')}]`
}
