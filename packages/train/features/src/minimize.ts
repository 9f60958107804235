/** The minimum that was found. */
export interface Minimum {
  readonly at: Float64Array
  readonly value: number
  /** Steps taken. */
  readonly steps: number
}

export interface MinimizeOptions {
  /** Default 200. */
  readonly maxSteps?: number
  /** Stops when no partial derivative is larger than this; default 1e-5. */
  readonly tolerance?: number
  /** Number of past steps, with their changes of the gradient, to keep; default 10. */
  readonly memory?: number
}

type Valued = { readonly value: number; readonly gradient: Float64Array }
type Pair = { readonly step: Float64Array; readonly change: Float64Array; readonly product: number }

/**
 * Minimises a smooth convex function by L-BFGS, with a backtracking line search: a step is halved until the decrease is a
 * sufficient fraction of the one that the gradient predicts.
 *
 * @param f returns value and gradient
 * @param from is not changed
 * @example
 * const { at } = await minimize(([x]) => ({ value: (x! - 3) ** 2, gradient: Float64Array.of(2 * (x! - 3)) }), Float64Array.of(0))
 * @see Liu and Nocedal 1989, "On the limited memory BFGS method for large scale optimization"
 */
export async function minimize(
  f: (x: Float64Array) => Valued | Promise<Valued>,
  from: Float64Array,
  { maxSteps = 200, tolerance = 1e-5, memory = 10 }: MinimizeOptions = {},
): Promise<Minimum> {
  let at: Float64Array = from.slice()
  let { value, gradient } = await f(at)
  const pairs: Pair[] = []
  let steps = 0
  while (steps < maxSteps && gradient.some((each) => Math.abs(each) > tolerance)) {
    const direction = descent(gradient, pairs)
    const slope = dot(direction, gradient)
    // At first, the curvature is unknown.
    let length = pairs.length > 0 ? 1 : Math.min(1, 1 / Math.sqrt(-slope))
    let next = await f(moved(at, direction, length))
    for (let i = 0; i < 30 && !(next.value <= value + 1e-4 * length * slope); i++) {
      length /= 2
      next = await f(moved(at, direction, length))
    }
    // In float32 the value's last digits are noise.
    if (!(next.value < value)) break
    const step = direction.map((each) => length * each)
    const change = next.gradient.map((each, i) => each - gradient[i]!)
    const product = dot(step, change)
    if (product > 1e-12 * dot(change, change)) pairs.push({ step, change, product })
    if (pairs.length > memory) pairs.shift()
    at = moved(at, direction, length)
    ;({ value, gradient } = next)
    steps++
  }
  return { at, value, steps }
}

/** Minus the approximate inverse of the Hessian, from the remembered pairs, times the gradient. */
function descent(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map((each) => -each)
  const shares: number[] = []
  for (const [i, { step, change, product }] of [...pairs.entries()].toReversed()) {
    shares[i] = dot(step, direction) / product
    add(direction, change, -shares[i])
  }
  const last = pairs.at(-1)
  if (last) {
    const scale = last.product / dot(last.change, last.change)
    direction.forEach((each, i) => (direction[i] = scale * each))
  }
  for (const [i, { step, change, product }] of pairs.entries())
    add(direction, step, shares[i]! - dot(change, direction) / product)
  return direction
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

function add(to: Float64Array, each: Float64Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += factor * each[i]!
}

function moved(at: Float64Array, direction: Float64Array, length: number): Float64Array {
  const there = at.slice()
  add(there, direction, length)
  return there
}
