import * as tf from '@tensorflow/tfjs-core'
import { onEachBackend } from '@tricks/conformance'
import { createRandom } from '@tricks/core'
import { describe, expect, test } from 'vitest'
import { type Features, fitHead, joined, minimize } from '../src/index.ts'
import { Rows } from '../src/rows.ts'

const random = createRandom(7)

/** Points around a centre per class, in blocks of up to 40 rows. */
function clusters(counts: readonly number[], spread: number, width = 6): Features {
  const labels = counts.flatMap((count, label) => Array.from({ length: count }, () => label))
  const order = random.permutation(labels.length)
  const blocks = Array.from(Array(Math.ceil(labels.length / 40)).keys(), (b) => {
    const own = Int32Array.from(order.slice(b * 40, b * 40 + 40), (i) => labels[i]!)
    const values = Float32Array.from(
      { length: own.length * width },
      (_, i) => 3 + Number(own[Math.floor(i / width)] === i % width) + spread * random.normal(),
    )
    return { labels: own, read: () => values }
  })
  return { width, blocks }
}

/** Rows with their labels. */
const rowsOf = ({ blocks, width }: Features): { label: number; x: Float32Array }[] =>
  blocks.flatMap(({ labels, read }) =>
    Array.from(labels, (label, i) => ({ label, x: read().subarray(width * i, width * (i + 1)) })),
  )

describe('minimize', () => {
  test('finds the minimum of a quadratic function of unequal curvatures', async () => {
    const curvatures = [1, 10, 100, 1000]
    const f = (x: Float64Array) => ({
      value: curvatures.reduce((sum, c, i) => sum + (c / 2) * (x[i]! - i) ** 2, 0),
      gradient: Float64Array.from(curvatures, (c, i) => c * (x[i]! - i)),
    })
    const from = new Float64Array(4)
    const { at, value, steps } = await minimize(f, from, { tolerance: 1e-9 })
    at.forEach((each, i) => expect(each).toBeCloseTo(i, 8))
    expect(value).toBeLessThan(1e-12)
    expect(steps).toBeLessThan(60)
    expect(from).toEqual(new Float64Array(4))
  })

  test('stops at once if it starts at the minimum, and stops after maxSteps', async () => {
    const bowl = ([x]: Float64Array) => ({ value: x! ** 4, gradient: Float64Array.of(4 * x! ** 3) })
    expect((await minimize(bowl, Float64Array.of(0))).steps).toBe(0)
    expect((await minimize(bowl, Float64Array.of(5), { maxSteps: 2 })).steps).toBe(2)
  })
})

onEachBackend(() => {
  const training = clusters([20, 20, 20], 0.4)
  const validation = clusters([15, 15, 15], 0.4)

  test('the loss and gradient are the same whether the device holds the features twice, once or not at all', async () => {
    const at = Float64Array.from({ length: 21 }, (_, i) => Math.sin(i))
    const bytes = 60 * 6 * 4
    const results: Awaited<ReturnType<Rows['penalised']>>[] = []
    for (const room of [2 * bytes, bytes, bytes - 1]) {
      const rows = new Rows(training, { classes: 3, smoothing: 0.1, room })
      results.push(await rows.penalised(at, 0.01))
      tf.dispose(rows.tensors())
    }
    for (const { value, gradient } of results) {
      expect(value).toBeCloseTo(results[0]!.value, 5)
      gradient.forEach((each, i) => expect(each).toBeCloseTo(results[0]!.gradient[i]!, 5))
    }
  })

  test('the gradient of loss plus decay is 0 at the minimum', async () => {
    const decay = 0.01
    const { kernel, bias } = await fitHead({ training, classes: 3, decays: [decay], maxSteps: 300 })
    const rows = rowsOf(training)
    const mean = Array.from(
      { length: 6 },
      (_, k) => rows.reduce((sum, { x }) => sum + x[k]!, 0) / rows.length,
    )
    const variance =
      rows.reduce((sum, { x }) => sum + x.reduce((s, v, k) => s + (v - mean[k]!) ** 2, 0), 0) /
      rows.length
    const gradient = new Float64Array(18)
    const biasGradient = new Float64Array(3)
    for (const { label, x } of rows) {
      const logits = [0, 1, 2].map(
        (c) => bias[c]! + x.reduce((sum, v, k) => sum + v * kernel[3 * k + c]!, 0),
      )
      const total = logits.reduce((sum, z) => sum + Math.exp(z), 0)
      logits.forEach((z, c) => {
        const slope = (Math.exp(z) / total - Number(c === label)) / rows.length
        biasGradient[c]! += slope
        x.forEach((v, k) => (gradient[3 * k + c]! += slope * (v - mean[k]!)))
      })
    }
    // The decay holds for features whose mean squared norm is 1.
    gradient.forEach((each, i) => expect(each + decay * variance * kernel[i]!).toBeCloseTo(0, 4))
    biasGradient.forEach((each) => expect(each).toBeCloseTo(0, 4))
  })

  test('takes the decay with the lowest validation loss, and leaks no tensor', async () => {
    const before = tf.memory().numTensors
    const head = await fitHead({ training, validation, classes: 3, maxSteps: 20 })
    expect(tf.memory().numTensors).toBe(before)
    const losses = head.tried.map((each) => each.validation!.loss)
    const loss = head.validation!.loss
    expect(loss).toBe(Math.min(...losses))
    expect(head.tried.find(({ decay }) => decay === head.decay)!.validation).toEqual(
      head.validation,
    )
    // Neither the strongest decay, which learns nothing, nor the weakest, which fits the noise.
    expect(losses.indexOf(loss)).toBeGreaterThan(0)
    expect(losses.at(-1)).toBeGreaterThan(loss)
    expect(head.validation!.accuracy).toBeGreaterThan(0.8)
    expect(head.kernel).toHaveLength(18)
  })

  test('repeated fits are bit-equal', async () => {
    const one = await fitHead({ training, validation, classes: 3, maxSteps: 20 })
    const other = await fitHead({ training, validation, classes: 3, maxSteps: 20 })
    expect(one.kernel).toEqual(other.kernel)
    expect(one.bias).toEqual(other.bias)
  })
})

describe('a head', () => {
  test('with class weights recalls a rare class more often', async () => {
    const uneven = clusters([60, 6], 0.9)
    const rare = rowsOf(clusters([0, 60], 0.9))
    const recall = async (classWeights: readonly number[]): Promise<number> => {
      const { kernel, bias } = await fitHead({
        training: uneven,
        classes: 2,
        decays: [0.01],
        classWeights,
      })
      const logit = (x: Float32Array, c: number): number =>
        bias[c]! + x.reduce((sum, v, k) => sum + v * kernel[2 * k + c]!, 0)
      return rare.filter(({ x }) => logit(x, 1) > logit(x, 0)).length / rare.length
    }
    expect(await recall([1 / 60, 1 / 6])).toBeGreaterThan((await recall([1, 1])) + 0.1)
  })

  test('with smoothed targets is less confident, and as accurate', async () => {
    const training = clusters([20, 20, 20], 0.2)
    const fitted = (smoothing: number) =>
      fitHead({ training, validation: training, classes: 3, decays: [1e-6], smoothing })
    const [sure, smooth] = [await fitted(0), await fitted(0.2)]
    const size = ({ kernel }: typeof sure): number => Math.hypot(...kernel)
    expect(size(smooth)).toBeLessThan(size(sure) / 2)
    expect(smooth.validation!.accuracy).toBe(1)
    await expect(fitted(1)).rejects.toThrow('features: expected smoothing to be a number in [0, 1)')
  })

  test('can be fitted to the features of several sets', async () => {
    const fitted = async (training: Features): Promise<Float32Array> =>
      (await fitHead({ training, classes: 3, decays: [0.01] })).kernel
    const [one, other] = [clusters([20, 20, 20], 0.4), clusters([15, 15, 15], 0.4)]
    expect(await fitted(joined(one, other))).not.toEqual(await fitted(one))
    expect(await fitted(joined(one, one))).toEqual(await fitted(joined(one, one)))
  })

  test('rejects a decay of 0, several decays without validation, and an aborted signal', async () => {
    const training = clusters([20, 20, 20], 0.4)
    const given = { training, validation: training, classes: 3 }
    await expect(fitHead({ ...given, decays: [0] })).rejects.toThrow(
      'features: expected decays to be a list of positive numbers, got',
    )
    await expect(fitHead({ training, classes: 3 })).rejects.toThrow(
      'expected decays to be one positive number, as there are no validation images, got',
    )
    await expect(fitHead({ ...given, signal: AbortSignal.abort() })).rejects.toThrow(/abort/)
  })
})
