// Validates the files against Kubernetes' schemas, sbatch's options, and the program's own flags.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Deployment } from 'kubernetes-models/apps/v1'
import { Job } from 'kubernetes-models/batch/v1'
import { PersistentVolumeClaim, Secret } from 'kubernetes-models/v1'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'

const here = join(import.meta.dirname, '..')
const textOf = (name: string): string => readFileSync(join(here, name), 'utf8')

interface Validated {
  validate(): void
}
const kinds: Readonly<Record<string, new (data: never) => Validated>> = {
  Deployment,
  Job,
  PersistentVolumeClaim,
  Secret,
}
interface Document {
  readonly kind: string
  readonly spec?: { readonly template: Template }
}
interface Template {
  readonly spec: { readonly containers: readonly { readonly args: readonly string[] }[] }
}
const documentsOf = (name: string): Document[] =>
  parseAllDocuments(textOf(name)).map((each) => {
    if ('errors' in each) expect(each.errors).toEqual([])
    return (each as { toJS(): unknown }).toJS() as Document
  })

/** The flags of `tricks worker`. */
const help = execFileSync(
  process.execPath,
  [
    '--conditions=@tricks/source',
    '--no-warnings',
    join(here, '../../packages/tools/cli/src/cli.ts'),
    'worker',
    '--help',
  ],
  { encoding: 'utf8' },
)
const flagsIn = (words: readonly string[]): string[] =>
  words.filter((word) => word.startsWith('--'))

test.each(['deployment.yaml', 'job.yaml'])('%s is valid for Kubernetes', (name) => {
  const documents = documentsOf(name)
  expect(documents.length).toBeGreaterThan(0)
  for (const document of documents)
    expect(
      () => new kinds[document.kind]!(document as never).validate(),
      document.kind,
    ).not.toThrow()
  const [{ spec }] = documents as [Document]
  const [{ args }] = spec!.template.spec.containers as [{ readonly args: readonly string[] }]
  expect(args[0]).toBe('worker')
  for (const flag of flagsIn(args)) expect(help).toContain(flag)
})

test('the schemas detect a mistake', () => {
  const [deployment] = documentsOf('deployment.yaml') as [Document & { spec: object }]
  const wrong = { ...deployment, spec: { ...deployment.spec, replicas: 'many' } }
  expect(() => new Deployment(wrong as never).validate()).toThrow(/replicas/)
})

/** Options from sbatch's manual, with the form of their values. */
const options: Readonly<Record<string, RegExp>> = {
  'job-name': /^\S+$/,
  array: /^\d+(-\d+)?(,\d+(-\d+)?)*(%\d+)?$/,
  'cpus-per-task': /^\d+$/,
  mem: /^\d+[KMGT]?$/,
  time: /^(\d+-)?\d+(:\d\d){1,2}$/,
  requeue: /^$/,
  signal: /^([RB]{1,2}:)?[A-Z\d]+@\d+$/,
  'open-mode': /^(append|truncate)$/,
}

test('workers.sbatch is valid for Slurm', () => {
  const text = textOf('workers.sbatch')
  expect(() => execFileSync('bash', ['-n'], { input: text })).not.toThrow()
  const [shebang, ...lines] = text.split('\n')
  expect(shebang).toBe('#!/bin/bash')
  // Slurm reads options up to the first command.
  const directives = lines.filter((line) => line.startsWith('#SBATCH '))
  expect(lines.slice(0, directives.length)).toEqual(directives)
  for (const line of directives) {
    const [, name, value = ''] = /^#SBATCH --([a-z-]+)(?:=(\S+))?$/.exec(line)!
    expect(value, line).toMatch(options[name!]!)
  }
  const command = text.slice(text.indexOf('srun')).replaceAll('\\\n', ' ')
  for (const flag of flagsIn(command.trim().split(/\s+/))) expect(help).toContain(flag)
})
