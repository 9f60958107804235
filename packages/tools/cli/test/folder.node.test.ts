// A folder of pictures supports everything that CIFAR-10 does.
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { loadLayersModel } from '@tensorflow/tfjs-layers'
import { readRunFolder } from '@tricks/run'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { main } from '../src/main.ts'
import { setUp } from '../src/session.ts'
import { startIn, until } from './program.ts'

const root = mkdtempSync(join(tmpdir(), 'folder-'))
afterAll(() => rmSync(root, { recursive: true }))

const colors = { red: '#dc1e1e', blue: '#1e1edc' } as const

/** Single-coloured pictures in mixed formats and sizes. */
async function paint(into: string, count: number): Promise<void> {
  for (const [name, background] of Object.entries(colors)) {
    mkdirSync(join(root, into, name), { recursive: true })
    for (let i = 0; i < count; i++) {
      const format = (['jpeg', 'png', 'webp'] as const)[i % 3]!
      const [width, height] = [20 + 7 * (i % 5), 30 - 3 * (i % 4)]
      const picture = sharp({ create: { width, height, channels: 3, background } })
      await picture.toFormat(format).toFile(join(root, into, name, `${i}.${format}`))
    }
  }
}

/** A custom recipe, in the style of vite.config.ts. */
const recipe = `import * as tf from '@tensorflow/tfjs-core'
import { defineRecipe } from '@tricks/cli'
import { cosineDecay } from '@tricks/cosine-decay'
import { randomFlip } from '@tricks/random-flip'

export default defineRecipe({
  what: 'two colours',
  model: 'plain',
  modelOptions: { widths: [[4], [8]] },
  size: 16,
  epochs: 5,
  batchSize: 4,
  optimizer: () => tf.train.momentum(0.05, 0.9),
  tricks: [randomFlip(), cosineDecay()],
})
`

beforeAll(async () => {
  await paint('pictures', 10)
  writeFileSync(join(root, 'mine.recipe.ts'), recipe)
  // As if the packages were installed in this folder.
  symlinkSync(join(import.meta.dirname, '../../../../node_modules'), join(root, 'node_modules'))
})

let printed: string[]
beforeEach(() => {
  printed = []
  const note = (text: unknown): boolean => Boolean(printed.push(String(text).trim()))
  vi.spyOn(process, 'cwd').mockReturnValue(root)
  vi.spyOn(process.stdout, 'write').mockImplementation(note)
  vi.spyOn(console, 'log').mockImplementation(note)
  vi.spyOn(console, 'error').mockImplementation(note)
})
afterEach(() => {
  vi.restoreAllMocks()
})
const output = (): string => printed.join('\n')

const mine = ['--recipe', './mine.recipe.ts', '--backend', 'wasm']
const bytes = (...path: string[]): Buffer => readFileSync(join(root, ...path))
const runOf = (run: string): Record<string, unknown> =>
  JSON.parse(bytes(run, 'run.json').toString()) as Record<string, unknown>
/** Without values that depend on the machine's speed. */
const metricsOf = (run: string): unknown[] =>
  bytes(run, 'metrics.jsonl')
    .toString()
    .trim()
    .split('\n')
    .map((line) => ({ ...(JSON.parse(line) as object), wallClock: 0 }))

test('trains on a folder with a custom recipe, with the same files as for CIFAR-10', async () => {
  expect(await main(['train', 'pictures', ...mine, '--out', 'whole'])).toBe(0)
  expect(output()).toContain('Recipe     ./mine.recipe.ts')
  expect(output()).toContain('20 training images of 2 classes')
  expect(output()).toMatch(/\d+\.\d\d % of the validation images classified correctly/)
  expect(runOf('whole')).toMatchObject({
    state: 'finished',
    classes: ['blue', 'red'],
    settings: { data: join(root, 'pictures'), recipe: join(root, 'mine.recipe.ts'), seed: 0 },
    data: { from: join(root, 'pictures'), trainingImages: 20, testImages: 0 },
  })
  expect(JSON.parse(bytes('whole', 'model', 'classes.json').toString())).toEqual(['blue', 'red'])
  expect(existsSync(join(root, 'whole', 'report.html'))).toBe(true)
  expect(readRunFolder(join(root, 'whole')).damage).toEqual([])
})

test('killed, it resumes to the same weights and metrics, bit for bit', async () => {
  const { child, ended } = startIn(root, [
    'train',
    'pictures',
    ...mine,
    '--out',
    'killed',
    '--save-every',
    '1',
  ])
  // Any of them, as only the last three are kept.
  const checkpoints = join(root, 'killed', 'checkpoints')
  const saved = (): boolean =>
    existsSync(checkpoints) && readdirSync(checkpoints).some((name) => /^step.*rs$/.test(name))
  await until(() => saved() || child.exitCode !== null)
  child.kill('SIGKILL')
  expect((await ended).code).toBeNull()
  expect(runOf('killed')).toMatchObject({ state: 'running' })
  expect(await main(['resume', 'killed'])).toBe(0)
  expect(output()).toMatch(/resumed after \d+ steps?/)
  expect(bytes('killed', 'model', 'weights.bin')).toEqual(bytes('whole', 'model', 'weights.bin'))
  expect(metricsOf('killed')).toEqual(metricsOf('whole'))
  const kept = readdirSync(join(root, 'whole')).filter((name) => name.endsWith('.safetensors'))
  expect(kept).toContain('batch.safetensors')
  for (const name of kept) expect(bytes('killed', name), name).toEqual(bytes('whole', name))
})

test('interrupted, it saves and exits with 130; resumed, it ends like an uninterrupted run', async () => {
  const { child, ended } = startIn(root, [
    'train',
    'pictures',
    ...mine,
    '--out',
    'stopped',
    '--progress',
    'json',
  ])
  child.stdout!.on('data', (text) => String(text).includes('"kind":"run"') && child.kill('SIGINT'))
  const { code, output: own } = await ended
  expect(own).toContain('Press Ctrl+C again to quit immediately')
  expect(code).toBe(130)
  expect(runOf('stopped')).toMatchObject({ state: 'aborted' })
  expect(existsSync(join(root, 'stopped', 'model', 'model.json'))).toBe(true)
  expect(await main(['resume', 'stopped', '--progress', 'quiet'])).toBe(0)
  expect(bytes('stopped', 'model', 'weights.bin')).toEqual(bytes('whole', 'model', 'weights.bin'))
})

test('a finished run is left unchanged, or extended by --epochs', async () => {
  cpSync(join(root, 'whole'), join(root, 'longer'), { recursive: true })
  const before = bytes('longer', 'model', 'weights.bin')
  expect(await main(['resume', 'longer'])).toBe(0)
  expect(output()).toContain('The run has ended (finished). For more epochs, pass --epochs N.')
  expect(bytes('longer', 'model', 'weights.bin')).toEqual(before)

  expect(await main(['resume', 'longer', '--epochs', '3'])).toBe(1)
  expect(output()).toContain('expected epochs to be at least 5, the epochs done so far, got 3')
  expect(await main(['resume', 'longer', '--epochs', '7'])).toBe(0)
  expect(runOf('longer')).toMatchObject({ state: 'finished', epochs: 7, settings: { epochs: 7 } })
  const epochs = metricsOf('longer').filter((line) => (line as { kind: string }).kind === 'epoch')
  expect(epochs).toHaveLength(7)
  expect(bytes('longer', 'model', 'weights.bin')).not.toEqual(before)
})

test('predict prints a line per picture, and reports files that are not pictures', async () => {
  writeFileSync(join(root, 'notes.txt'), 'not a picture')
  // Red above blue, and the same picture rotated with an EXIF orientation tag.
  const pixels = Buffer.from([220, 30, 30, 30, 30, 220])
  const upright = sharp(pixels, { raw: { width: 1, height: 2, channels: 3 } })
  const large = await upright.resize(20, 40, { kernel: 'nearest' }).png().toBuffer()
  writeFileSync(join(root, 'upright.png'), large)
  await sharp(large)
    .rotate(-90)
    .withMetadata({ orientation: 6 })
    .png()
    .toFile(join(root, 'side.png'))

  const words = ['predict', 'whole', 'pictures/red/0.jpeg', 'pictures/blue/1.png']
  expect(await main([...words, 'notes.txt', 'gone.jpg', 'pictures'])).toBe(1)
  expect(printed).toEqual([
    expect.stringMatching(/^pictures\/red\/0\.jpeg: red \d+\.\d %, blue \d+\.\d %$/),
    expect.stringMatching(/^pictures\/blue\/1\.png: blue \d+\.\d %, red \d+\.\d %$/),
    expect.stringMatching(/^notes\.txt: can't be read \(not a picture/),
    "gone.jpg: can't be read (no such file or directory)",
    "pictures: can't be read (it is a folder: pass the pictures in it, such as pictures/*.jpg)",
  ])
  printed.length = 0
  expect(await main([...words, '--json', '--top', '1'])).toBe(0)
  const classes = printed.map(
    (line) => (JSON.parse(line) as { classes: { name: string }[] }).classes,
  )
  expect(classes.map((best) => best.map(({ name }) => name))).toEqual([['red'], ['blue']])
  printed.length = 0
  expect(await main(['predict', 'whole', 'upright.png', 'side.png'])).toBe(0)
  expect(printed[1]!.replace('side', 'upright')).toBe(printed[0])
})

test('export writes a model that plain TensorFlow.js loads, and prints its input and output', async () => {
  expect(await main(['export', 'whole', '--out', 'exported', '--probabilities'])).toBe(0)
  const readme = bytes('exported', 'README.txt').toString()
  expect(readme).toContain('float32 [batch, 16, 16, 3]')
  expect(readme).toContain('probabilities')
  expect(JSON.parse(bytes('exported', 'classes.json').toString())).toEqual(['blue', 'red'])

  const { modelTopology, weightsManifest } = JSON.parse(
    bytes('exported', 'model.json').toString(),
  ) as tf.io.ModelJSON
  const model = await loadLayersModel(
    tf.io.fromMemory({
      modelTopology,
      weightSpecs: weightsManifest[0]!.weights,
      weightData: new Uint8Array(bytes('exported', 'weights.bin')).buffer,
    }),
  )
  const image = tf.tile(tf.tensor4d([220 / 255, 30 / 255, 30 / 255], [1, 1, 1, 3]), [1, 16, 16, 1])
  const [blue, red] = await (model.predict(image) as tf.Tensor).data()
  expect(blue! + red!).toBeCloseTo(1, 5)
  expect(red).toBeGreaterThan(0.5)
})

test('a recipe also gets larger pictures, at the requested size', async () => {
  const larger = recipe.replace('size: 16,', 'size: 16,\n  larger: 1.5,')
  writeFileSync(join(root, 'larger.recipe.ts'), larger)
  const settings = { recipe: './larger.recipe.ts', data: join(root, 'pictures'), size: 20 }
  const { data } = await setUp(settings)
  expect(data.train).toMatchObject({ height: 20, width: 20, larger: { height: 30, width: 30 } })
  expect(
    (await setUp({ ...settings, recipe: './mine.recipe.ts' })).data.train.larger,
  ).toBeUndefined()
})

test('export --onnx writes files for ONNX Runtime, and reports the cost of int8 weights', async () => {
  expect(await main(['export', 'whole', '--onnx', '--out', 'onnx', '--backend', 'wasm'])).toBe(0)
  const files = ['model.onnx', 'model-int8.onnx', 'classes.json', 'README.txt']
  expect(output()).toContain(`${join(root, 'onnx')}: ${files.join(', ')}`)
  expect(output()).toMatch(
    /^model\.onnx +\d\.\d\d MB, 100\.00 % of 2 validation images classified correctly$/m,
  )
  expect(output()).toMatch(/^model-int8\.onnx +\d\.\d\d MB, 100\.00 % of 2 validation images/m)
  expect(output()).toContain('int8 changes the class of 0 of the 2 images')
  expect(bytes('onnx', 'README.txt').toString()).toContain(
    "Input 'images': float32 [batch, 16, 16, 3]",
  )
  const pixels = Float32Array.from({ length: 16 * 16 * 3 }, (_, i) => [220, 30, 30][i % 3]! / 255)
  for (const file of files.slice(0, 2)) {
    const session = await InferenceSession.create(bytes('onnx', file))
    const images = new Tensor('float32', pixels, [1, 16, 16, 3])
    const [blue, red] = (await session.run({ images }))['logits']!.data as Float32Array
    expect(red).toBeGreaterThan(blue!)
  }

  const elsewhere = join(root, 'of-nowhere')
  cpSync(join(root, 'whole'), elsewhere, { recursive: true })
  const run = runOf('of-nowhere') as { settings: object }
  writeFileSync(
    join(elsewhere, 'run.json'),
    JSON.stringify({ ...run, settings: { ...run.settings, data: join(root, 'gone') } }),
  )
  const words = ['export', 'of-nowhere', '--onnx', '--layout', 'nchw', '--probabilities']
  expect(await main([...words, '--out', 'onnx-2'])).toBe(0)
  expect(output()).toMatch(/^Accuracy not measured: .*gone: expected .* readable folder/m)
  expect(bytes('onnx-2', 'README.txt').toString()).toContain('float32 [batch, 3, 16, 16]')
  const session = await InferenceSession.create(bytes('onnx-2', 'model-int8.onnx'))
  expect(session.outputNames).toEqual(['probabilities'])

  expect(await main(['export', 'whole', '--layout', 'nchw'])).toBe(2)
  expect(output()).toContain('--layout requires --onnx')
})

test('unreadable pictures are an error before training, or are skipped', async () => {
  await paint('damaged', 4)
  writeFileSync(join(root, 'damaged', 'red', 'broken.jpg'), 'no picture')
  for (let i = 0; i < 8; i++) writeFileSync(join(root, 'damaged', 'red', `note ${i}.txt`), '')
  const words = ['train', 'damaged', ...mine, '--epochs', '1', '--out', 'left-out']
  expect(await main(words)).toBe(1)
  expect(output()).toMatch(/broken\.jpg can't be read \(.+\): remove it, or pass --skip-broken/)
  expect(existsSync(join(root, 'left-out'))).toBe(false)

  expect(await main([...words, '--skip-broken'])).toBe(0)
  expect(output()).toMatch(/^skipped .*broken\.jpg: /m)
  expect(output().match(/^skipped .*note \d\.txt: not a picture$/gm)).toHaveLength(4)
  expect(output()).toMatch(/^and 4 more; in all .*8 × not a picture/m)
  expect(output()).toContain('8 training images')
  expect(runOf('left-out')).toMatchObject({ settings: { skipBroken: true } })
})

test('separate sets are used: validation after each epoch, test at the end', async () => {
  for (const [set, count] of [
    ['Training', 5],
    ['Valid', 3],
    ['TEST', 2],
  ] as const)
    await paint(join('sets', set), count)
  const scratch = ['train', 'sets', '--from', 'scratch']
  const words = [...scratch, '--size', '16', '--epochs', '2', '--backend', 'wasm']
  expect(await main([...words, '--out', 'of-sets'])).toBe(0)
  expect(output()).toContain('Recipe     pictures: the data is a folder of pictures')
  expect(output()).toContain('10 training and 4 test images of 2 classes')
  expect(output()).toMatch(/epoch 2\/2 done .*validation accuracy/)
  expect(output()).toMatch(/\d+\.\d\d % of the test images classified correctly/)
  expect(runOf('of-sets')).toMatchObject({ validation: 6, settings: { size: 16 } })
})

test('a run does not resume with different pictures', async () => {
  cpSync(join(root, 'pictures'), join(root, 'changing'), { recursive: true })
  cpSync(join(root, 'stopped'), join(root, 'changed'), { recursive: true })
  const run = runOf('changed') as { settings: object; data: object; state: string }
  const from = join(root, 'changing')
  Object.assign(run, { state: 'aborted', data: { ...run.data, from } })
  Object.assign(run.settings, { data: from })
  writeFileSync(join(root, 'changed', 'run.json'), JSON.stringify(run))
  rmSync(join(root, 'changing', 'red', '3.jpeg'))
  expect(await main(['resume', 'changed'])).toBe(1)
  expect(output()).toContain("can't be resumed: data changed since the run began")
})

test.each([
  ['empty.mjs', 'export default 5', 'expected a recipe as the default export'],
  ['wrong.mjs', 'export default { model: "none" }', 'recipe: expected model to be'],
  ['missing.mjs', "import 'tricks-of-nobody'", 'Run npm install tricks-of-nobody.'],
  ['broken.mjs', 'export default {', "can't be loaded: "],
])('an invalid recipe is reported with the reason: %s', async (name, text, message) => {
  writeFileSync(join(root, name), text)
  expect(await main(['train', 'pictures', '--recipe', `./${name}`, '--out', 'unused'])).toBe(1)
  expect(output()).toContain(join(root, name))
  expect(output()).toContain(message)
  expect(existsSync(join(root, 'unused'))).toBe(false)
})

test('a teacher is trained first, once; an interrupted one is finished first', async () => {
  const student = recipe
    .replace('defineRecipe({', 'defineRecipe({\n  teacher,')
    .replace("'two colours'", "'learns from a teacher'")
    .replace('[randomFlip(),', '({ teacher }) => [distillation({ teacher }),')
    .replace('import { random', "import teacher from './mine.recipe.ts'\nimport { random")
    .replace(
      'import { random',
      "import { distillation } from '@tricks/distillation'\nimport { random",
    )
  writeFileSync(join(root, 'pupil.recipe.ts'), student)
  const words = ['train', 'pictures', '--recipe', './pupil.recipe.ts', '--backend', 'wasm']
  expect(await main([...words, '--epochs', '1', '--out', 'pupil'])).toBe(0)
  const teacher = join(root, 'runs', 'teacher-pictures')
  expect(output()).toContain(`Teacher    ${teacher} is missing: training it first`)
  expect(runOf('runs/teacher-pictures')).toMatchObject({ state: 'finished', epochs: 5 })
  expect(runOf('pupil')).toMatchObject({ state: 'finished', settings: { teacher } })
  printed.length = 0
  expect(await main([...words, '--epochs', '1', '--out', 'pupil-1'])).toBe(0)
  expect(output()).toContain(`Teacher    ${teacher}\n`)
  expect(await main([...words, '--limit', '12', '--epochs', '1', '--out', 'pupil-12'])).toBe(0)
  expect(output()).toContain(`Teacher    ${teacher}-12 is missing: training it first`)

  // An interrupted teacher has a model, but not its final one.
  rmSync(teacher, { recursive: true })
  cpSync(join(root, 'killed'), teacher, { recursive: true })
  const run = runOf('runs/teacher-pictures')
  writeFileSync(join(teacher, 'run.json'), JSON.stringify({ ...run, state: 'aborted' }))
  printed.length = 0
  expect(await main([...words, '--epochs', '1', '--out', 'pupil-2'])).toBe(0)
  expect(output()).toContain(`Teacher    ${teacher} is unfinished: training it first`)

  await paint('others', 4)
  cpSync(join(root, 'others', 'red'), join(root, 'others', 'green'), { recursive: true })
  const wrong = ['train', 'others', '--recipe', './pupil.recipe.ts', '--backend', 'wasm']
  expect(await main([...wrong, '--teacher', teacher, '--out', 'pupil-3'])).toBe(1)
  expect(output()).toContain('learned the classes ["blue","red"], but the data has ["blue","green"')
})
