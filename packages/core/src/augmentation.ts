// What an augmentation is written with, beyond the trick itself.
export { type DrawOptions, withDraws } from './alone.ts'
export { gatherPixels, pixelIndices } from './pixels.ts'
export { signed } from './signed.ts'
