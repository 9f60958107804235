import {
  calibration,
  classAccuracies,
  confusionMatrix,
  mistakes,
  predictedClasses,
  probabilitiesOf,
} from '../src/record.ts'
import { describe, expect, test } from 'vitest'

/** Logits with the given softmax. */
const logitsOf = (rows: readonly (readonly number[])[]): Float32Array =>
  Float32Array.from(rows.flat(), Math.log)

const predictions = {
  logits: logitsOf([
    [0.7, 0.2, 0.1],
    [0.05, 0.9, 0.05],
    [0.1, 0.3, 0.6],
    [0.45, 0.35, 0.2],
    [0.25, 0.55, 0.2],
    [0.02, 0.03, 0.95],
  ]),
  labels: [0, 0, 2, 1, 1, 1],
}

test('probabilities and predicted classes', () => {
  const probabilities = probabilitiesOf(predictions)
  expect(probabilities[0]).toBeCloseTo(0.7, 6)
  expect(probabilities[4]).toBeCloseTo(0.9, 6)
  expect([...predictedClasses(predictions)]).toEqual([0, 1, 2, 0, 1, 2])
})

test('large logits do not overflow', () => {
  const [a, b] = probabilitiesOf({ logits: Float32Array.of(1000, 999), labels: [0] })
  expect(a).toBeCloseTo(1 / (1 + Math.exp(-1)), 12)
  expect(a! + b!).toBeCloseTo(1, 12)
})

test('confusion, with accuracy and precision of each class', () => {
  const matrix = confusionMatrix(predictions)
  expect(matrix).toEqual([
    [1, 1, 0],
    [1, 1, 1],
    [0, 0, 1],
  ])
  expect(classAccuracies(matrix)).toEqual([
    { images: 2, accuracy: 1 / 2, precision: 1 / 2 },
    { images: 3, accuracy: 1 / 3, precision: 1 / 2 },
    { images: 1, accuracy: 1, precision: 1 / 2 },
  ])
  expect(
    classAccuracies([
      [2, 0],
      [0, 0],
    ])[1],
  ).toEqual({ images: 0, accuracy: NaN, precision: NaN })
})

describe('calibration', () => {
  test('bins, expected and maximum error match values computed by hand', () => {
    // Confidences .7 right, .9 wrong, .6 right, .45 wrong, .55 right, .95 wrong; five bins of .2:
    // (.4, .6]: .6 .45 .55, two right; (.6, .8]: .7, right; (.8, 1]: .9 .95, both wrong.
    const { bins, expectedError, maximumError } = calibration(
      // Slightly below .6, as a float32 logarithm may land on either side of the edge.
      { ...predictions, logits: predictions.logits.map((x, i) => (i === 8 ? Math.log(0.599) : x)) },
      5,
    )
    expect(bins.map(({ count }) => count)).toEqual([0, 0, 3, 1, 2])
    expect(bins[2]!.accuracy).toBeCloseTo(2 / 3, 12)
    expect(bins[2]!.confidence).toBeCloseTo(1.6 / 3, 3)
    expect(bins[0]!.accuracy).toBeNaN()
    expect(expectedError).toBeCloseTo((3 * (2 / 3 - 1.6 / 3) + 0.3 + 2 * 0.925) / 6, 3)
    expect(maximumError).toBeCloseTo(0.925, 5)
  })

  test('a confident and correct network has no error, and its images are in the last bin', () => {
    const { bins, expectedError } = calibration({
      logits: Float32Array.of(100, 0, 0, 100),
      labels: [0, 1],
    })
    expect(bins).toHaveLength(15)
    expect(bins[14]!.count).toBe(2)
    expect(expectedError).toBeCloseTo(0, 12)
  })
})

test('mistakes, by loss or by confidence', () => {
  expect(mistakes(predictions).map(({ index }) => index)).toEqual([5, 1, 3])
  expect(mistakes(predictions, 'confidence').map(({ index }) => index)).toEqual([5, 1, 3])
  const two = {
    logits: logitsOf([
      [0.9, 0.06, 0.04],
      [0.6, 0.01, 0.39],
    ]),
    labels: [1, 1],
  }
  expect(mistakes(two).map(({ index }) => index)).toEqual([1, 0])
  expect(mistakes(two, 'confidence').map(({ index }) => index)).toEqual([0, 1])
  const [first] = mistakes(two)
  expect(first).toMatchObject({ label: 1, predicted: 0 })
  expect(first!.confidence).toBeCloseTo(0.6, 6)
  expect(first!.own).toBeCloseTo(0.01, 6)
})
