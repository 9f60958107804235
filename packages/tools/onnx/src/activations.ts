import type { Graph, Value } from './graph.ts'
import { axisInFile } from './graph.ts'

type Activation = (x: Value, name: string, graph: Graph) => string

/** An activation that is a single ONNX operator. */
const plain =
  (operator: string): Activation =>
  (x, name, graph) =>
    graph.add(name, operator, [x.name])

const overClasses =
  (operator: string): Activation =>
  (x, name, graph) =>
    graph.add(name, operator, [x.name], { axis: axisInFile(-1, x) })

/** x times a function of x. */
const gated =
  (gate: Activation): Activation =>
  (x, name, graph) =>
    graph.add(name, 'Mul', [x.name, gate(x, `${name}/gate`, graph)])

/** Clips a value to [min, max]. */
export const clip = (x: Value, name: string, graph: Graph, min: number, max: number): string =>
  graph.add(name, 'Clip', [
    x.name,
    graph.scalar(`${name}/min`, min),
    graph.scalar(`${name}/max`, max),
  ])

/** x Φ(x); runtimes recognise this form and fuse it. */
const gelu: Activation = (x, name, graph) => {
  const scalar = (of: string, value: number): string => graph.scalar(`${name}/${of}`, value)
  const scaled = graph.add(`${name}/scaled`, 'Div', [x.name, scalar('root', Math.SQRT2)])
  const erf = graph.add(`${name}/erf`, 'Erf', [scaled])
  const share = graph.add(`${name}/share`, 'Add', [erf, scalar('one', 1)])
  const product = graph.add(`${name}/product`, 'Mul', [x.name, share])
  return graph.add(name, 'Mul', [product, scalar('half', 0.5)])
}

/** tfjs's activations, by name in a layer's configuration. */
const activations: Readonly<Record<string, Activation>> = {
  elu: plain('Elu'),
  gelu,
  // ONNX's default slope and offset are Keras's: 0.2 x + 0.5.
  hardSigmoid: plain('HardSigmoid'),
  linear: (x) => x.name,
  logSoftmax: overClasses('LogSoftmax'),
  mish: gated((x, name, graph) =>
    graph.add(name, 'Tanh', [graph.add(`${name}/softplus`, 'Softplus', [x.name])]),
  ),
  relu: plain('Relu'),
  relu6: (x, name, graph) => clip(x, name, graph, 0, 6),
  selu: plain('Selu'),
  sigmoid: plain('Sigmoid'),
  softmax: overClasses('Softmax'),
  softplus: plain('Softplus'),
  softsign: plain('Softsign'),
  swish: gated(plain('Sigmoid')),
  tanh: plain('Tanh'),
}

/**
 * Applies an activation.
 *
 * @throws Error naming the layer and the activation, if it is not supported
 */
export function activate(x: Value, kind: string, name: string, graph: Graph): Value {
  if (!Object.hasOwn(activations, kind))
    throw new Error(
      `onnx: ${name} has the activation ${kind}, which can't be exported: use one of ${Object.keys(activations).join(', ')}`,
    )
  return { ...x, name: activations[kind]!(x, name, graph) }
}
