import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { main } from '@tricks/cli'
import sharp from 'sharp'
import { afterAll, expect, test } from 'vitest'

const root = mkdtempSync(join(tmpdir(), 'own-pictures-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

test('the recipe trains on a folder of pictures, and its network knows the classes', async () => {
  const colours = { red: '#c03020', green: '#208040' }
  for (const [name, background] of Object.entries(colours)) {
    mkdirSync(join(root, 'pictures', name), { recursive: true })
    for (let i = 0; i < 20; i++)
      await sharp({ create: { width: 40 + i, height: 50, channels: 3, background } })
        .jpeg()
        .toFile(join(root, 'pictures', name, `${i}.jpg`))
  }
  const recipe = join(import.meta.dirname, '../flowers.recipe.ts')
  const run = join(root, 'run')
  const train = ['train', join(root, 'pictures'), '--recipe', recipe, '--epochs', '6']
  const quiet = ['--size', '16', '--backend', 'wasm', '--progress', 'quiet', '--out', run]
  expect(await main([...train, ...quiet])).toBe(0)
  const { classes, state } = JSON.parse(readFileSync(join(run, 'run.json'), 'utf8')) as {
    classes: string[]
    state: string
  }
  expect({ classes, state }).toEqual({ classes: ['green', 'red'], state: 'finished' })
  expect(await main(['predict', run, join(root, 'pictures', 'red', '3.jpg')])).toBe(0)
})
