// What one asks of a model: its variables, which of them are trained, and what it ends in.
export { finalActivation, type Squashing } from './activation.ts'
export { type Role, roleOf } from './role.ts'
export { type Layer, type Layered, trainableOf, variablesOf } from './variables.ts'
