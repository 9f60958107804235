import { type Law, law } from '../law.ts'
import { interleaved, firstDifference, run } from '../run.ts'

const remedy = 'Return its state from start(run): hooks receive it, and each run has its own'

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
      throw new Error(`in two interleaved runs of the same object ${apart.words}. ${remedy}`)
  }
  const difference = firstDifference(first.log, (await run([trick], { asks: 2 })).log)
  if (difference)
    throw new Error(
      `if each step's rate is read twice, as for a plot, ${difference.words}. learningRate must ` +
        `not change any state: do that in afterStep, observe or afterEpoch`,
    )
})
