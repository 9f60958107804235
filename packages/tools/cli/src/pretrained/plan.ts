/** What the time allows. */
export interface Plan {
  /** Side of the pictures in pixels. */
  readonly size: number
  /** Views of each picture of which features are computed. */
  readonly views: number
  /** Of fine-tuning; 0 for the last layer alone. */
  readonly epochs: number
  /** About how long it takes. */
  readonly seconds: number
}

export interface PlanInputs {
  /** Pictures to train and to choose by. */
  readonly pictures: number
  /** Pictures that are evaluated once. */
  readonly tested: number
  /** Images per second that the network makes features of at its own size. */
  readonly imagesPerSecond: number
  /** The side of the pictures that the network was trained on. */
  readonly size: number
  readonly minutes: number
  /** What the user asked for. */
  readonly given: { readonly size?: number; readonly views?: number; readonly epochs?: number }
}

/** Of the time, as starting, fitting and the report take some. */
const share = 0.8
/** More show little that is new. */
const mostViews = 4
/** A step of fine-tuning takes so many times a forward pass, with batch norm folded and the lower blocks frozen. */
const stepCost = 2.5
/** Fewer change little, as the rate has to rise and fall again. */
const fewestEpochs = 3
const mostEpochs = 10

/**
 * What makes the most of the time: pictures at the network's own size if one view fits, smaller ones if there are many; then
 * more views; then fine-tuning, if it can be long enough.
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

/** The minutes that fine-tuning would need besides the views. */
export function minutesToFineTune({ pictures, tested, imagesPerSecond }: PlanInputs): number {
  const images = tested + pictures * (mostViews + fewestEpochs * stepCost)
  return Math.ceil(images / imagesPerSecond / share / 60)
}
