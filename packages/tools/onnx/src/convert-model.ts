import * as layers from '@tensorflow/tfjs-layers'
import { normOf } from './convolution.ts'
import type { Graph, Value } from './graph.ts'
import { convert, isNorm, type LayerFacts, takesNorm } from './layers.ts'
import type { Layer, Weight } from './weights.ts'

type Tensor = layers.SymbolicTensor

interface Context {
  readonly graph: Graph
  readonly weights: ReadonlyMap<Layer, Readonly<Record<string, Weight>>>
  readonly type: 'float32' | 'int8'
}

const inputsOf = ({ sourceLayer, nodeIndex }: Tensor): readonly Tensor[] =>
  sourceLayer.inboundNodes[nodeIndex]!.inputTensors

/** How many times each tensor is read between input and output. */
function readsOf(output: Tensor): ReadonlyMap<number, number> {
  const reads = new Map([[output.id, 1]])
  const seen = new Set<Tensor>()
  const open = [output]
  while (open.length > 0) {
    const tensor = open.pop()!
    if (seen.has(tensor)) continue
    seen.add(tensor)
    for (const input of inputsOf(tensor)) {
      reads.set(input.id, (reads.get(input.id) ?? 0) + 1)
      open.push(input)
    }
  }
  return reads
}

/**
 * Adds a model's layers to the file.
 *
 * @returns the model's output
 */
export function convertModel(model: layers.LayersModel, input: Value, context: Context): Value {
  const { graph, weights, type } = context
  const [output] = model.outputs as [Tensor]
  const reads = readsOf(output)
  const values = new Map([[model.inputs[0]!.id, input]])

  const factsOf = (tensor: Tensor): LayerFacts => ({
    name: tensor.sourceLayer.name,
    kind: tensor.sourceLayer.getClassName(),
    config: tensor.sourceLayer.getConfig(),
    weights: weights.get(tensor.sourceLayer) ?? {},
    outputShape: tensor.shape,
    type,
  })
  const visit = (tensor: Tensor): Value => {
    const known = values.get(tensor.id)
    if (known) return known
    const value = made(tensor)
    values.set(tensor.id, value)
    return value
  }
  const made = (tensor: Tensor): Value => {
    const { sourceLayer } = tensor
    if (sourceLayer instanceof layers.LayersModel)
      return convertModel(sourceLayer, visit(inputsOf(tensor)[0]!), context)
    const facts = factsOf(tensor)
    const [before] = inputsOf(tensor)
    if (isNorm(facts.kind) && reads.get(before!.id) === 1) {
      const layer = factsOf(before!)
      if (takesNorm(layer)) {
        const norm = normOf(facts.weights, facts.config['epsilon'] as number)
        return convert({ ...layer, norm }, inputsOf(before!).map(visit), graph)
      }
    }
    return convert(facts, inputsOf(tensor).map(visit), graph)
  }
  return visit(output)
}
