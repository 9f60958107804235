// The content of the card's picture.
import { cosineDecay } from '@tricks/cosine-decay'
import { linearScaling } from '../src/index.ts'

export const curves = [512, 256, 128].map((batchSize) => ({
  name: `batches of ${batchSize}`,
  of: [linearScaling(), cosineDecay()],
  batchSize,
}))
