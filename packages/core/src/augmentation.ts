// For writing augmentations: draws without a pipeline, pixel gathering, resizing, one pass over images, text for `describe`.
export { type DrawOptions, withDraws } from './alone.ts'
export { arrangePixels, copyBox, copyImage, fillBox, fillRandomly } from './arrange.ts'
export { mixPairs } from './mix-pairs.ts'
export { type ImageProgram, inOnePass, instructions } from './one-pass.ts'
export { gatherPixels, pixelIndices } from './pixels.ts'
export { resizeWindows } from './resize.ts'
export { type RandomPosition, uniformsAt } from './random.ts'
export { signed } from './signed.ts'
