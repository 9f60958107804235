// Checks that the pictures in the repository are those that the code draws. `npm run pictures` regenerates them.
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
import { loadCifar10 } from '@tricks/cifar10'
import { decode } from 'fast-png'
import { expect, test } from 'vitest'
import { pictures } from '../cards/pictures.ts'
import { repository } from '../factories.ts'

let drawn: Promise<Map<string, Uint8Array | string>> | undefined
const today = (): NonNullable<typeof drawn> => (drawn ??= draw())

async function draw(): Promise<Map<string, Uint8Array | string>> {
  await tf.setBackend('cpu')
  const { train } = await loadCifar10()
  const made = new Map<string, Uint8Array | string>()
  for await (const { path, content } of pictures(train)) made.set(path, content)
  return made
}

const regenerate = 'regenerate them: npm run pictures'

test('the pictures are up to date', async () => {
  const made = await today()
  expect(made.size).toBeGreaterThan(15)
  for (const [path, content] of made) {
    expect(existsSync(join(repository, path)), `${path} is missing; ${regenerate}`).toBe(true)
    const kept = readFileSync(join(repository, path))
    if (typeof content === 'string') {
      expect(numbersRounded(kept.toString()), `${path}; ${regenerate}`).toBe(
        numbersRounded(content),
      )
      continue
    }
    if (kept.equals(content)) continue
    const [one, other] = [decode(kept), decode(content)]
    expect([one.width, one.height], `${path}; ${regenerate}`).toEqual([other.width, other.height])
    // Levels may be rounded the other way where a processor's functions differ in their last bit.
    let different = 0
    for (let i = 0; i < one.data.length; i++)
      if (Math.abs(one.data[i]! - other.data[i]!) > 1) different++
    expect(
      different / one.data.length,
      `${path}: share of values that differ; ${regenerate}`,
    ).toBeLessThan(1e-4)
  }
})

const numbersRounded = (svg: string): string =>
  svg.replaceAll(/-?\d+\.\d+/g, (number) => Number(number).toFixed(1).replace('-0.0', '0.0'))

test('each trick that changes images, or the rate, has one, and its card shows it', async () => {
  const made = await today()
  // operations is what autoaugment, whose picture shows them, is made of.
  const folders = globSync('packages/{augment,mix,schedule}/*', { cwd: repository }).filter(
    (folder) => basename(folder) !== 'operations',
  )
  expect(folders.length).toBeGreaterThan(10)
  for (const folder of folders) {
    const own = [...made.keys()].find((path) => dirname(path) === folder)
    expect(own, `${folder}: npm run pictures`).toBeDefined()
    expect(readFileSync(join(repository, folder, 'README.md'), 'utf8')).toContain(
      `](${basename(own!)})`,
    )
  }
  for (const path of ['docs/images/hero.png', 'docs/images/tricks.png'])
    expect(readFileSync(join(repository, 'README.md'), 'utf8')).toContain(`](${path})`)
})

test('each picture is small enough for a page', async () => {
  for (const [path, content] of await today())
    expect(content.length, path).toBeLessThanOrEqual(300_000)
})
