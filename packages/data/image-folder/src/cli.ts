#!/usr/bin/env node
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { useBackend } from '@tricks/backend'
import { cosineDecay } from '@tricks/cosine-decay'
import { labelSmoothing } from '@tricks/label-smoothing'
import { exportModel, plain } from '@tricks/models'
import { randomCrop } from '@tricks/random-crop'
import { randomFlip } from '@tricks/random-flip'
import { train } from '@tricks/train'
import { warmup } from '@tricks/warmup'
import { cac } from 'cac'
import { BrokenPictures, linesOf, readImageFolder } from './index.ts'

/** 0 done · 1 failed · 2 wrong usage · 130 interrupted, with what was learnt saved. */
const exit = { failed: 1, usage: 2, interrupted: 130 }

const stop = new AbortController()
const interrupt = (): void => {
  if (stop.signal.aborted) process.exit(exit.interrupted)
  stop.abort()
}
process.on('SIGINT', interrupt).on('SIGTERM', interrupt)

const cli = cac('image-folder')
cli
  .command('<folder>', 'Train a network on pictures in folders, one a class')
  .option('--size <pixels>', 'Side that every picture is brought to', { default: 64 })
  .option('--epochs <n>', 'How long', { default: 20 })
  .option('--batch <n>', 'Pictures a step', { default: 32 })
  .option('--seed <n>', 'Seed of all that is random', { default: 0 })
  .option('--skip-broken', 'Leave out files that cannot be read')
  .option('--out <folder>', 'Where the model is saved', { default: 'model' })
  .example('npx @tricks/image-folder pictures --size 64 --epochs 20')
  .action(async (folder: string, flags: Flags) => {
    checkFlags(flags)
    // Before any time is spent.
    mkdirSync(flags.out, { recursive: true })
    const { name } = await useBackend()
    const pictures = await readImageFolder(folder, {
      size: flags.size,
      broken: flags.skipBroken ? 'skip' : 'throw',
      onProgress(done, total) {
        if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${total} pictures read`)
        if (process.stderr.isTTY && done === total) process.stderr.write('\n')
      },
      signal: stop.signal,
    })
    const { classes, labels } = pictures.train
    const kept = pictures.validation ? 0 : Math.floor(labels.length / 10)
    console.log(
      `${labels.length} pictures of ${classes.length} classes (${classes.join(', ')}), on ${name}`,
    )
    for (const line of linesOf(pictures.broken, 'left out ')) console.log(line)

    const model = plain({
      inputShape: [flags.size, flags.size, 3],
      classes: classes.length,
      widths: [[16], [32], [64], [128]],
      seed: flags.seed,
    })
    const result = await train({
      model,
      data: pictures,
      tricks: [
        randomCrop({ padding: Math.max(1, Math.round(flags.size / 8)), mode: 'reflect' }),
        randomFlip(),
        labelSmoothing(),
        warmup({ multiplier: 4, over: { fraction: 0.1 }, after: cosineDecay() }),
      ],
      optimizer: tf.train.momentum(0.0125, 0.9, true),
      epochs: flags.epochs,
      batchSize: Math.min(flags.batch, labels.length - kept),
      seed: flags.seed,
      signal: stop.signal,
      onProgress(progress) {
        if (progress.kind !== 'epoch') return
        const { epoch, training, validation } = progress
        const right = validation
          ? `, ${(validation.accuracy * 100).toFixed(1)} % of the validation pictures right`
          : ''
        console.log(`epoch ${epoch + 1}/${flags.epochs}: loss ${training.loss.toFixed(3)}${right}`)
      },
    })
    if (result.stopped === 'aborted') {
      console.log(`Stopped after ${result.steps} steps`)
      process.exitCode = exit.interrupted
    }
    if (result.test)
      console.log(`${(result.test.accuracy * 100).toFixed(1)} % of the test pictures are right`)

    const files = {
      ...(await exportModel(model, { ...result, output: 'probabilities' })),
      'classes.json': JSON.stringify(classes),
    }
    for (const [file, content] of Object.entries(files)) {
      // Written beside and renamed, so that nobody finds a half.
      writeFileSync(join(flags.out, `${file}.part`), content)
      renameSync(join(flags.out, `${file}.part`), join(flags.out, file))
    }
    console.log(
      `Saved in ${flags.out}: a TensorFlow.js model that takes pictures in [0, 1] and gives each class's probability ` +
        '(softmax of the logits), and classes.json, the classes in that order',
    )
  })
cli.help()

interface Flags {
  readonly size: number
  readonly epochs: number
  readonly batch: number
  readonly seed: number
  readonly out: string
  readonly skipBroken?: boolean
}

class UsageError extends Error {}

function checkFlags(flags: Flags): void {
  const least = { size: 8, epochs: 1, batch: 1, seed: 0 }
  for (const [name, from] of Object.entries(least) as [keyof typeof least, number][])
    if (!Number.isInteger(flags[name]) || flags[name] < from)
      throw new UsageError(`--${name}: expected a whole number from ${from}, got ${flags[name]}`)
}

try {
  cli.parse(process.argv, { run: false })
  if (cli.matchedCommand) await cli.runMatchedCommand()
  else if (cli.options['help'] === undefined) cli.outputHelp()
} catch (error) {
  const { name } = error as Error
  const message =
    error instanceof BrokenPictures
      ? new BrokenPictures(error.broken, error.total, '--skip-broken').message
      : (error as Error).message
  const usage = error instanceof UsageError || name === 'CACError'
  console.error(stop.signal.aborted ? 'Stopped' : message)
  process.exitCode = stop.signal.aborted ? exit.interrupted : usage ? exit.usage : exit.failed
}
