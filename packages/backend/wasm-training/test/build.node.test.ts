import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { plain, relaxed } from '../src/engine/binaries.ts'
import { compile } from '../src/engine/build.ts'

/** The bytes depend on the compiler: the binaries are LLVM 19's. */
function compiler(): string | null {
  const candidates = [process.env['CLANG'], 'clang-19', 'clang'].filter(
    (name) => name !== undefined,
  )
  const fits = (name: string) => {
    try {
      return /version 19\./.test(
        execFileSync(name, ['--version'], { encoding: 'utf8', stdio: 'pipe' }),
      )
    } catch {
      return false
    }
  }
  return candidates.find(fits) ?? null
}

const clang = compiler()
if (!clang) console.warn('The rebuild of kernels.c is skipped: clang 19 was not found (set CLANG).')

test.skipIf(!clang)('the binaries equal the compiled kernels.c', () => {
  const built = compile(clang!)
  expect(built.relaxed.toString('base64')).toBe(relaxed)
  expect(built.plain.toString('base64')).toBe(plain)
})
