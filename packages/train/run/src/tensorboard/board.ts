// Writes a run's metrics, images and histograms for TensorBoard.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { type Json, type Trick, type Variables } from '@tricks/core'
import { keyOf } from '@tricks/core/run'
import type { Checkpoint, Progress, TrainingData, TrainResult } from '@tricks/train'
import { encode } from 'fast-png'
import { type Sheet, stepSheet } from '../sheet.ts'
import { openTensorBoard } from './files.ts'

export interface Board {
  /** Keeps the gradients of the last step from now on, for the checkpoint's histograms. */
  watch(optimizer: tf.Optimizer, variables: Variables): void
  progress(progress: Progress): void
  /**
   * Writes weights and gradients, and at the end of an epoch the last batch. Called before the checkpoint is saved, so
   * that a resumed run has them.
   */
  checkpoint(checkpoint: Checkpoint): Promise<void>
  result(result: TrainResult): void
  close(): void
}

/** Opens `tensorboard/` in a run's folder, if requested or if it already exists. */
export async function openBoard(
  run: string,
  {
    wanted,
    after,
    configuration,
    data,
    tricks,
    seed,
    classes,
  }: {
    readonly wanted: boolean
    /** Steps done, for a resumed run. */
    readonly after: number
    readonly configuration: Readonly<Record<string, unknown>>
    /** The run's batches. */
    readonly data: TrainingData
    readonly tricks: readonly Trick[]
    readonly seed: number
    readonly classes: readonly string[]
  },
): Promise<Board | undefined> {
  const folder = join(run, 'tensorboard')
  const existing = existsSync(folder)
  if (!wanted && !existing) return undefined
  const board = await openTensorBoard(folder, { after })
  const showBatch = async (step: number): Promise<void> => {
    const sheet = await stepSheet({ data, step, tricks, seed, classes, rows: 'result' })
    // The batch of step 3 is what the network had seen after 4 steps.
    board.image(step + 1, 'batch', pngOf(sheet))
  }
  if (!existing || after === 0) {
    board.text(0, 'configuration', tableOf(configuration))
    board.hyperparameters(hyperparametersOf(configuration, tricks, seed))
    await showBatch(after)
  }
  let gradients: tf.NamedTensorMap = {}
  return {
    watch(optimizer, variables) {
      const paths = new Map(Object.entries(variables).map(([path, { name }]) => [name, path]))
      const apply = optimizer.applyGradients.bind(optimizer)
      optimizer.applyGradients = (given) => {
        tf.dispose(gradients)
        const named = Array.isArray(given) ? given : []
        // A clone shares its values: nothing is computed, and nothing is read until it is needed.
        gradients = Object.fromEntries(
          named.map(({ name, tensor }) => [paths.get(name) ?? name, tf.keep(tensor.clone())]),
        )
        apply(given)
      }
    },
    progress(progress) {
      const { step } = progress.time
      if (progress.kind === 'step')
        board.scalars(step + 1, {
          'training/loss': progress.loss,
          'training/accuracy': progress.accuracy,
          'learning rate': progress.rate,
          'images per second': progress.imagesPerSecond,
        })
      else if (progress.validation)
        board.scalars(step, {
          'validation/loss': progress.validation.loss,
          'validation/accuracy': progress.validation.accuracy,
        })
    },
    async checkpoint({ step, tensors }) {
      for (const [name, { values }] of Object.entries(tensors))
        if (name.startsWith('model/'))
          board.histogram(step, name.replace('model', 'weights'), values)
      for (const [path, gradient] of Object.entries(gradients))
        board.histogram(step, `gradients/${path}`, await gradient.data())
      if (step % data.stepsPerEpoch === 0) await showBatch(step - 1)
    },
    result({ steps, test }) {
      if (test) board.scalars(steps, { 'test/loss': test.loss, 'test/accuracy': test.accuracy })
    },
    close() {
      tf.dispose(gradients)
      board.close()
    },
  }
}

/** A sheet's pictures as a PNG: the originals, and below them the network's input. */
function pngOf({ rows }: Sheet): Uint8Array {
  const pictures = rows.map(({ tiles }) => tiles.map((tile) => tile.pictures[0]!))
  const height = Math.max(...pictures.flat().map((picture) => picture.height))
  const width = Math.max(...pictures.flat().map((picture) => picture.width))
  const columns = Math.max(...pictures.map((row) => row.length))
  const stride = columns * width * 3
  const data = new Uint8Array(pictures.length * height * stride)
  for (const [top, row] of pictures.entries())
    for (const [left, { pixels, channels, ...own }] of row.entries())
      for (let y = 0; y < own.height; y++)
        for (let x = 0; x < own.width; x++)
          for (let c = 0; c < 3; c++)
            data[(top * height + y) * stride + (left * width + x) * 3 + c] =
              pixels[(y * own.width + x) * channels + Math.min(c, channels - 1)]!
  return encode({ width: columns * width, height: pictures.length * height, data, channels: 3 })
}

/** Single-line values, as a Markdown table. */
function tableOf(configuration: Readonly<Record<string, unknown>>): string {
  const rows = Object.entries(configuration).flatMap(([name, value]) =>
    value === undefined ? [] : [`| ${name} | ${said(value)} |`],
  )
  return ['| | |', '| --- | --- |', ...rows].join('\n')
}

function said(value: unknown): string {
  const text =
    Array.isArray(value) && value.every((each) => typeof each === 'string')
      ? value.map((each) => `\`${each}\``).join('<br>')
      : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
  return text.replaceAll('|', '\\|')
}

/** A column per fact and per trick. */
function hyperparametersOf(
  { model, epochs, batchSize, backend }: Readonly<Record<string, unknown>>,
  tricks: readonly Trick[],
  seed: number,
): Record<string, string | number | boolean> {
  const facts = { model, epochs, batchSize, backend, seed } as Record<string, string | number>
  const own = tricks.map((trick) => [keyOf(trick), optionsOf(trick.options)] as const)
  return { ...facts, ...Object.fromEntries(own) }
}

function optionsOf(options: Json): string {
  const text = JSON.stringify(options)
  return text === '{}' ? 'yes' : text
}
