import { asymmetric } from '../src/index.ts'

/** The trick: `asymmetricLoss` is the function of logits and targets. */
export const makers = { asymmetricLoss: asymmetric }
