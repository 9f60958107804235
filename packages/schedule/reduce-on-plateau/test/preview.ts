// The content of the card's picture.
import { reduceOnPlateau } from '../src/index.ts'

/** A validation loss that stagnates now and then. */
const losses = Array.from(
  { length: 30 },
  (_, epoch) =>
    0.55 +
    1.2 * Math.exp(-Math.min(epoch, 6) / 3) -
    (epoch > 12 ? 0.12 * (1 - Math.exp(-(Math.min(epoch, 18) - 12) / 2)) : 0),
)

export const curves = [
  {
    name: 'reduceOnPlateau({ factor: 0.3, patience: 3 })',
    of: [reduceOnPlateau({ factor: 0.3, patience: 3 })],
    metrics: (epoch: number) => {
      const metrics = { loss: losses[epoch]!, accuracy: 0 }
      return { training: metrics, validation: metrics }
    },
  },
]

export const behind = {
  name: 'validation loss (synthetic)',
  points: losses.map((loss, epoch) => [(epoch + 1) * 391, loss] as const),
}
