export {
  extractFeatures,
  type FeatureBlock,
  type FeatureOptions,
  type FeatureProgress,
  type Features,
  joined,
} from './extract.ts'
export { fitHead, type Head, type HeadOptions, type Tried } from './head.ts'
export { minimize, type Minimum } from './minimize.ts'
export { setHead } from './set-head.ts'
export { splitHead, type SplitModel } from './split-head.ts'
export { type FeatureStore, memoryStore } from './store.ts'
