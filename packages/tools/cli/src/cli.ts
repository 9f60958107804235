#!/usr/bin/env node
import { main } from './main.ts'
import { programName } from './usage.ts'

process.exitCode = await main(process.argv.slice(2), programName())
