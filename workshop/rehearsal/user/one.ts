// One trick's function, of a package that has more: what a bundler takes of it.
import { stepSchedule } from '@tricks/step-decay'

console.log(stepSchedule({ rate: 0.1, size: 30, gamma: 0.1 })(30))
