import { asymmetric } from '../src/index.ts'

/** The trick; `asymmetricLoss` is the pure function. */
export const makers = { asymmetricLoss: asymmetric }
