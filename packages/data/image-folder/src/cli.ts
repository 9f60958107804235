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
import { readImageFolder } from './index.ts'

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
    const { name } = await useBackend()
    const broken = flags.skipBroken ? 'skip' : 'throw'
    const pictures = await readImageFolder(folder, { size: flags.size, broken })
    const { classes, labels } = pictures.train
    console.log(
      `${labels.length} pictures of ${classes.length} classes (${classes.join(', ')}), on ${name}`,
    )
    for (const { file, reason } of pictures.broken) console.log(`left out ${file}: ${reason}`)

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
      batchSize: Math.min(flags.batch, labels.length - Math.floor(labels.length / 10)),
      seed: flags.seed,
      onProgress(progress) {
        if (progress.kind !== 'epoch') return
        const { epoch, training, validation } = progress
        const right = validation
          ? `, ${(validation.accuracy * 100).toFixed(1)} % of the validation pictures right`
          : ''
        console.log(`epoch ${epoch + 1}/${flags.epochs}: loss ${training.loss.toFixed(3)}${right}`)
      },
    })
    if (result.test)
      console.log(`${(result.test.accuracy * 100).toFixed(1)} % of the test pictures are right`)

    mkdirSync(flags.out, { recursive: true })
    const files = { ...(await exportModel(model, result)), 'classes.json': JSON.stringify(classes) }
    for (const [file, content] of Object.entries(files)) {
      // Written beside and renamed, so that nobody finds a half.
      writeFileSync(join(flags.out, `${file}.part`), content)
      renameSync(join(flags.out, `${file}.part`), join(flags.out, file))
    }
    console.log(
      `Saved in ${flags.out}: a TensorFlow.js model for pictures in [0, 1], and classes.json`,
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

try {
  cli.parse(process.argv, { run: false })
  if (cli.matchedCommand) await cli.runMatchedCommand()
  else if (cli.options['help'] === undefined) cli.outputHelp()
} catch (error) {
  const { name, message } = error as Error
  console.error(message)
  process.exitCode = name === 'CACError' ? 2 : 1
}
