import { createRandom, keyOf } from '@tricks/core'
import { type Law, law, messageOf, reworded } from '../law.ts'
import { shapeOf, sizeOf } from '../scene.ts'

const steps = 1000

/** The draws of a thousand steps, each of a batch of 8 images, are what the reference would draw. */
export const distribution: Law = law(
  9,
  "draws have the reference's distribution",
  ({ make, options }) => {
    const shape = shapeOf(sizeOf(8, 32, 32))
    const trick = make()
    const draws = Array.from({ length: steps }, (_, step) =>
      (trick.images ?? trick.mix)?.draw(createRandom(1).at(step).fork(keyOf(trick)), shape, {
        step,
        stepsPerEpoch: steps / 10,
        steps,
      }),
    )
    try {
      options.distribution!(draws, shape)
    } catch (error) {
      throw reworded(
        error,
        `over ${steps} steps of 8 images of 32×32×3: ${messageOf(error)}. Compare with the paper: ` +
          `which distribution, which ends included`,
      )
    }
  },
  ({ options }) => options.distribution !== undefined,
)
