import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Held } from './soak.ts'

test('tensors, bytes and memory stay constant over 100 steps with all tricks', () => {
  const flags = ['--conditions=@tricks/source', '--expose-gc', '--no-warnings']
  const script = join(import.meta.dirname, 'soak.ts')
  const output = execFileSync(process.execPath, [...flags, script, '100', 'wasm', '12', '12'], {
    encoding: 'utf8',
  })
  const held = (JSON.parse(output) as Held[]).filter(({ step }) => step > 25)
  expect(held.length).toBeGreaterThan(10)
  const [first, last] = [held[0]!, held.at(-1)!]
  for (const { step, numTensors, numBytes } of held)
    expect([numTensors, numBytes], `step ${step}`).toEqual([first.numTensors, first.numBytes])
  // Leaking one batch with its activations per step would exceed this.
  expect((last.resident - first.resident) / 2 ** 20).toBeLessThan(40)
})
