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
      if (step === null) continue
      const check = (name: keyof Step, valid: boolean, range: string): void =>
        assertArgument(valid, where, { [`steps[${image}][${i}].${name}`]: step[name] }, range)
      const { op, magnitude, partner } = step
      check('op', operations.includes(op), `one of ${operations.join(', ')}`)
      const finite = withoutMagnitude.includes(op) || Number.isFinite(magnitude)
      check('magnitude', finite, 'a finite number')
      if (op === 'SamplePairing') {
        const other = Number.isInteger(partner) && partner! >= 0 && partner! < batch
        check('partner', other, `the index of an image in [0, ${batch})`)
      }
    }
}
