import { type Law, law } from '../law.ts'
import { parting, run } from '../run.ts'

/** State lives in a run, not in a closure. */
export const runs: Law = law(10, 'two runs of one list give one result', async ({ make }) => {
  const trick = make()
  const first = await run([trick])
  const second = await run([trick])
  const at = parting(first.log, second.log)
  if (at)
    throw new Error(
      `in a second run of the same object ${at.words}. Start all ` +
        `state afresh in setup(run), where each run begins`,
    )
})
