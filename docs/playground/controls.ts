// The range of a slider for a number, from its declaration and the value in use.
import type { Declared } from './catalogue.ts'

export interface Slider {
  /** Positions of the slider, whose value is `valueAt(position)`. */
  readonly min: number
  readonly max: number
  readonly step: number
  valueAt(position: number): number
  positionOf(value: number): number
}

const three = (value: number): number => Number(value.toPrecision(3))

/** Bounds far away from the usual values don't help on a slider. */
const near = (bound: number | undefined, usual: number): number | undefined =>
  bound !== undefined && Math.abs(bound) <= 100 * Math.max(1, Math.abs(usual)) ? bound : undefined

/** The value around which a slider is built: the default, or one within the bounds. */
export function usualOf({ default: value }: Declared, kind: Declared): number {
  if (typeof value === 'number') return value
  const high = kind.max ?? kind.below
  return high === undefined ? 4 : high / 2
}

/** A slider around the usual value: within the declared bounds, or to four times the value. */
export function sliderOf(kind: Declared, usual: number): Slider {
  const integer = kind.type === 'integer'
  if (kind.scale === 'log') {
    const middle = usual > 0 ? usual : 1
    // Start and end slightly inside bounds that are excluded.
    const low = Math.max(kind.min ?? (kind.above ?? 0) * 1.01, middle / 100)
    const high = Math.min(kind.max ?? (kind.below ?? Infinity) * 0.99, middle * 100)
    const [from, to] = [Math.log(low), Math.log(high)]
    return {
      min: from,
      max: to,
      step: (to - from) / 100,
      valueAt: (position) => Math.min(high, Math.max(low, three(Math.exp(position)))),
      positionOf: (value) => Math.log(Math.max(low, value)),
    }
  }
  const low = near(kind.min ?? kind.above, usual) ?? Math.min(0, usual * 4)
  const high = near(kind.max ?? kind.below, usual) ?? Math.max(low + 1, usual * 4)
  const step = integer ? 1 : (high - low) / 100
  // Start and end one step inside bounds that are excluded.
  const min = kind.min === undefined && kind.above !== undefined ? low + step : low
  const max = kind.max === undefined && kind.below !== undefined ? high - step : high
  return {
    min: Math.min(min, usual),
    max: Math.max(max, usual),
    step,
    valueAt: (position) => (integer ? Math.round(position) : three(position)),
    positionOf: (value) => value,
  }
}
