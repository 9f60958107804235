import * as tf from '@tensorflow/tfjs-core'

/** The activation that turns logits into probabilities. */
export type Squashing = 'softmax' | 'sigmoid'

const squashing: Readonly<Record<string, Squashing>> = { Softmax: 'softmax', Sigmoid: 'sigmoid' }

/** Kernels that only rearrange, select, clip or average their input's values: the outputs are still probabilities. */
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
 * Runs a forward pass and reports whether it ends in a softmax or sigmoid, so that a loss that expects logits can
 * reject the model. Detection uses the recorded operations, so it works for layers, nested models and functions alike
 * and costs no memory. A logarithm after the softmax gives logits. A softmax written out as exp(x) / Σ exp(x) is not
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
    // No gradient is computed, so the tensors that the tape would keep for each operation can be dropped at once.
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
    // A gradient computed inside the forward pass needs its own tape.
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
