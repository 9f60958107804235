// One function of a trick's package: tests what a bundler includes.
import { stepSchedule } from '@tricks/step-decay'

console.log(stepSchedule({ rate: 0.1, size: 30, gamma: 0.1 })(30))
