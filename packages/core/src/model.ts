// For inspecting models: their variables, which of them are trainable, and the final activation.
export { finalActivation, type Squashing } from './activation.ts'
export { type Role, roleOf } from './role.ts'
export { type Layer, type Layered, trainableOf, variablesOf } from './variables.ts'
