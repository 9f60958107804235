import { focal } from '../src/index.ts'

/** The trick: `focalLoss` is the function of logits and targets. */
export const makers = { focalLoss: focal }
