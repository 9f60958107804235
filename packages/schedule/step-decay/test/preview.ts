// The content of the card's picture.
import { stepDecay } from '../src/index.ts'

export const curves = [
  {
    name: '{ milestones: half, three quarters }',
    of: [stepDecay({ milestones: [{ fraction: 0.5 }, { fraction: 0.75 }] })],
  },
  {
    name: '{ every: 6 epochs, gamma: 0.5 }',
    of: [stepDecay({ every: { epochs: 6 }, gamma: 0.5 })],
  },
]
