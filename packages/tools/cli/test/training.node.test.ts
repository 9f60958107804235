import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

interface Outcome {
  weights: string
  memory: { numTensors: number; numBytes: number; resident: number }[]
}

function trainInNewProcess(...args: string[]): Outcome {
  const flags = ['--conditions=@tricks/source', '--expose-gc', '--no-warnings']
  const script = join(import.meta.dirname, 'training.ts')
  return JSON.parse(
    execFileSync(process.execPath, [...flags, script, ...args], { encoding: 'utf8' }),
  ) as Outcome
}

describe('the first six tricks on wasm, each time in a new process', () => {
  test('same seed, bit-equal weights, whether or not another model was built first', () => {
    const { weights } = trainInNewProcess('12')
    expect(weights).toMatch(/^[0-9a-f]{64}$/)
    expect(trainInNewProcess('12').weights).toBe(weights)
    expect(trainInNewProcess('12', 'another model first').weights).toBe(weights)
    expect(trainInNewProcess('13').weights).not.toBe(weights)
  })

  test('tensors, bytes and resident memory stay constant over 200 steps', () => {
    const { memory } = trainInNewProcess('200')
    expect(memory).toHaveLength(20)
    const [early, late] = [memory[4]!, memory[19]!]
    expect(memory.slice(1).map(({ numTensors }) => numTensors)).toEqual(
      Array(19).fill(early.numTensors),
    )
    expect(late.numBytes).toBe(early.numBytes)
    // Leaking one batch of images per step would amount to 60 MB by now.
    expect((late.resident - early.resident) / 2 ** 20).toBeLessThan(40)
  })
})
