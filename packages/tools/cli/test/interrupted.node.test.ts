// Interrupted before there is anything to save. In a file of its own, as the interruption lasts until the process ends.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { main } from '../src/main.ts'
import { until } from './program.ts'
import { paintStripes } from './stripes.ts'

const root = mkdtempSync(join(tmpdir(), 'cli-interrupted-'))
afterAll(() => rmSync(root, { recursive: true }))

test('find-rate says that it stopped, and exits with 130', async () => {
  paintStripes(root)
  const errors = vi.spyOn(console, 'error').mockImplementation(() => {})
  const before = process.listenerCount('SIGINT')
  const code = main(['find-rate', join(root, 'pictures'), '--recipe', 'base', '--backend', 'wasm'])
  await until(() => process.listenerCount('SIGINT') > before)
  process.emit('SIGINT')
  expect(await code).toBe(130)
  expect(errors.mock.calls.flat()).toEqual([
    '\nFinishing the step. Press Ctrl+C again to quit immediately.',
    'Stopped',
  ])
})
