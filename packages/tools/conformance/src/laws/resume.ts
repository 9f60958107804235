import { type Law, law } from '../law.ts'
import { firstDifference, run } from '../run.ts'

const cuts = [1, 3, 5, 6, 10]

/** An interrupted run ends like an uninterrupted one. */
export const resume: Law = law(
  6,
  'saved, restored and continued, a run is bit-equal',
  async ({ make }) => {
    const { log } = await run([make()])
    const saving = await run([make()], { saveAt: cuts })
    const disturbed = firstDifference(log, saving.log)
    if (disturbed)
      throw new Error(
        `saving before step ${cuts.findLast((cut) => cut <= disturbed.step)} changes the run: ` +
          `${disturbed.words}. A state's getters must change nothing`,
      )
    for (const from of saving.checkpoints) {
      const rest = log.filter(({ step }) => step >= from.step)
      const resumed = await run([make()], { from })
      const at = firstDifference(rest, resumed.log)
      if (at)
        throw new Error(
          `stopped before step ${from.step} and resumed, ${at.words}. ` +
            'Keep its state in the object that start returns, not in a closure',
        )
    }
  },
)
