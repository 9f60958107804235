import { type Law, law } from '../law.ts'
import { interleaved, firstDifference, run } from '../run.ts'

const remedy = 'Return what it remembers from start(run); hooks get it, and each run has its own'

/** State lives in a run, not in a closure. */
export const runs: Law = law(10, 'two runs of one list give one result', async ({ make }) => {
  const trick = make()
  const first = await run([trick])
  const second = await run([trick])
  const at = firstDifference(first.log, second.log)
  if (at) throw new Error(`in a second run of the same object ${at.words}. ${remedy}`)
  for (const { log } of await interleaved([trick], 2)) {
    const apart = firstDifference(first.log, log)
    if (apart)
      throw new Error(`in two runs that take turns with the same object ${apart.words}. ${remedy}`)
  }
  const difference = firstDifference(first.log, (await run([trick], { asks: 2 })).log)
  if (difference)
    throw new Error(
      `where each step's rate is asked for twice, as for a plot, ${difference.words}. learningRate must ` +
        `change nothing: move on in afterStep, observe or afterEpoch`,
    )
})
