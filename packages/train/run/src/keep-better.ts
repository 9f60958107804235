import type { Tensors, Trick } from '@tricks/core'

interface Best {
  accuracy: number
  weights: Tensors
}

/**
 * Restores the weights of the best epoch by validation accuracy at the end, those from before the first one included: fine-tuning
 * that damages the features of a pretrained network leaves it unchanged. Of equal ones the last counts.
 *
 * @param accuracy on the validation images before the first step
 */
export const keepBetter = (accuracy: number): Trick<Best> => ({
  name: 'keep-better',
  options: { accuracy },
  start: ({ variables }) => ({ accuracy, weights: { ...variables } }),
  afterEpoch({ validation, variables }, state) {
    if (!validation || validation.accuracy < state.accuracy) return undefined
    state.accuracy = validation.accuracy
    state.weights = { ...variables }
    return undefined
  },
  finish({ reason, variables }, state) {
    if (reason === 'aborted' || reason === 'failed') return
    for (const [path, value] of Object.entries(state.weights)) variables[path]!.assign(value)
  },
})
