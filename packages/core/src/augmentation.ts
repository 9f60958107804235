// For writing augmentations: draws without a pipeline, pixel gathering, text for `describe`.
export { type DrawOptions, withDraws } from './alone.ts'
export { gatherPixels, pixelIndices } from './pixels.ts'
export { signed } from './signed.ts'
