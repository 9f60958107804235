export { isOptimizer, OuterOptimizer } from './outer-optimizer.ts'
export { type NamedTensors, type Part, setDecayFactors, SlotOptimizer } from './slot-optimizer.ts'
export {
  claim,
  countersOf,
  internalsOf,
  listsOf,
  nameOf,
  newSlot,
  ownerOf,
  setIterations,
  type Slot,
} from './tfjs-slots.ts'
