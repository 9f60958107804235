import type { Random } from '@tricks/core'

/** The shape of a controller. It decides in sequence, each decision conditioned on all before it. */
export interface Shape {
  /** The number of choices of each decision in a cycle, such as operation, probability and strength. */
  readonly sizes: readonly number[]
  /** Number of repetitions of the cycle. */
  readonly cycles: number
  /** Units of the LSTM. */
  readonly hidden: number
}

/** The weights, as views of one array, row by row. */
interface Weights {
  /** `[tokens, hidden]`: the start, then every choice of a cycle. */
  readonly embedding: Float64Array
  /** `[4 hidden, 2 hidden]`: the gates input, forget, output and candidate, of the embedding and the state. */
  readonly gates: Float64Array
  readonly gateBias: Float64Array
  /** `[choices, hidden]`. */
  readonly heads: Float64Array
  readonly headBias: Float64Array
}

const choicesOf = ({ sizes }: Shape): number => sizes.reduce((sum, size) => sum + size, 0)

/** The number of weights. */
export function weightCount(shape: Shape): number {
  const { hidden } = shape
  const choices = choicesOf(shape)
  return (1 + choices) * hidden + 8 * hidden * hidden + 4 * hidden + choices * hidden + choices
}

function viewsOf(values: Float64Array, shape: Shape): Weights {
  const { hidden } = shape
  const choices = choicesOf(shape)
  let from = 0
  const take = (size: number): Float64Array => values.subarray(from, (from += size))
  return {
    embedding: take((1 + choices) * hidden),
    gates: take(8 * hidden * hidden),
    gateBias: take(4 * hidden),
    heads: take(choices * hidden),
    headBias: take(choices),
  }
}

/** Draws weights uniformly from [−0.1, 0.1], as the paper does. */
export const drawWeights = (shape: Shape, random: Random): Float64Array =>
  Float64Array.from({ length: weightCount(shape) }, () => random.uniform(-0.1, 0.1))

/** The intermediate values of a decision, for backpropagation. */
interface Moment {
  readonly token: number
  /** The embedding and the state before. */
  readonly input: Float64Array
  readonly cellBefore: Float64Array
  /** The four gates after their activations. */
  readonly gates: Float64Array
  readonly cell: Float64Array
  readonly state: Float64Array
  /** The first row of the decision's head. */
  readonly first: number
  readonly probabilities: Float64Array
}

/**
 * Runs the network over all decisions.
 *
 * @param choose receives each decision's number and probabilities, and returns the index of the choice
 */
export function forward(
  values: Float64Array,
  shape: Shape,
  choose: (decision: number, probabilities: Float64Array) => number,
): Moment[] {
  const { sizes, cycles, hidden } = shape
  const weights = viewsOf(values, shape)
  const moments: Moment[] = []
  let [token, state, cell] = [0, new Float64Array(hidden), new Float64Array(hidden)]
  for (let decision = 0; decision < sizes.length * cycles; decision++) {
    const input = new Float64Array(2 * hidden)
    input.set(weights.embedding.subarray(token * hidden, (token + 1) * hidden))
    input.set(state, hidden)
    const gates = product(weights.gates, input, weights.gateBias)
    for (let i = 0; i < 3 * hidden; i++) gates[i] = 1 / (1 + Math.exp(-gates[i]!))
    for (let i = 3 * hidden; i < 4 * hidden; i++) gates[i] = Math.tanh(gates[i]!)
    const before = cell
    cell = before.map((each, i) => gates[hidden + i]! * each + gates[i]! * gates[3 * hidden + i]!)
    state = cell.map((each, i) => gates[2 * hidden + i]! * Math.tanh(each))
    const turn = decision % sizes.length
    const first = sizes.slice(0, turn).reduce((sum, size) => sum + size, 0)
    const last = first + sizes[turn]!
    const rows = weights.heads.subarray(first * hidden, last * hidden)
    const logits = product(rows, state, weights.headBias.subarray(first, last))
    const probabilities = softmax(logits)
    moments.push({ token, input, cellBefore: before, gates, cell, state, first, probabilities })
    token = 1 + first + choose(decision, probabilities)
  }
  return moments
}

/**
 * Adds the gradient by backpropagation through time.
 *
 * @param logitGradients of each decision
 * @param gradient of all weights, to which it is added
 */
export function backward(
  values: Float64Array,
  shape: Shape,
  moments: readonly Moment[],
  logitGradients: readonly Float64Array[],
  gradient: Float64Array,
): void {
  const { hidden } = shape
  const [weights, sums] = [viewsOf(values, shape), viewsOf(gradient, shape)]
  let [ofState, ofCell] = [new Float64Array(hidden), new Float64Array(hidden)]
  for (const [at, moment] of [...moments.entries()].toReversed()) {
    const { token, input, cellBefore, gates, cell, state, first } = moment
    for (const [row, each] of logitGradients[at]!.entries()) {
      sums.headBias[first + row]! += each
      for (let i = 0; i < hidden; i++) {
        sums.heads[(first + row) * hidden + i]! += each * state[i]!
        ofState[i]! += each * weights.heads[(first + row) * hidden + i]!
      }
    }
    const ofGates = new Float64Array(4 * hidden)
    for (let i = 0; i < hidden; i++) {
      const [input_, forget, output, candidate] = [0, 1, 2, 3].map((g) => gates[g * hidden + i]!)
      const bent = Math.tanh(cell[i]!)
      const own = ofCell[i]! + ofState[i]! * output! * (1 - bent * bent)
      ofGates[i] = own * candidate! * input_! * (1 - input_!)
      ofGates[hidden + i] = own * cellBefore[i]! * forget! * (1 - forget!)
      ofGates[2 * hidden + i] = ofState[i]! * bent * output! * (1 - output!)
      ofGates[3 * hidden + i] = own * input_! * (1 - candidate! * candidate!)
      ofCell[i] = own * forget!
    }
    const ofInput = new Float64Array(2 * hidden)
    for (const [row, each] of ofGates.entries()) {
      sums.gateBias[row]! += each
      for (let i = 0; i < 2 * hidden; i++) {
        sums.gates[row * 2 * hidden + i]! += each * input[i]!
        ofInput[i]! += each * weights.gates[row * 2 * hidden + i]!
      }
    }
    for (let i = 0; i < hidden; i++) sums.embedding[token * hidden + i]! += ofInput[i]!
    ofState = ofInput.slice(hidden)
  }
}

/** A matrix, row by row, times a vector, plus a bias. */
function product(rows: Float64Array, vector: Float64Array, bias: Float64Array): Float64Array {
  const size = vector.length
  return bias.map((each, row) => {
    let sum = each
    for (let i = 0; i < size; i++) sum += rows[row * size + i]! * vector[i]!
    return sum
  })
}

function softmax(logits: Float64Array): Float64Array {
  const largest = Math.max(...logits)
  const powers = logits.map((each) => Math.exp(each - largest))
  const total = powers.reduce((sum, each) => sum + each, 0)
  return powers.map((each) => each / total)
}
