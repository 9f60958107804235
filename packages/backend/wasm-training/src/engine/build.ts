// Builds kernels.c, with relaxed SIMD and without, into binaries.ts: `node build.ts` with LLVM, under Node 24.
// Only needed after changes to the kernels; the binaries are in the repository.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The bytes of both binaries. */
export function compile(clang: string = process.env['CLANG'] ?? 'clang-19'): {
  relaxed: Buffer
  plain: Buffer
} {
  const folder = mkdtempSync(join(tmpdir(), 'wasm-training-'))
  const flags = [
    '--target=wasm32',
    '-O3',
    '-fno-vectorize',
    '-fno-slp-vectorize',
    '-fno-unroll-loops',
    '-ffp-contract=off',
    '-nostdlib',
    '-mbulk-memory',
    '-mnontrapping-fptoint',
    '-msimd128',
    '-Wall',
    '-Werror',
    '-Wl,--no-entry,--import-memory,--max-memory=4294967296,--strip-all',
  ]
  try {
    const source = fileURLToPath(new URL('kernels.c', import.meta.url))
    const build = (...extra: string[]) => {
      const file = join(folder, 'kernels.wasm')
      execFileSync(clang, [...flags, ...extra, source, '-o', file], { stdio: 'inherit' })
      return readFileSync(file)
    }
    return { relaxed: build('-mrelaxed-simd'), plain: build() }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const lines = Object.entries(compile()).map(
    ([name, bytes]) => `export const ${name}: string =\n  '${bytes.toString('base64')}'\n`,
  )
  writeFileSync(
    new URL('binaries.ts', import.meta.url),
    ['// kernels.c, built by build.ts with LLVM 19: base64.\n', ...lines].join(''),
  )
}
