#!/usr/bin/env node
// Mutation testing: changes the sources of packages one expression at a time, and lists the changes that the packages'
// own tests don't notice. Texts are skipped, as messages are not behaviour.
//
//   npm run mutate -- packages/augment/cutout packages/schedule/warmup
//   npm run mutate -- --report mutants.json packages/core
//   npm run mutate -- --skip-static packages/core     leaves out what runs when a module loads, such as constants: each of
//                                                     those mutants needs a new process and all tests
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { Stryker } from '@stryker-mutator/core'

const { values, positionals: packages } = parseArgs({
  allowPositionals: true,
  options: { report: { type: 'string' }, 'skip-static': { type: 'boolean' } },
})
// TensorFlow can be loaded only once per process, and Stryker runs the tests of many mutants in one.
process.env.TRICKS_NATIVE_CACHE = join(tmpdir(), 'no-native')

/** A test file that can't even be collected has noticed, too. */
const noticed = ['Killed', 'Timeout', 'RuntimeError']

const reports = []
for (const folder of packages) {
  const results = await new Stryker({
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    mutate: [`${folder}/src/**/*.ts`],
    mutator: { excludedMutations: ['StringLiteral'] },
    vitest: { configFile: 'workshop/vitest.mutate.ts', dir: folder, related: false },
    coverageAnalysis: 'perTest',
    ignoreStatic: values['skip-static'] ?? false,
    concurrency: 1,
    // Stryker rewrites it by a compiler API that TypeScript 7 lacks; nothing of it is used here.
    tsconfigFile: 'none',
    ignorePatterns: ['docs', 'bench', 'examples'],
    dryRunTimeoutMinutes: 30,
    timeoutFactor: 3,
    reporters: process.stdout.isTTY ? ['progress'] : [],
    allowEmpty: true,
  }).runMutationTest()
  const mutants = results.filter(({ status }) => status !== 'Ignored')
  const survived = mutants.filter(({ status }) => !noticed.includes(status))
  for (const { fileName, location, mutatorName, replacement } of survived)
    console.log(
      `${relative('.', fileName)}:${location.start.line}:${location.start.column} ${mutatorName}: ${replacement}`,
    )
  const score = ((1 - survived.length / mutants.length) * 100).toFixed(1)
  console.log(`${folder}: ${mutants.length} mutants, ${survived.length} survived, ${score} %`)
  reports.push({ folder, mutants: mutants.length, survived })
  if (values.report) writeFileSync(values.report, JSON.stringify(reports, null, 2))
}
