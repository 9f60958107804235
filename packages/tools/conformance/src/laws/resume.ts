import { keyOf } from '@tricks/core'
import { isRecord, type Law, law, same, show } from '../law.ts'
import { parting, run } from '../run.ts'

const cuts = [1, 3, 5, 6, 10]

/** A run that was interrupted ends as one that was not. */
export const resume: Law = law(
  6,
  'saved, restored and continued, a run is equal to the bit',
  async ({ make }) => {
    const { log } = await run([make()])
    const saving = await run([make()], { saveAt: cuts })
    const disturbed = parting(log, saving.log)
    if (disturbed)
      throw new Error(
        `saving before step ${cuts.findLast((cut) => cut <= disturbed.step)} changes the run: ` +
          `${disturbed.words}. state.save must leave the state as it is`,
      )
    for (const from of saving.checkpoints) {
      const trick = make()
      const key = keyOf(trick)
      const rest = log.filter(({ step }) => step >= from.step)
      const resumed = await run([trick], { from, saveAt: cuts })
      const at = parting(rest, resumed.log)
      if (at)
        throw new Error(
          `stopped before step ${from.step} and resumed, ${at.words}. ` +
            (trick.state
              ? 'Save and restore all that setup starts afresh'
              : 'What it remembers must be in `state: { save, restore }`'),
        )
      // What has no say within a run this short shows in what is saved.
      for (const { step, state } of resumed.checkpoints) {
        const before = saving.checkpoints.find((each) => each.step === step)?.state
        const lost = change(before?.[key], state?.[key])
        if (lost)
          throw new Error(
            `stopped before step ${from.step} and resumed, state.save gives ${lost} before step ` +
              `${step}. Restore all that was saved`,
          )
      }
    }
  },
)

/** The first value in which two states differ, in words. */
function change(expected: unknown, got: unknown, name = ''): string | undefined {
  if (same(expected, got)) return undefined
  if (isRecord(expected) && isRecord(got))
    for (const key of new Set([...Object.keys(expected), ...Object.keys(got)])) {
      const inner = change(expected[key], got[key], name === '' ? key : `${name}.${key}`)
      if (inner !== undefined) return inner
    }
  return `${name} ${show(got)} in place of ${show(expected)}`
}
