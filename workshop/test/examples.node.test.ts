// All code in TypeScript on the cards, in the guides and in TSDoc is type-checked and run as it stands there, on a
// few images and for an epoch or two. If a comment gives a value, the result must equal it.
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import * as files from 'node:fs'
import * as promises from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import * as tf from '@tensorflow/tfjs'
import { exportModel } from '@tricks/models'
import { encodeTensors } from '@tricks/safetensors'
import type { RunOptions } from '@tricks/train'
import sharp from 'sharp'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { findInstallation } from '../../packages/backend/native/src/installation.ts'
import { blocksOf, examplesOf, moduleOf, packages, read, root } from './blocks.ts'
import { imageSet, scene } from './scene.ts'

// Runs are shortened, the data set is reduced, and nothing is downloaded.
vi.mock('@tricks/train', async (original) => {
  const actual = await original<typeof import('@tricks/train')>()
  const short = <T extends RunOptions>(options: T): T => ({
    ...options,
    epochs: Math.min(options.epochs, 2),
    batchSize: Math.min(options.batchSize ?? 128, 8),
    validation: options.data.validation ? 0 : Math.min(options.validation ?? 8, 8),
  })
  return {
    ...actual,
    train: (options: Parameters<typeof actual.train>[0]) => actual.train(short(options)),
    training: (options: Parameters<typeof actual.training>[0]) => actual.training(short(options)),
    openRun: (options: RunOptions) => actual.openRun(short(options)),
    openData: (options: Parameters<typeof actual.openData>[0]) =>
      actual.openData({ ...options, batchSize: 8, validation: 8 }),
  }
})
vi.mock('@tricks/run', async (original) => {
  const actual = await original<typeof import('@tricks/run')>()
  return {
    ...actual,
    defineRecipe: (recipe: import('@tricks/run').Recipe) =>
      actual.defineRecipe({
        ...recipe,
        epochs: Math.min(recipe.epochs, 2),
        batchSize: Math.min(recipe.batchSize, 8),
      }),
  }
})
vi.mock('@tricks/cifar10', async (original) => ({
  ...(await original<typeof import('@tricks/cifar10')>()),
  loadCifar10: () => Promise.resolve({ train: imageSet(40), test: imageSet(20) }),
  downloadCifar: () => Promise.resolve('data'),
}))

const lackOfWebgpu = tf.findBackendFactory('webgpu') ? undefined : 'no GPU'

const needsIndex = 'needs a package index, which the tests of native and pretrained provide'

/** Examples that are type-checked but not run, with the reason. */
const elsewhere: Record<string, string | undefined> = {
  'docs/guide/contribute.md': "each trick's own test runs these lines",
  'packages/backend/native/README.md': findInstallation() ? undefined : 'not installed',
  'packages/backend/webgpu/README.md': lackOfWebgpu,
  'packages/backend/webgpu/src/adapter.ts': lackOfWebgpu,
  'packages/backend/wasm-training/README.md': 'for a browser: the rehearsal of publishing runs it',
  'packages/data/wheels/README.md': needsIndex,
  'packages/data/wheels/src/download.ts': needsIndex,
  'packages/data/wheels/src/extract.ts': needsIndex,
  'packages/data/wheels/src/http.ts': needsIndex,
  'packages/data/wheels/src/wheel.ts': needsIndex,
  'packages/model/pretrained/src/bytes.ts': "for a browser: the package's own test runs it in one",
  'packages/model/pretrained/README.md': needsIndex,
  'packages/model/pretrained/src/index.ts': needsIndex,
  'packages/train/rate-finder/README.md': 'runs are too short here: its own test does it',
  'packages/train/rate-finder/src/index.ts': 'runs are too short here: its own test does it',
  'packages/experiment/trials/README.md': 'it takes over its process',
  'packages/tools/conformance/README.md': "each trick's own test runs these lines",
  'packages/tools/conformance/src/alone.ts': 'the tests of tricks run these lines',
  'packages/tools/conformance/src/loss.ts': 'the tests of losses run these lines',
  'packages/tools/conformance/src/check.ts': "the kit's own test does",
  'packages/tools/conformance/src/optimizer.ts': "each optimizer's own test runs these lines",
  'packages/tools/conformance/src/optimizer-steps.ts': "each optimizer's own test runs these lines",
  'packages/tools/conformance/src/suite.ts': "each trick's own test runs these lines",
}
/** Targets of relative imports, in code that belongs in another place. */
const places: Record<string, string> = {
  'packages/tools/conformance/README.md': 'packages/augment/cutout/test',
  'packages/tools/conformance/src/loss.ts': 'packages/loss/logit-adjustment/test',
}

const folder = join(root, 'workshop/.cache/examples')
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })

/** Packages that can't be imported everywhere, so their exports are not predefined on other cards. */
const needing = new Set(['packages/backend/native', 'packages/backend/webgpu'])
const exportsOf = async (each: string): Promise<[string, string][]> => {
  if (needing.has(each)) return []
  const { name } = packages.find((one) => one.folder === each)!
  const found = (await import(join(root, each, 'src/index.ts'))) as object
  return Object.keys(found).map((key) => [key, name])
}
/** The exports of a source, even if its package doesn't export them. */
const ownExports = (path: string): [string, string][] =>
  path.endsWith('.ts')
    ? [...read(path).matchAll(/^export (?:async )?(?:function|const|class) (\w+)/gm)].map(
        ([, name]) => [name!, join(root, path)],
      )
    : []
const ofNode = [
  ...Object.keys(files).map((name) => [name, 'node:fs'] as const),
  ...Object.keys(promises).map((name) => [name, 'node:fs/promises'] as const),
  ['join', 'node:path'] as const,
].filter(([name]) => name !== 'default')
const ofAll = [
  ...(await Promise.all(packages.map((each) => exportsOf(each.folder)))).flat(),
  ['composeRun', '@tricks/core/run'] as const,
]
const names = Object.keys(scene())

const guides = globSync(
  ['*.md', 'examples/*/README.md', 'docs/**/*.md', 'packages/core/*.md', 'packages/*/*/README.md'],
  { cwd: root, exclude: ['**/node_modules/**', '**/.vitepress/**', 'docs/reference/**'] },
).map((path) => {
  const blocks = blocksOf(read(path)).filter(({ language }) => language === 'ts')
  return { path, pieces: [blocks.map(({ code }) => code)] }
})
const codes = globSync(['packages/core/src/**/*.ts', 'packages/*/*/src/**/*.ts'], {
  cwd: root,
  exclude: ['**/templates/**'],
}).map((path) => ({ path, pieces: examplesOf(read(path)).map((code) => [code]) }))
const sources = [...guides, ...codes].filter(({ pieces }) => pieces.flat().length > 0)

const moduleFor = (path: string): string => join(folder, `${path.replaceAll(/[/.]/g, '-')}.ts`)
for (const { path, pieces } of sources) {
  const own = packages.find((each) => path.startsWith(`${each.folder}/`))
  const exports = new Map([
    ...ofNode,
    ...ofAll,
    ...ownExports(path),
    ...(own ? await exportsOf(own.folder) : []),
  ])
  const place = places[path] ?? dirname(path)
  writeFileSync(moduleFor(path), moduleOf(pieces, { exports, names }, place))
}

test('there are examples', () => {
  expect(guides.length).toBeGreaterThan(packages.length)
  expect(codes.length).toBeGreaterThan(packages.length)
})

/** A source's functions, each with the comment before it. */
const documented = (source: string): Map<string, string> =>
  new Map(
    [
      ...source.matchAll(
        /(?:\/\*\*((?:(?!\*\/)[^])*)\*\/\s*(?:\/\* @__NO_SIDE_EFFECTS__ \*\/\s*)?)?^export (?:async )?function (\w+)/gm,
      ),
    ].map(([, comment, name]) => [name!, comment ?? '']),
  )

test.each(packages)('each function that $name exports has an example', async ({ folder: own }) => {
  const found = new Set((await exportsOf(own)).map(([name]) => name))
  const lacking = globSync(`${own}/src/**/*.ts`, { cwd: root, exclude: ['**/templates/**'] })
    .flatMap((path) => [...documented(read(path))])
    .filter(([name, comment]) => found.has(name) && !comment.includes('@example'))
  expect(lacking.map(([name]) => name)).toEqual([])
})

test('all are type-checked', () => {
  const settings = {
    extends: '../../../tsconfig.json',
    include: ['*.ts', '../../assets.d.ts'],
    exclude: [],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
  let output = ''
  try {
    execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8' })
  } catch (error) {
    output = (error as { stdout: string }).stdout
  }
  expect(output).toBe('')
})

describe('all run', () => {
  const home = process.cwd()
  const here = mkdtempSync(join(tmpdir(), 'examples-'))
  beforeAll(async () => {
    process.chdir(here)
    await makeFolders()
    tf.io.registerSaveRouter((url) => (String(url).startsWith('downloads://') ? download : none))
    if (tf.io.getLoadHandlers('file://model.json').length === 0)
      tf.io.registerLoadRouter((url) =>
        String(url).startsWith('file://') ? disk(String(url)) : none,
      )
  })
  afterAll(() => {
    process.chdir(home)
    rmSync(here, { recursive: true })
  })
  beforeEach(async () => {
    // A run only resumes from its own checkpoints.
    rmSync('runs/1/checkpoints', { recursive: true, force: true })
    await tf.setBackend('wasm')
    vi.spyOn(console, 'log').mockReturnValue()
    return () => vi.restoreAllMocks()
  })

  test.each(sources.filter(({ path }) => elsewhere[path] === undefined))(
    '$path',
    async ({ path }) => {
      // A software device takes minutes where wasm takes seconds: its own package's examples are enough for it.
      if (!lackOfWebgpu)
        tf.env().set('WEBGPU_SOFTWARE', path.startsWith('packages/backend/webgpu/'))
      const { default: pieces } = (await import(moduleFor(path))) as { default: (() => unknown)[] }
      for (const piece of pieces) await piece()
    },
  )
})

const none = null as unknown as tf.io.IOHandler
/** A stub of a browser's downloads. */
const download = tf.io.withSaveHandler((artifacts) =>
  Promise.resolve({ modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(artifacts) }),
)
/** A stub of tfjs-node's and @tricks/native's files. */
const disk = (url: string): tf.io.IOHandler => ({
  load: () => {
    const path = url.slice('file://'.length)
    const json = JSON.parse(readFileSync(path, 'utf8')) as tf.io.ModelJSON
    const data = Uint8Array.from(readFileSync(join(dirname(path), 'weights.bin'))).buffer
    return tf.io.getModelArtifactsForJSON(json, (manifest) =>
      Promise.resolve([manifest.flatMap(({ weights }) => weights), data]),
    )
  },
})

/** The folders that examples read: pictures, and CIFAR in its official layout, all of whose pixels are 0. */
async function makeFolders(): Promise<void> {
  for (const made of ['data/cifar-10-batches-bin', 'data/cifar-100-binary', 'model'])
    mkdirSync(made, { recursive: true })
  const sparse = (path: string, size: number): void => {
    writeFileSync(path, '')
    truncateSync(path, size)
  }
  for (const name of [
    'data_batch_1',
    'data_batch_2',
    'data_batch_3',
    'data_batch_4',
    'data_batch_5',
    'test_batch',
  ])
    sparse(`data/cifar-10-batches-bin/${name}.bin`, 10_000 * 3073)
  const namesOf = (count: number): string =>
    Array.from({ length: count }, (_, i) => `${i}\n`).join('')
  writeFileSync('data/cifar-10-batches-bin/batches.meta.txt', namesOf(10))
  sparse('data/cifar-100-binary/train.bin', 50_000 * 3074)
  sparse('data/cifar-100-binary/test.bin', 10_000 * 3074)
  writeFileSync('data/cifar-100-binary/coarse_label_names.txt', namesOf(20))
  writeFileSync('data/cifar-100-binary/fine_label_names.txt', namesOf(100))

  writeFileSync(
    'weights.safetensors',
    encodeTensors({ kernel: { shape: [2], values: Float32Array.of(1, 2) } }),
  )
  const fixtures = 'packages/model/pretrained/test/fixtures'
  copyFileSync(join(root, fixtures, 'zip.pt'), 'weights.pt')

  // Three runs of a line each, with the same model.
  const metrics = { loss: 1.5, accuracy: 0.5 }
  const line = {
    kind: 'epoch',
    epoch: 0,
    steps: 10,
    training: metrics,
    validation: metrics,
    rate: 0.1,
  }
  const { model, classes } = scene()
  const scale = { mean: [0, 0, 0], deviation: [1, 1, 1] }
  const exported = Object.entries(await exportModel(model, scale))
  const write = (into: string): void => {
    mkdirSync(into, { recursive: true })
    for (const [name, content] of exported) writeFileSync(`${into}/${name}`, content)
  }
  write('resnet152')
  for (const run of ['runs/1', 'runs/2', 'runs/teacher']) {
    write(`${run}/model`)
    writeFileSync(`${run}/model/classes.json`, JSON.stringify(classes))
    writeFileSync(`${run}/run.json`, JSON.stringify({ state: 'finished', classes, ...scale }))
    writeFileSync(`${run}/metrics.jsonl`, `${JSON.stringify(line)}\n`)
  }

  for (const [name, red] of [
    ['cat', 200],
    ['dog', 50],
  ] as const) {
    mkdirSync(`pictures/${name}`, { recursive: true })
    for (let i = 0; i < 12; i++)
      await sharp({
        create: { width: 80, height: 70, channels: 3, background: { r: red, g: i * 20, b: 90 } },
      })
        .png()
        .toFile(`pictures/${name}/${i}.png`)
  }
}
