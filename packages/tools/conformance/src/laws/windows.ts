import { during, type Trick } from '@tricks/core'
import { type Law, law } from '../law.ts'
import { type Entry, firstDifference, run } from '../run.ts'

/** A trick is active only in its window, and evaluation does not train. */
export const windows: Law = law(
  7,
  'does nothing outside its window, and nothing to training when evaluating',
  async ({ make }) => {
    const plain = await run([make()], { evaluates: false })
    const evaluated = firstDifference(training(plain.log), training((await run([make()])).log))
    if (evaluated)
      throw new Error(
        `evaluating changes the training: ${evaluated.words}. evaluation.weights and evaluation.predict must not ` +
          `change the variables or the trick's own state`,
      )

    const window = { from: { steps: 1000 } }
    const trick = make()
    // Effects of start on the weights remain, as windows do not cover it.
    const { name, key, options } = trick
    const start: Trick = { name, key, options, start: (about) => void make().start?.(about) }
    const [from] = (await run([during(window, start)], { saveAt: [0] })).checkpoints
    const expected = training((await run([], { from, evaluates: false })).log)
    const outside = firstDifference(
      expected,
      training((await run([during(window, trick)], { evaluates: false })).log),
    )
    if (outside)
      throw new Error(
        `it acts outside its window: in during({ from: { steps: 1000 } }, …) ${outside.words}. Act only ` +
          `in hooks, not through anything that start created`,
      )
  },
)

const training = (log: readonly Entry[]): readonly Entry[] =>
  log.filter(({ what }) => !what.startsWith('evaluation'))
