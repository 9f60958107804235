// The bench for a machine with a GPU, which nobody runs every day, on wasm.
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { root } from './blocks.ts'

const folder = mkdtempSync(join(tmpdir(), 'bench-gpu-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('bench/gpu finds nothing wrong with a backend that is right, and says what it measured', async () => {
  const out = join(folder, 'gpu.json')
  const words = ['bench/gpu/run.ts', '--backend', 'wasm', '--small', '--out', out]
  const node = ['--conditions=@tricks/source', '--no-warnings', ...words]
  const env = { ...process.env, PYTHON: '/nowhere' }
  const { stdout } = await promisify(execFile)(process.execPath, node, { cwd: root, env })
  expect(stdout).not.toContain('WRONG')
  const { correctness, throughput, recipe } = JSON.parse(readFileSync(out, 'utf8'))
  expect(correctness.fixtures.length).toBeGreaterThan(5)
  expect(correctness.laws.checked).toBeGreaterThan(40)
  expect(correctness.laws.breaches).toEqual([])
  expect(correctness.steps).toMatchObject({ steps: 30, right: true })
  expect(throughput[0].imagesPerSecond).toBeGreaterThan(0)
  expect(recipe.stopped).toBe('finished')
})
