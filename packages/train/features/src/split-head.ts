import * as layers from '@tensorflow/tfjs-layers'

/** A network in two parts: its last layer, and everything before it. */
export interface SplitModel {
  /** From images to features, `[batch, width]`; it shares its layers with the model. */
  readonly features: layers.LayersModel
  /** The dense layer from features to logits. */
  readonly head: layers.layers.Layer
}

/**
 * Splits a network before its last layer, which must be a dense layer without an activation, on pooled features.
 *
 * @throws Error if the model ends in anything else
 * @example
 * const { features, head } = splitHead(model)
 */
export function splitHead(model: layers.LayersModel): SplitModel {
  const head = model.outputs[0]!.sourceLayer
  const { activation = 'linear' } = head.getConfig()
  const [input] = head.inboundNodes[0]?.inputTensors ?? []
  const splits = head.getClassName() === 'Dense' && activation === 'linear' && input?.rank === 2
  if (!splits)
    throw new Error(
      `features: expected a model that ends in a dense layer without an activation, on features [batch, width], got one ` +
        `that ends in ${head.name} (${head.getClassName()}). Put a dense layer of one unit per class at its end.`,
    )
  return { features: layers.model({ inputs: model.inputs, outputs: input }), head }
}
