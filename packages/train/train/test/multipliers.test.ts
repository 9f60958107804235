import * as tf from '@tensorflow/tfjs-core'
import { during, type Multipliers, type Trick } from '@tricks/core'
import { expect, test } from 'vitest'
import { train, type TrainOptions, variablesOf } from '../src/index.ts'
import { blobs, denseModel } from './blobs.ts'

const scaled = (factors: (path: string) => Multipliers): Trick => ({
  name: 'scaled',
  options: {},
  multipliers: factors,
})

/** The distance that each variable moves in one gradient step over all images. */
async function moves(tricks: readonly Trick[]): Promise<Record<string, number[]>> {
  await tf.setBackend('cpu')
  const model = denseModel()
  const values = (): Record<string, number[]> =>
    Object.fromEntries(
      Object.entries(variablesOf(model)).map(([path, variable]) => [
        path,
        [...variable.dataSync()],
      ]),
    )
  const before = values()
  const options: TrainOptions = {
    model,
    data: { train: blobs(60) },
    tricks,
    optimizer: tf.train.sgd(0.5),
    epochs: 1,
    batchSize: 54,
  }
  await train(options)
  return Object.fromEntries(
    Object.entries(values()).map(([path, after]) => [
      path,
      after.map((value, i) => value - before[path]![i]!),
    ]),
  )
}

test("only the variable's own update is scaled by its factor", async () => {
  const plain = await moves([])
  const [kernel, bias] = Object.keys(plain) as [string, string]
  const half = await moves([scaled((path) => (path === kernel ? { rate: 0.5 } : {}))])
  plain[kernel]!.forEach((move, i) => expect(half[kernel]![i]).toBeCloseTo(move / 2, 6))
  expect(half[bias]).toEqual(plain[bias])
  expect(Math.max(...plain[kernel]!.map(Math.abs))).toBeGreaterThan(1e-3)
})

test('a factor of 0 leaves a variable unchanged, only inside its window', async () => {
  const frozen = scaled((path) => (path.endsWith('bias') ? {} : { rate: 0 }))
  const plain = await moves([])
  const still = await moves([frozen])
  for (const [path, move] of Object.entries(still))
    if (!path.endsWith('bias')) expect(move.every((each) => each === 0)).toBe(true)
  const last = Object.keys(plain).at(-1)!
  expect(still[last]).toEqual(plain[last])
  expect(await moves([during({ from: { steps: 1 } }, frozen)])).toEqual(plain)
})
