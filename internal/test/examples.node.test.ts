// The code on the cards of image, mix and target tricks, and in their TSDoc, runs as it stands there, on two images.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileFunction } from 'node:vm'
import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const folders = globSync(
  ['packages/augment/*', 'packages/mix/*', 'packages/loss/label-smoothing'],
  {
    cwd: root,
  },
).toSorted()
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
type Exports = Readonly<Record<string, unknown>>
const exportsOf = (folder: string): Promise<Exports> =>
  import(join(root, folder, 'src/index.ts')) as Promise<Exports>

/** The blocks of code on a card, without their imports, which are checked by themselves. */
const blocksOf = (card: string): string[] =>
  [...card.matchAll(/^```ts\n([^]*?)^```$/gm)].map(([, code]) => code!)
const importsIn = (code: string): { names: string[]; from: string }[] =>
  [...code.matchAll(/^import \{([^}]*)\} from '([^']*)'$/gm)].map(([, names, from]) => ({
    names: names!.split(',').map((name) => name.trim()),
    from: from!,
  }))

/** The lines under each `@example` of a source. */
const examplesOf = (source: string): string[] =>
  [...source.matchAll(/@example\n([^]*?)(?= \* @|\s*\*\/)/g)].map(([, lines]) =>
    lines!.replaceAll(/^ \* ?/gm, ''),
  )

/** What a reader has at hand: two images, their targets, facts of the data, and every trick. */
let scene: Exports
beforeAll(async () => {
  const packages = await Promise.all(['packages/core', ...folders].map(exportsOf))
  const images = tf.randomUniform([2, 32, 32, 3], 0, 1, 'float32', 1)
  const pixels = Uint8Array.from({ length: 300 }, (_, i) => (i * i) % 251)
  scene = {
    ...Object.assign({}, ...packages),
    images,
    batch: { images, targets: tf.oneHot([0, 1], 10, 1, 0, 'float32') },
    mean: [0.5, 0.5, 0.5],
    deviation: [0.25, 0.25, 0.25],
    pixels,
    train: { images: pixels },
  } as Exports
})

function run(code: string): void {
  // A block may name what the scene names.
  const names = Object.keys(scene).filter(
    (name) => !new RegExp(`const \\{? ?${name}\\b`).test(code),
  )
  compileFunction(code, names)(...names.map((name) => scene[name])) as unknown
}

describe.each(folders)('%s', (folder) => {
  const blocks = blocksOf(read(`${folder}/README.md`))

  test('its card runs', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(2)
    run(blocks.join('\n').replaceAll(/^import .*$/gm, ''))
  })

  test('its card imports what there is', async () => {
    const imports = blocks.flatMap(importsIn)
    expect(imports.length).toBeGreaterThan(0)
    for (const { names, from } of imports) {
      expect(from).toBe((JSON.parse(read(`${folder}/package.json`)) as { name: string }).name)
      expect(Object.keys(await exportsOf(folder))).toEqual(expect.arrayContaining(names))
    }
  })

  test('the examples in its sources run', () => {
    const examples = globSync(`${folder}/src/*.ts`, { cwd: root }).flatMap((path) =>
      examplesOf(read(path)),
    )
    expect(examples.length).toBeGreaterThanOrEqual(2)
    for (const example of examples) run(example)
  })
})
