// The content of the card's picture.
import { cosineDecay } from '../src/index.ts'

export const curves = [
  { name: 'cosineDecay()', of: [cosineDecay()] },
  { name: '{ min: 0.01 }', of: [cosineDecay({ min: 0.01 })] },
  { name: '{ over: { epochs: 20 } }', of: [cosineDecay({ over: { epochs: 20 } })] },
]
