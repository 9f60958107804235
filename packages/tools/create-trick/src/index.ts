export {
  bareName,
  meanings,
  refusal,
  repositoryPackage,
  type Stage,
  stages,
  standalonePackage,
  type TrickPlan,
} from './trick.ts'
