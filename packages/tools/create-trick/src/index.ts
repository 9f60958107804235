export { bareName, refusal } from './names.ts'
export { meanings, type Stage, stages } from './stages.ts'
export { repositoryPackage, standalonePackage, type TrickPlan } from './trick.ts'
