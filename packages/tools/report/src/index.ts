export {
  type Bin,
  type Calibration,
  calibration,
  type ClassAccuracy,
  classAccuracies,
  confusionMatrix,
  type Mistake,
  mistakes,
  predictedClasses,
  type Predictions,
  probabilitiesOf,
} from './statistics.ts'
