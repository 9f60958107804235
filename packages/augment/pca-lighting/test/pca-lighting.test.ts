import * as tf from '@tensorflow/tfjs-core'
import {
  conformance,
  expectCdf,
  expectClose,
  expectIndependent,
  fromFixture,
  onEachBackend,
  asInPipeline,
} from '@tricks/conformance'
import { createRandom } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import {
  applyPcaLighting,
  cifar10Components,
  type Components,
  fitComponents,
  imagenetComponents,
  type LightingParams,
  pcaLighting,
  pcaLightingBatch,
} from '../src/index.ts'
import fixture from './fixtures/pca-lighting.json' with { type: 'json' }

const { inputs, params, expected } = fixture.cases[0]!
const rows = (matrix: { shape: number[]; data: number[] }): number[][] =>
  Array.from({ length: matrix.shape[0]! }, (_, i) =>
    matrix.data.slice(i * matrix.shape[1]!, (i + 1) * matrix.shape[1]!),
  )
const given: LightingParams = {
  alphas: rows(params.alphas),
  eigenvalues: params.eigenvalues,
  eigenvectors: rows(params.eigenvectorsColumns),
}

onEachBackend(() => {
  test('matches the formula in torch', () => {
    const images = fromFixture(inputs.images) as tf.Tensor4D
    expectClose(applyPcaLighting(images, given), expected.images)
  })

  test('the function adds, and the trick clips', () => {
    const images = tf.tensor4d([0.5, 0.99, 0], [1, 1, 1, 3])
    const lit = { alphas: [[1, 1, 1]], eigenvalues: [0.25, 0.25, -0.25], eigenvectors: identity }
    expectClose(applyPcaLighting(images, lit), [0.75, 1.24, -0.25])
    expectClose(pcaLighting().images!.apply(images, lit), [0.75, 1, 0])
  })
})
const identity = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
]

describe('components', () => {
  const fitted = (): Components => fitComponents(inputs.images.data)
  const order = [2, 1, 0]

  test("are torch's, largest first, except for signs", () => {
    const { eigenvalues, eigenvectors } = fitted()
    expectClose(
      eigenvalues,
      order.map((i) => params.eigenvalues[i]!),
    )
    expectClose(
      eigenvectors.flat().map(Math.abs),
      given.eigenvectors.flatMap((row) => order.map((i) => Math.abs(row[i]!))),
      { absolute: 1e-4 },
    )
  })

  test('point to the brighter side, so they are the same on every machine', () => {
    const data = Array.from({ length: 20 }, (_, seed) =>
      createRandom(seed).images(30, (image) => image.uniform()),
    )
    for (const { eigenvectors } of [...data.map((pixels) => fitComponents(pixels)), fitted()])
      for (const component of [0, 1, 2]) {
        const sum = eigenvectors.reduce((total, row) => total + row[component]!, 0)
        expect(sum).toBeGreaterThanOrEqual(0)
      }
  })

  test('two pixels have one component', () => {
    const { eigenvalues, eigenvectors } = fitComponents([0, 0.5, 1, 0.5, 1, 1])
    // They differ by [0.5, 0.5, 0].
    expectClose(eigenvalues, [0.25, 0, 0], { absolute: 1e-12 })
    expectClose(
      eigenvectors.map(([first]) => first!),
      [Math.SQRT1_2, Math.SQRT1_2, 0],
      { absolute: 1e-12 },
    )
  })

  test("ImageNet's are the published ones", () => {
    expect(imagenetComponents.eigenvalues).toEqual([0.2175, 0.0188, 0.0045])
  })

  test('reproduce the covariance', () => {
    const { eigenvalues, eigenvectors } = fitted()
    const covariance = eigenvectors.flatMap((a) =>
      eigenvectors.map((b) =>
        eigenvalues.reduce((sum, value, k) => sum + value * a[k]! * b[k]!, 0),
      ),
    )
    expectClose(covariance, params.covariance.data)
  })

  test('of bytes equal those of numbers in [0, 1]', () => {
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => (i * i * 7) % 256)
    const numbers = Float64Array.from(bytes, (byte) => byte / 255)
    expectClose(fitComponents(bytes).eigenvalues, fitComponents(numbers).eigenvalues)
    expectClose(
      fitComponents(bytes).eigenvectors.flat(),
      fitComponents(numbers).eigenvectors.flat(),
    )
  })

  test('are as many as channels', () => {
    const { eigenvalues, eigenvectors } = fitComponents([0, 0.5, 1, 0.25], 1)
    expectClose(eigenvalues, [0.546875 / 3])
    expect(eigenvectors).toEqual([[1]])
    expect(fitComponents(inputs.images.data.slice(0, 100), 4).eigenvectors).toHaveLength(4)
    expect(() => fitComponents([1, 2, 3])).toThrow(
      'fitComponents: expected two pixels or more of 3 channels, got 3 numbers',
    )
    for (const [pixels, value] of [
      [[0, 0, 0, 12, 200, 255], 12],
      [[0.1, NaN, 0.2, 0.3, 0.4, 0.5], NaN],
      [[0.1, -1.8, 0.2, 0.3, 0.4, 0.5], -1.8],
    ] as const)
      expect(() => fitComponents(pixels)).toThrow(
        `fitComponents: expected bytes or numbers in [0, 1], got ${value}. Divide by 255`,
      )
    // Resampled images may slightly exceed the range.
    expect(() => fitComponents([1.1, 0, 0, -0.1, 0.5, 1])).not.toThrow()
  })

  test.each([
    // Given with six and with four digits.
    ["CIFAR-10's", cifar10Components, 1e-5],
    ["ImageNet's", imagenetComponents, 2e-4],
  ])('%s are orthonormal, largest first', (_, { eigenvalues, eigenvectors }, absolute) => {
    const products = [0, 1, 2].flatMap((a) =>
      [0, 1, 2].map((b) => eigenvectors.reduce((sum, row) => sum + row[a]! * row[b]!, 0)),
    )
    expectClose(products, identity.flat(), { absolute })
    expect(eigenvalues.toSorted((a, b) => b - a)).toEqual(eigenvalues)
  })
})

test('alphas are normal, each with the given deviation', () => {
  const shape = { batch: 4000, height: 8, width: 8, channels: 3, classes: 10, mean: [0, 0, 0] }
  const time = { step: 0, stepsPerEpoch: 10, steps: 100 }
  const { images } = pcaLighting({ deviation: 0.2 })
  const { alphas } = images!.draw(createRandom(1), shape, time) as LightingParams
  for (const component of [0, 1, 2]) {
    const own = alphas.map((each) => each[component]! / 0.2)
    const moment = (power: number): number =>
      own.reduce((sum, alpha) => sum + alpha ** power, 0) / own.length
    // Three standard deviations of the mean of 4000 powers of a standard normal number.
    expect(Math.abs(moment(1))).toBeLessThan(3 * Math.sqrt(1 / 4000))
    expect(Math.abs(moment(2) - 1)).toBeLessThan(3 * Math.sqrt(2 / 4000))
    expect(Math.abs(moment(4) - 3)).toBeLessThan(3 * Math.sqrt(96 / 4000))
  }
})

test('resolves options with defaults', () => {
  expect(pcaLighting().options).toEqual({ deviation: 0.1, components: cifar10Components })
  expect(pcaLighting({ deviation: 1, components: imagenetComponents }).options).toEqual({
    deviation: 1,
    components: imagenetComponents,
  })
})

asInPipeline(pcaLighting, pcaLightingBatch, { deviation: 0.5 })

test('describes its draws', () => {
  const { describe: words } = pcaLighting().images!
  expect(words!({ ...given, alphas: [[0.1, -0.052, 0]] }, 0)).toBe('α +.10 −.05 .00')
})

test('rejects components with other channels than the data when a run starts', () => {
  const start = (channels: number, components?: Components): unknown =>
    pcaLighting({ ...(components && { components }) }).start!({ data: { channels } } as never)
  for (const channels of [1, 2, 4])
    expect(() => start(channels)).toThrow(
      `pca-lighting: expected components to be those of ${channels} channels, as the images have`,
    )
  expect(() => start(3)).not.toThrow()
  expect(() => start(1, fitComponents([0, 0.5, 1, 0.25], 1))).not.toThrow()
})

test('rejects invalid options and mismatched shapes', () => {
  const images = tf.zeros<tf.Rank.R4>([2, 3, 3, 3])
  expect(() => applyPcaLighting(images, { ...given, alphas: [[1, 1, 1]] })).toThrow(
    'pca-lighting: expected alphas to be 3 numbers for each of 2 images, got [[1,1,1]]',
  )
  for (const wrong of [
    [1, 1],
    [1, 1, 1, 1],
    [1, NaN, 1],
  ])
    expect(() => applyPcaLighting(images, { ...given, alphas: [[1, 1, 1], wrong] })).toThrow(
      'pca-lighting: expected alphas to be 3 numbers for each of 2 images',
    )
  expect(() => applyPcaLighting(tf.zeros([4, 3, 3, 1]), given)).toThrow(
    'pca-lighting: expected eigenvectors to be those of 1 channels, as the images have',
  )
  expect(() => pcaLighting({ deviation: 0 })).toThrow(
    'pca-lighting: expected deviation to be a number in (0, 1000000], got 0',
  )
  expect(() =>
    applyPcaLighting(images, {
      ...given,
      alphas: [
        [1, NaN, 1],
        [0, 0, 0],
      ],
    }),
  ).toThrow('pca-lighting: expected alphas to be 3 numbers for each of 2 images')
  const alphas = [
    [0, 0, 0],
    [0, 0, 0],
  ]
  expect(() => applyPcaLighting(images, { ...given, alphas, eigenvalues: [1, 1, NaN] })).toThrow(
    'pca-lighting: expected eigenvectors to be those of 3 channels',
  )
})

const uneven: Components = { eigenvalues: [1, 1], eigenvectors: [[1, 0], [0]] }
const alphasOf =
  (change: (alphas: readonly number[]) => readonly number[]) =>
  ({ alphas, ...others }: LightingParams): LightingParams => ({
    ...others,
    alphas: alphas.map((own) => change(Array.from(own))),
  })
conformance(() => pcaLighting(), {
  distribution(draws: readonly LightingParams[]) {
    const all = draws.flatMap(({ alphas }) => alphas.map((own) => Array.from(own)))
    // The logistic approximation of the normal distribution is within 0.0002.
    const normal = (x: number): number => 1 / (1 + Math.exp(-1.5976 * x - 0.07056 * x ** 3))
    const [first, second, third] = [0, 1, 2].map((k) => all.map((own) => own[k]!))
    for (const alphas of [first!, second!, third!]) expectCdf({ alphas }, (x) => normal(x / 0.1))
    expectIndependent({ first: first!, second: second! })
    expectIndependent({ second: second!, third: third! })
  },
  shifted: {
    'a deviation of 0.11': alphasOf((own) => own.map((alpha) => alpha * 1.1)),
    'a mean of 0.005': alphasOf((own) => own.map((alpha) => alpha + 0.005)),
    'one alpha for all components': alphasOf(([alpha]) => [alpha!, alpha!, alpha!]),
    'another third component': alphasOf(([a, b, c]) => [a!, b!, Math.min(c!, 0.1)]),
  },
  invalid: [
    () => pcaLighting({ deviation: NaN }),
    () => pcaLighting({ components: uneven }),
    () => pcaLighting({ components: { eigenvalues: [], eigenvectors: [] } }),
    () => pcaLighting({ components: { eigenvalues: [1], eigenvectors: [[NaN]] } }),
    () => pcaLighting({ components: { eigenvalues: ['1'], eigenvectors: [[1]] } as never }),
    () => pcaLighting({ components: { eigenvalues: [1], eigenvectors: 1 } as never }),
    () => pcaLighting({ components: { eigenvalues: [1], eigenvectors: [[1e7]] } }),
    () => pcaLighting({ components: { eigenvalues: [1, 1], eigenvectors: [[1, 0]] } }),
    () => pcaLighting({ components: { eigenvectors: [[1]] } as never }),
    () => pcaLighting({ components: null as never }),
    () => pcaLighting({ deviation: '0.1' as never }),
    () => pcaLighting({ deviaton: 0.1 } as never),
  ],
})
