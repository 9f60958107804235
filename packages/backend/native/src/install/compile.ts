// Compiles tfjs-node's addon from its unmodified sources against the libraries of the wheel.
import { execFile } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { opsFile, opsFor, parts } from '../installation.ts'
import type { Compiler } from './platform.ts'

const run = promisify(execFile)

/**
 * TensorFlow logs through Abseil, which reads no environment variable and starts logging while it is loaded. This
 * library is loaded before it with global symbols, and overrides Abseil's decision which messages to show: only errors,
 * unless TF_CPP_MIN_LOG_LEVEL is set.
 */
const quiet = `
#include <cstdlib>
#include <node_api.h>
#include "absl/base/log_severity.h"
#include "absl/log/globals.h"

namespace absl {
ABSL_NAMESPACE_BEGIN
LogSeverityAtLeast MinLogLevel() {
  static const char* level = std::getenv("TF_CPP_MIN_LOG_LEVEL");
  return static_cast<LogSeverityAtLeast>(level ? std::atoi(level) : 2);
}
ABSL_NAMESPACE_END
}

NAPI_MODULE_INIT() { return exports; }
`

/**
 * Compiles the addon of the installation in `folder`.
 *
 * @param headers the folder of TensorFlow's C headers
 * @throws Error with the compiler's output
 */
export async function compile(
  folder: string,
  headers: string,
  libraries: readonly string[],
  compiler: Compiler,
): Promise<void> {
  const binding = join(folder, parts.tfjsNode, 'binding')
  const includes = [join(folder, parts.tfjsNode), binding, headers]
  const addon = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(binding, file))
  const linked = libraries.map((file) => join(folder, parts.tensorflow, file))
  const path = process.platform === 'darwin' ? '@loader_path' : '$ORIGIN'
  const link = [...linked, `-Wl,-rpath,${path}/${parts.tensorflow}`]
  const ops = process.arch === 'x64' ? opsFor : []
  const opsSource = createRequire(import.meta.url).resolve('@tricks/native/ops.cc')
  const augmentFolder = dirname(createRequire(import.meta.url).resolve('@tricks/kernels/augment.c'))
  const source = join(folder, 'quiet.cc')
  await writeFile(source, quiet)
  await Promise.all([
    build(compiler, join(folder, parts.addon), includes, [...addon, ...link]),
    build(compiler, join(folder, parts.quiet), includes, [source]),
    ...ops.map(async ({ name, flags }) => {
      const processor = flags.map((flag) => `-m${optionOf(flag)}`)
      const wide = name === 'avx2' ? [] : ['-mprefer-vector-width=512']
      const options = ['-O3', '-fno-math-errno', ...processor, ...wide]
      if (!(await knows(compiler, options))) return
      const augment = join(folder, `augment.${name}.o`)
      // Both sides of a choice may be computed, as vectorizing needs: nothing here traps floating-point exceptions.
      const exactly = ['-ffp-contract=off', '-fno-trapping-math']
      const augmentSource = ['-c', join(dirname(opsSource), 'augment.cc')]
      const augmentOptions = [...options, ...exactly, ...augmentSource]
      await build(compiler, augment, [...includes, augmentFolder], augmentOptions)
      const inputs = [...options, opsSource, augment, ...link]
      await build(compiler, join(folder, opsFile(name)), includes, inputs)
      await rm(augment)
    }),
  ])
  await rm(source)
}

/** A compiler's name for a processor flag: amx-tile, but avx512bf16. */
const optionOf = (flag: string): string => flag.replace('_', flag.startsWith('amx') ? '-' : '')

/** Whether a compiler supports these options: an older one may not know those for newer processors. */
async function knows({ command }: Compiler, options: readonly string[]): Promise<boolean> {
  return run(command, [...options, '-E', '-x', 'c++', '/dev/null']).then(
    () => true,
    () => false,
  )
}

async function build(
  { command }: Compiler,
  output: string,
  includes: readonly string[],
  inputs: readonly string[],
): Promise<void> {
  const node = createRequire(import.meta.url).resolve('node-api-headers/include/node_api.h')
  const mac = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : []
  const flags = ['-std=c++17', '-O2', '-fPIC', '-w', '-shared', '-DNAPI_VERSION=8', ...mac]
  const headers = [dirname(node), ...includes].map((folder) => `-I${folder}`)
  const name = '-DNODE_GYP_MODULE_NAME=tfjs_binding'
  try {
    await run(command, [...flags, name, ...headers, ...inputs, '-o', output])
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    const message = (stderr || (error as Error).message).trim().split('\n').slice(0, 10).join('\n')
    throw new Error(
      `native: ${command} could not compile the addon
${message}`,
      { cause: error },
    )
  }
}
