// A worker's child process: the programs that train the trials of all commands.
import { armProgram } from '@tricks/ablation'
import { serveTrials } from '@tricks/trials'
import { trainArm } from '../ablation/arm.ts'
import { densityProgram } from '../policy/density-trial.ts'
import { tuneProgram } from '../tune/trial.ts'

serveTrials({ arm: armProgram(trainArm), tune: tuneProgram, density: densityProgram })
