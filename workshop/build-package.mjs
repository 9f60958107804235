#!/usr/bin/env node
// Builds the package of the current folder: dist/*.js by tsup, dist/*.d.ts by tsc, an entry for every
// export that names a source. tsup's own declarations need a compiler API that TypeScript 7 lacks.
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'tsup'
import { namesIn } from '../packages/tools/create-trick/src/names.ts'

const { exports, publishConfig } = JSON.parse(readFileSync('package.json', 'utf8'))
const entry = Object.values(exports)
  .map((target) => target['@tricks/source'])
  .filter((source) => source?.endsWith('.ts'))
// Commands are only published: in the repository they run from source.
for (const target of Object.values(publishConfig.bin ?? {}))
  entry.push(target.replace('./dist/', 'src/').replace(/js$/, 'ts'))

await build({
  entry,
  format: ['esm'],
  target: 'es2023',
  platform: 'neutral',
  external: [/^node:/],
  skipNodeModulesBundle: true,
  // The published create-trick's knowledge of the repository.
  define: { TRICKS: JSON.stringify(namesIn(join(import.meta.dirname, '..')).tricks) },
  dts: false,
  clean: true,
  sourcemap: true,
  treeshake: true,
  removeNodeProtocol: false,
  silent: true,
})
const flags = ['--noEmit', 'false', '--emitDeclarationOnly', '--rewriteRelativeImportExtensions']
execFileSync('tsc', ['-p', '.', ...flags, '--rootDir', 'src', '--outDir', 'dist'], {
  stdio: 'inherit',
})
// The compiler leaves './time.ts' in declarations; what is published beside them is time.d.ts, for './time.js'.
for (const file of globSync('dist/**/*.d.ts'))
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace(
      /(\bfrom |\bimport\(|^import )'(\.[^']+)\.ts'/gm,
      "$1'$2.js'",
    ),
  )
