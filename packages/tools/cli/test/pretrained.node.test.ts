// Your own pictures with a pretrained network, here one with synthetic weights, so that nothing is downloaded.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { main } from '../src/main.ts'
import { paint, writeWeights } from './pictures.ts'
import { startIn, until } from './program.ts'

const root = mkdtempSync(join(tmpdir(), 'pretrained-'))
afterAll(() => rmSync(root, { recursive: true }))

beforeAll(async () => {
  await paint(join(root, 'pictures/train'), { blue: 30, red: 12 })
  await paint(join(root, 'pictures/test'), { blue: 6, red: 6 })
  await writeWeights(join(root, 'weights.safetensors'))
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

const begin = ['train', 'pictures', '--from', './weights.safetensors', '--backend', 'wasm']
const small = [...begin, '--size', '32', '--views', '3', '--epochs', '2']
const weightsOf = (run: string): Buffer => readFileSync(join(root, run, 'model/weights.bin'))
const runOf = (run: string): Record<string, never> =>
  JSON.parse(readFileSync(join(root, run, 'run.json'), 'utf8')) as Record<string, never>

test('fits the last layer, fine-tunes, reports its steps, and predicts', async () => {
  expect(await main([...small, '--out', 'whole'])).toBe(0)
  expect(output()).toMatch(
    /Recipe     pretrained: efficientnet-lite0, already trained on ImageNet, is adapted to your 42 pictures/,
  )
  expect(output()).toMatch(
    /Plan       the last layer on 3 views of each picture at 32 × 32, then 2 epochs of fine-tuning/,
  )
  expect(output()).toContain(
    'Classes    uneven: 12 (red) to 30 (blue) training images. Pass --balance',
  )
  expect(output()).toMatch(/Last layer \d+\.\d\d % of 4 validation images correct/)
  expect(runOf('whole')).toMatchObject({
    state: 'finished',
    settings: {
      recipe: 'pretrained',
      from: join(root, 'weights.safetensors'),
      size: 32,
      views: 3,
      epochs: 2,
      minutes: 3,
    },
    head: { features: 1280, passes: 3 },
    classCounts: [30, 12],
    test: { accuracy: 1 },
  })
  expect(await main(['predict', 'whole', 'pictures/test/red/0.png'])).toBe(0)
  expect(printed.at(-1)).toMatch(/red \d+\.\d %, blue/)
  expect(readFileSync(join(root, 'whole/report.html'), 'utf8')).toContain('Calibration')
})

test('killed while computing features and while fine-tuning, it resumes to the same weights, bit for bit', async () => {
  const killWhen = async (words: readonly string[], reached: () => boolean): Promise<void> => {
    const { child, ended } = startIn(root, words)
    await until(() => reached() || child.exitCode !== null)
    child.kill('SIGKILL')
    expect((await ended).code).toBeNull()
  }
  const files = (folder: string): string[] => {
    const path = join(root, 'elsewhere/killed', folder)
    return existsSync(path) ? readdirSync(path).filter((name) => !name.endsWith('.part')) : []
  }
  const saving = [...small, '--save-every', '1', '--out', 'elsewhere/killed']
  await killWhen(saving, () => files('features').length > 0)
  expect(runOf('elsewhere/killed')).toMatchObject({ state: 'running' })
  await killWhen(
    ['resume', 'elsewhere/killed', '--save-every', '1'],
    () => files('checkpoints').length > 0,
  )
  expect(await main(['resume', 'elsewhere/killed'])).toBe(0)
  expect(output()).toMatch(/resumed after \d+ steps?/)
  expect(weightsOf('elsewhere/killed').equals(weightsOf('whole'))).toBe(true)
  expect(runOf('elsewhere/killed')['head']).toEqual(runOf('whole')['head'])
})

test('weights classes equally if requested', async () => {
  const words = [...begin, '--size', '32', '--views', '1', '--epochs', '0', '--balance']
  expect(await main([...words, '--out', 'balanced'])).toBe(0)
  expect(output()).toContain('--balance weights them equally.')
  expect(runOf('balanced')).toMatchObject({ settings: { balance: true, epochs: 0 } })
})

test('a small network learns from a pretrained one, which is fitted first', async () => {
  const index = join(import.meta.dirname, '../src/index.ts')
  const weights = JSON.stringify(join(root, 'weights.safetensors'))
  writeFileSync(
    join(root, 'small.recipe.mjs'),
    `import { defineRecipe, pretrainedRecipe, recipes } from ${JSON.stringify(index)}
    const teacher = { ...pretrainedRecipe({ from: ${weights} }), epochs: 0 }
    export default defineRecipe({ ...recipes.distilled, teacher, size: 32, epochs: 2 })`,
  )
  const words = ['--recipe', './small.recipe.mjs', '--backend', 'wasm']
  expect(await main(['train', 'pictures', ...words, '--out', 'small', '--teacher', 'tutor'])).toBe(
    0,
  )
  expect(output()).toMatch(/Teacher    \S+tutor is missing: training it first/)
  expect(output()).toMatch(/Last layer \d+\.\d\d % of 4 validation images correct/)
  expect(runOf('small')).toMatchObject({
    state: 'finished',
    test: { accuracy: expect.any(Number) },
  })
})

test.each([
  [['--minutes', '3', '--from', 'scratch'], '--minutes applies only to a pretrained network'],
  [['--from', './none.pth'], '--from: there is no file ./none.pth'],
  [['--from', 'efficientnet-lite9'], 'got efficientnet-lite9 (did you mean efficientnet-lite'],
  [['--views', '3', '--recipe', 'pictures'], '--views applies only to a pretrained network'],
  [
    ['--from', 'efficientnet-lite0', '--recipe', 'six'],
    '--from applies only to the recipe pretrained',
  ],
  [
    ['--from', 'efficientnet-lite0', '--model', 'plain'],
    '--model: expected one of efficientnet-lite0',
  ],
  [['--epochs', '0', '--from', 'scratch'], '--epochs: expected a positive integer without'],
  [['--minutes', '0'], '--minutes: expected a number in (0, 10000], got 0'],
])('rejects %j', async (words, message) => {
  expect(await main(['train', 'pictures', ...words])).toBe(2)
  expect(output()).toContain(message)
})
