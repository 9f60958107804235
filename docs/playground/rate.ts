// The learning rate of the playground's schedules. Loaded only if the list has one, as the chart library is large.
import type { Trick } from '@tricks/core'
import { lineChart, rateCurve } from '@tricks/report/charts'
import { epochs, stepsPerEpoch } from './compute.ts'

/** A simulated loss that falls and then stays constant, so that `reduceOnPlateau` cuts the rate. */
const validationLoss = (epoch: number): number => 0.5 + 1.2 * Math.exp(-Math.min(epoch, 9) / 3)

/** The learning rate over a run of 30 epochs, as SVG. */
export function rateOf(tricks: readonly Trick[]): string {
  const { points } = rateCurve({
    of: tricks,
    epochs,
    stepsPerEpoch,
    metrics: (epoch) => {
      const measured = { loss: validationLoss(epoch), accuracy: epoch / epochs }
      return { training: measured, validation: measured }
    },
  })
  return lineChart({
    id: 'rate',
    label: `Learning rate over ${epochs} epochs`,
    series: [
      {
        name: 'rate',
        color: '--accent',
        points: points.map(([step, rate]) => [step / stepsPerEpoch, rate] as const),
      },
    ],
    x: { name: 'epoch', max: epochs },
    y: { min: 0 },
  }).html
}
