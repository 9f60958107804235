/** A plan that fits the time. */
export interface Plan {
  /** Side of the pictures in pixels. */
  readonly size: number
  /** Augmented views of each picture to compute features of. */
  readonly views: number
  /** Epochs of fine-tuning; 0 for the last layer alone. */
  readonly epochs: number
  /** Approximate duration. */
  readonly seconds: number
}

export interface PlanInputs {
  /** Number of training and validation pictures. */
  readonly pictures: number
  /** Number of test pictures, evaluated once. */
  readonly tested: number
  /** Images per second whose features the network computes at its own size. */
  readonly imagesPerSecond: number
  /** Side of the pictures that the network was trained on, in pixels. */
  readonly size: number
  readonly minutes: number
  /** The user's choices. */
  readonly given: { readonly size?: number; readonly views?: number; readonly epochs?: number }
}

/** Fraction of the time to plan with, as start-up, fitting and the report take the rest. */
const share = 0.8
/** More views add little. */
const mostViews = 4
/** Cost of a fine-tuning step in forward passes, with batch norm folded and the lower blocks frozen. */
const stepCost = 2.5
/** Fewer change little, as the rate must first rise and then fall. */
const fewestEpochs = 3
const mostEpochs = 10

/**
 * Makes the best use of the time: pictures at the network's own size if one view fits, otherwise smaller ones; then
 * more views; then fine-tuning, if there is time for enough epochs.
 */
export function planOf(inputs: PlanInputs): Plan {
  const { pictures, tested, imagesPerSecond, given } = inputs
  const time = inputs.minutes * 60 * share
  const rateAt = (side: number): number => imagesPerSecond * (inputs.size / side) ** 2
  const once = (side: number): number => (pictures + tested) / rateAt(side)
  const sides = [1, 6 / 7, 5 / 7, 4 / 7].map((part) => Math.round((inputs.size * part) / 8) * 8)
  const size = given.size ?? sides.find((side) => once(side) <= time) ?? sides.at(-1)!
  const view = pictures / rateAt(size)
  const beyond = Math.max(0, time - once(size))
  const views = given.views ?? 1 + Math.min(mostViews - 1, Math.floor(beyond / view))
  const left = beyond - (views - 1) * view
  const fits = Math.min(mostEpochs, Math.floor(left / (stepCost * view)))
  const epochs = given.epochs ?? (fits >= fewestEpochs ? fits : 0)
  const seconds = once(size) + (views - 1) * view + epochs * stepCost * view
  return { size, views, epochs, seconds }
}

/** The minutes needed to add fine-tuning to the views. */
export function minutesToFineTune({ pictures, tested, imagesPerSecond }: PlanInputs): number {
  const images = tested + pictures * (mostViews + fewestEpochs * stepCost)
  return Math.ceil(images / imagesPerSecond / share / 60)
}
