import { assertArgument } from '@tricks/core'
import { type Operation, operations, type Step } from './operation.ts'

/** Operations that use a luma. */
const inLuma: readonly Operation[] = ['Color', 'Contrast']
const withoutMagnitude: readonly Operation[] = ['AutoContrast', 'Invert', 'Equalize']

/**
 * Checks that operations work with a number of channels: Color and Contrast need a luma, so 1 or 3 channels. Tricks
 * call it for all operations that they may draw, when a run starts and in `draw`, so that the seed makes no difference.
 *
 * @param where the trick's name, the prefix of the error message
 * @throws RangeError if one of them doesn't
 * @example
 * assertChannels(['Rotate', 'Invert'], 4, 'my-augment') // any number of channels
 * assertChannels(operations, 3, 'my-augment')
 */
export function assertChannels(
  used: readonly Operation[],
  channels: number,
  where = 'operations',
): void {
  const op = used.find((each) => inLuma.includes(each))
  const valid = op === undefined || channels === 1 || channels === 3
  assertArgument(valid, where, { channels }, `1 or 3 for ${op}`)
}

/** Throws unless there is one complete list of steps per image. */
export function assertSteps(
  steps: readonly (readonly (Step | null)[])[],
  batch: number,
  where: string,
): void {
  assertArgument(steps.length === batch, where, { steps }, `${batch} lists, one per image`)
  for (const [image, own] of steps.entries())
    for (const [i, step] of own.entries()) {
      const wrong = step && problemOf(step, batch)
      if (!wrong) continue
      const { name, range } = wrong
      assertArgument(false, where, { [`steps[${image}][${i}].${name}`]: step[name] }, range)
    }
}

/** The first invalid property of a step, and its range. */
function problemOf(
  { op, magnitude, partner }: Step,
  batch: number,
): { readonly name: keyof Step; readonly range: string } | undefined {
  if (!operations.includes(op)) return { name: 'op', range: `one of ${operations.join(', ')}` }
  if (!withoutMagnitude.includes(op) && !Number.isFinite(magnitude))
    return { name: 'magnitude', range: 'a finite number' }
  const other = Number.isInteger(partner) && partner! >= 0 && partner! < batch
  if (op === 'SamplePairing' && !other)
    return { name: 'partner', range: `the index of an image in [0, ${batch})` }
  return undefined
}
