import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
import { randomFlip } from '@tricks/random-flip'
import { openData, type Progress, type TrainResult } from '@tricks/train'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openBoard } from '../src/tensorboard/board.ts'

let folder: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'board-'))
  await tf.setBackend('cpu')
})
afterEach(() => rmSync(folder, { recursive: true }))

const images = Uint8Array.from({ length: 20 * 4 * 4 * 3 }, (_, i) => i % 256)
const train = {
  images,
  labels: Uint8Array.from({ length: 20 }, (_, i) => i % 2),
  height: 4,
  width: 4,
  channels: 3,
  classes: ['cat', 'ship'],
}
const board = (wanted: boolean, after: number): ReturnType<typeof openBoard> =>
  openBoard(folder, {
    wanted,
    after,
    configuration: { model: 'plain', pipeline: ['images random-flip', 'a | b'], epochs: 2 },
    data: openData({ train, validation: 4, batchSize: 4, epochs: 2, seed: 0 }),
    tricks: [randomFlip()],
    seed: 0,
    classes: train.classes,
  })
const content = (): string =>
  readdirSync(join(folder, 'tensorboard'))
    .map((name) => readFileSync(join(folder, 'tensorboard', name), 'latin1'))
    .join('')
const count = (text: string): number => content().split(text).length - 1

test('writes nothing for TensorBoard unless requested', async () => {
  expect(await board(false, 0)).toBeUndefined()
  expect(existsSync(join(folder, 'tensorboard'))).toBe(false)
})

test('a resumed run continues to write for TensorBoard, without repeating anything', async () => {
  const metrics = { loss: 1, accuracy: 0.5 }
  const at = (step: number) => ({ step, stepsPerEpoch: 4, steps: 8 })
  const stepProgress = (step: number) =>
    ({ kind: 'step', time: at(step), rate: 0.1, imagesPerSecond: 9, ...metrics }) as Progress
  const epochProgress = (step: number) =>
    ({ kind: 'epoch', time: at(step), validation: metrics }) as Progress
  const checkpoint = (step: number) => {
    const values = Float32Array.of(step, 2, 3)
    const tensors = { 'model/conv/kernel': { values }, 'optimizer/0': { values } }
    return { step, tensors } as unknown as Parameters<
      NonNullable<Awaited<ReturnType<typeof board>>>['checkpoint']
    >[0]
  }

  const first = (await board(true, 0))!
  const kernel = tf.variable(tf.zeros([3]))
  const optimizer = tf.train.sgd(0.5)
  first.watch(optimizer, { 'conv/kernel': kernel })
  const tensors = tf.memory().numTensors
  for (const value of [1, 2])
    tf.tidy(() => optimizer.applyGradients([{ name: kernel.name, tensor: tf.fill([3], value) }]))
  expect([...(await kernel.data())]).toEqual([-1.5, -1.5, -1.5])
  // Only the last one's is kept.
  expect(tf.memory().numTensors).toBe(tensors + 1)
  for (const step of [1, 3]) first.progress(stepProgress(step))
  first.progress(epochProgress(4))
  await first.checkpoint(checkpoint(4))
  first.progress(stepProgress(5))
  first.close()
  expect(tf.memory().numTensors).toBe(tensors)
  expect(count('gradients/conv/kernel')).toBe(1)
  expect(count('training/loss')).toBe(3)
  expect(count('validation/accuracy')).toBe(1)
  expect(count('weights/conv/kernel')).toBe(1)
  expect(count('optimizer')).toBe(0)
  expect(count('a \\| b')).toBe(1)
  // The first batch and the epoch's last.
  expect(count('PNG')).toBe(2)

  const second = (await board(false, 4))!
  expect(count('training/loss')).toBe(2)
  second.progress(stepProgress(5))
  second.progress(stepProgress(7))
  second.result({ steps: 8, test: metrics } as TrainResult)
  second.close()
  expect(count('training/loss')).toBe(4)
  expect(count('test/accuracy')).toBe(1)
  expect(count('_hparams_/session_start_info')).toBe(1)
  expect(count('PNG')).toBe(2)
})
