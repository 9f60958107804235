import type { PretrainedModel } from '../recipes/pretrained.ts'

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
  /** Images per second that the network computes features of, at its own size. */
  readonly imagesPerSecond: number
  /** Side of the pictures that the network was trained on, in pixels. */
  readonly size: number
  readonly minutes: number
  /** The user's choices. */
  readonly given: { readonly size?: number; readonly views?: number; readonly epochs?: number }
}

/** The share of the time to plan with; the rest, and `overhead` seconds, are for reading, fitting and the report. */
const share = 0.85
const overhead = 15
/** Seconds of a time limit to plan with. */
const plannedOf = (minutes: number): number => Math.max(0, share * 60 * minutes - overhead)
/** More views add little. */
const mostViews = 4
/** Cost of a fine-tuning step in forward passes, with batch norm folded and the lower blocks frozen. */
const stepCost = 3
/** Fewer epochs change little, as the rate must first rise and then fall. */
const fewestEpochs = 3
const mostEpochs = 10

/**
 * Makes the best use of the time: pictures at the network's own size if one view fits, otherwise smaller ones; then
 * fine-tuning, if there is time for enough epochs, as it gains most; then more views.
 */
export function planOf(inputs: PlanInputs): Plan {
  const { pictures, tested, imagesPerSecond, given } = inputs
  const time = plannedOf(inputs.minutes)
  const rateAt = (side: number): number => imagesPerSecond * (inputs.size / side) ** 2
  const once = (side: number): number => (pictures + tested) / rateAt(side)
  const smaller = [6 / 7, 5 / 7, 4 / 7].map((part) => Math.round((inputs.size * part) / 8) * 8)
  const sides = [inputs.size, ...smaller]
  const size = given.size ?? sides.find((side) => once(side) <= time) ?? sides.at(-1)!
  const view = pictures / rateAt(size)
  const beyond = Math.max(0, time - once(size))
  const fits = Math.min(mostEpochs, Math.floor(beyond / (stepCost * view)))
  const epochs = given.epochs ?? (fits >= fewestEpochs ? fits : 0)
  const left = Math.max(0, beyond - epochs * stepCost * view)
  const views = given.views ?? 1 + Math.min(mostViews - 1, Math.floor(left / view))
  const seconds = once(size) + (views - 1) * view + epochs * stepCost * view
  return { size, views, epochs, seconds }
}

/** The minutes needed for fine-tuning. */
export function minutesToFineTune({ pictures, tested, imagesPerSecond }: PlanInputs): number {
  const images = tested + pictures * (1 + fewestEpochs * stepCost)
  return Math.ceil((images / imagesPerSecond + overhead) / share / 60)
}

/** A network to choose from. */
export interface Candidate {
  readonly name: PretrainedModel
  /** The side of the pictures that it was trained on. */
  readonly size: number
  /** Its time per picture, at its own size, relative to the first network's. */
  readonly cost: number
}

/**
 * The first network if there is time to fine-tune it, as that gains more than a larger network; otherwise the most
 * accurate one that leaves time for two views, as a larger network gains more than further views; otherwise the first.
 *
 * @param inputs with the first network's speed
 * @param candidates from the fastest to the most accurate
 */
export function networkFor(
  inputs: Omit<PlanInputs, 'size'>,
  candidates: readonly Candidate[],
): { readonly name: PretrainedModel; readonly inputs: PlanInputs } {
  const options = candidates.map(({ name, size, cost }) => {
    const own = { ...inputs, size, imagesPerSecond: inputs.imagesPerSecond / cost }
    const plan = planOf(own)
    const whole = inputs.given.size !== undefined || plan.size === size
    return { name, inputs: own, plan, fits: whole && plan.seconds <= inputs.minutes * 60 }
  })
  const first = options[0]!
  if (first.fits && first.plan.epochs > 0) return first
  return options.findLast(({ fits, plan }) => fits && plan.views > 1) ?? first
}
