import { focal } from '../src/index.ts'

/** The trick; `focalLoss` is the pure function. */
export const makers = { focalLoss: focal }
