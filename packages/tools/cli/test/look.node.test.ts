// Previews and plots, which need no training.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decode } from 'fast-png'
import sharp from 'sharp'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { main } from '../src/main.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'look-'))
  vi.spyOn(process, 'cwd').mockReturnValue(folder)
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  for (const kind of ['log', 'error'] as const) vi.spyOn(console, kind).mockImplementation(() => {})
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

const rowsOf = (svg: string): string[] =>
  [...svg.matchAll(/font-weight="600">([^<]*)</g)].map(([, label]) => label!)
const read = (name: string): string => readFileSync(join(folder, name), 'utf8')

test('preview draws a trick, or each trick of a recipe', async () => {
  const cutout = ['preview', 'cutout', '--images', '2', '--out', 'cutout.png', '--backend', 'cpu']
  expect(await main(cutout)).toBe(0)
  expect(vi.mocked(console.log).mock.lastCall).toEqual([join(folder, 'cutout.png')])
  const { width, height } = decode(readFileSync(join(folder, 'cutout.png')))
  // Two columns and two rows of 96, at twice the size.
  expect(width).toBeGreaterThan(2 * 2 * 96)
  expect(height).toBeGreaterThan(2 * 2 * 96)

  const six = [
    'preview',
    '--recipe',
    'six',
    '--images',
    '3',
    '--out',
    'six.svg',
    '--backend',
    'cpu',
  ]
  expect(await main([...six, '--step', '3'])).toBe(0)
  const tricks = ['random-crop', 'random-flip', 'cutout', 'with', 'mixup']
  expect(rowsOf(read('six.svg'))).toEqual(['original', ...tricks])
  expect(await main([...six, '--step', '1000000'])).toBe(2)
  expect(vi.mocked(console.error).mock.lastCall).toEqual([
    '--step: the recipe six has 10560 steps, got 1000000',
  ])
})

test('preview draws your own pictures', async () => {
  for (const [name, background] of [
    ['red', '#dc1e1e'],
    ['blue', '#1e1edc'],
  ] as const) {
    mkdirSync(join(folder, 'pictures', name), { recursive: true })
    for (let i = 0; i < 6; i++)
      await sharp({ create: { width: 50, height: 40, channels: 3, background } })
        .jpeg()
        .toFile(join(folder, 'pictures', name, `${i}.jpg`))
  }
  const options = ['--images', '4', '--size', '16', '--backend', 'cpu']
  const trick = ['preview', 'random-erasing', 'pictures', ...options, '--out', 'erased.svg']
  expect(await main(trick)).toBe(0)
  expect(rowsOf(read('erased.svg'))).toEqual(['original', 'random-erasing'])
  for (const name of ['red', 'blue']) expect(read('erased.svg')).toContain(`>${name}<`)

  const code = await main(['preview', 'pictures', ...options, '--out', 'batch.svg'])
  expect([code, vi.mocked(console.error).mock.lastCall]).toEqual([0, undefined])
  expect(rowsOf(read('batch.svg'))).toEqual(['original', 'random-crop', 'random-flip'])
  expect(existsSync(join(folder, 'runs'))).toBe(false)
})

test('plot draws the rate of a recipe, in the terminal and as SVG', async () => {
  expect(await main(['plot', '--recipe', 'bag-of-tricks', '--epochs', '7'])).toBe(0)
  const shown = String(vi.mocked(console.log).mock.lastCall![0]).split('\n')
  expect(shown[0]).toBe('learning rate of bag-of-tricks')
  expect(shown.at(-1)).toMatch(/^ +0 +epoch +7$/)
  expect(shown.filter((line) => /[━┏┗]/.test(line)).length).toBeGreaterThan(5)

  expect(await main(['plot', '--recipe', 'six', '--svg', 'rate.svg'])).toBe(0)
  expect(read('rate.svg')).toContain('>learning rate of six</text>')
})

test('find-rate draws the loss over the rate, in the terminal and as SVG', async () => {
  const search = [
    'find-rate',
    'cifar10',
    '--limit',
    '300',
    '--recipe',
    'quick',
    '--backend',
    'wasm',
  ]
  expect(await main(search)).toBe(0)
  const [[drawn], [said]] = vi.mocked(console.log).mock.calls.slice(-2) as [[string], [string]]
  const lines = drawn.split('\n')
  expect(lines[0]).toBe('loss by learning rate')
  const rate = Number(/Suggested +(\S+),/.exec(said)![1])
  expect(rate).toBeGreaterThan(1e-3)
  expect(rate).toBeLessThan(3)
  // The mark below the axis names the same rate.
  expect(lines.at(-1)).toContain('↑')
  const shown = lines.at(-1)!.replace('↑', '').trim()
  expect(Number(shown) / rate).toBeCloseTo(1, 1)
  expect(lines.at(-3)!.indexOf('┴')).toBe(lines.at(-1)!.indexOf('↑'))

  expect(await main([...search, '--svg', 'loss.svg'])).toBe(0)
  expect(read('loss.svg')).toContain('>learning rate</text>')
  expect(read('loss.svg')).toContain(`>${shown}</text>`)
})

test('find-rate rejects a recipe with a teacher', async () => {
  expect(await main(['find-rate', 'cifar10', '--recipe', 'only:distillation'])).toBe(2)
  expect(vi.mocked(console.error).mock.lastCall![0]).toContain('needs a teacher')
})
