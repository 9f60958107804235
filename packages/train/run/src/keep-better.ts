import type { Tensors, Trick } from '@tricks/core'

interface Best {
  accuracy: number
  weights: Tensors
}

/**
 * At the end, restores the weights of the epoch with the best validation accuracy, including those before the first
 * epoch: if fine-tuning damages a pretrained network, it is undone. In a tie, the last epoch counts.
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
