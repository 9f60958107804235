import * as tf from '@tensorflow/tfjs-core'

/** What turns logits into probabilities. */
export type Squashing = 'softmax' | 'sigmoid'

const squashing: Readonly<Record<string, Squashing>> = { Softmax: 'softmax', Sigmoid: 'sigmoid' }

/** Kernels whose outputs are their inputs' values, rearranged, selected, clipped or averaged: still probabilities. */
const passing = new Set([
  'Identity',
  'Reshape',
  'Cast',
  'Transpose',
  'ExpandDims',
  'Reverse',
  'Concat',
  'Pack',
  'Unpack',
  'SplitV',
  'Slice',
  'StridedSlice',
  'GatherV2',
  'GatherNd',
  'ClipByValue',
  'Mean',
  'AvgPool',
  'Max',
  'MaxPool',
])

type TapeNode = ReturnType<typeof tf.engine>['state']['activeTape'][number]

/**
 * Runs a forward pass and finds the softmax or sigmoid that it ends in, so that a loss that takes logits can reject the
 * model. It is found in the operations that were run, in whichever layer, nested model or function they are, and costs
 * no memory. A logarithm after the softmax gives logits; a softmax that is written out, exp(x) / Σ exp(x), is not
 * recognised.
 *
 * @param forward returns the outputs, a tensor
 * @returns the outputs, and the activation if they end in one
 * @example
 * finalActivation(() => tf.softmax(logits)).activation // 'softmax'
 * finalActivation(() => model.apply(images, { training: false })).activation // undefined
 */
export function finalActivation<T>(forward: () => T): {
  readonly outputs: T
  readonly activation?: Squashing
} {
  let outputs: T
  let activation: Squashing | undefined
  const record = (): tf.Tensor => {
    const { activeTape: tape, gradientDepth } = tf.engine().state
    const from = tape.length
    // No gradient is computed, so what the tape would keep of each operation can go at once.
    if (gradientDepth === 1) tape.push = withoutSaved
    outputs = forward()
    const makers = new Map<number, TapeNode>()
    for (const node of tape.slice(from)) for (const { id } of node.outputs) makers.set(id, node)
    if (!(outputs instanceof tf.Tensor)) return tf.scalar(0)
    activation = squashingOf(outputs, makers)
    return outputs
  }
  tf.tidy(() => tf.engine().gradients(record, [tf.scalar(0)], undefined, true).value)
  return { outputs: outputs!, ...(activation && { activation }) }
}

function withoutSaved(this: TapeNode[], ...nodes: TapeNode[]): number {
  for (const node of nodes) {
    // A gradient inside of the forward pass needs its own.
    const needed = tf.engine().state.gradientDepth > 1
    if (!needed) tf.dispose(node.saved)
    this[this.length] = needed ? node : { ...node, saved: [] }
  }
  return this.length
}

function squashingOf(
  { id }: tf.Tensor,
  makers: ReadonlyMap<number, TapeNode>,
): Squashing | undefined {
  const node = makers.get(id)
  if (!node) return undefined
  const own = squashing[node.kernelName]
  if (own || !passing.has(node.kernelName)) return own
  const inputs = Object.values(node.inputs).map((input) => squashingOf(input, makers))
  return inputs.includes(undefined) ? undefined : inputs[0]
}
