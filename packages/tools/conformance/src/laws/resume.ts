import { type Law, law, messageOf, type Subject } from '../law.ts'
import { type Checkpoint, parting, run } from '../run.ts'

const cuts = [1, 3, 5, 6, 10]

/** A run that was interrupted ends as one that was not. */
export const resume: Law = law(
  6,
  'saved, restored and continued, a run is equal to the bit',
  async ({ make }: Subject) => {
    const { log } = await run([make()])
    const saving = await attempt('saving', () => run([make()], { saveAt: cuts }))
    const disturbed = parting(log, saving.log)
    if (disturbed)
      throw new Error(
        `saving before step ${cuts.findLast((cut) => cut <= disturbed.step)} changes the run: ` +
          `${disturbed.what} at step ${disturbed.step} is ${disturbed.words}. state.save must leave ` +
          `the state as it is, and give tensors of the caller's own: tf.clone(tensor)`,
      )
    for (const from of saving.checkpoints) {
      const trick = make()
      const rest = log.filter(({ step }) => step >= from.step)
      const resumed = await attempt(`resuming at step ${from.step}`, () => run([trick], { from }))
      const at = parting(rest, resumed.log)
      if (at)
        throw new Error(
          `stopped before step ${from.step} and resumed, ${at.what} at step ${at.step} is ${at.words}. ` +
            (trick.state
              ? 'Save and restore all that setup starts afresh'
              : 'What it remembers must be in `state: { save, restore }`'),
        )
    }
  },
)

async function attempt<T extends { readonly checkpoints: readonly Checkpoint[] }>(
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new Error(
      `${what} fails: ${messageOf(error)}. save gives tensors of the caller's own, restore clones what ` +
        `it is given, and both hold JSON besides`,
      { cause: error },
    )
  }
}
