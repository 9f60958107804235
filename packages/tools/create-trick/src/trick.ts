import { readFileSync } from 'node:fs'
import { bareName, camelOf, refusal } from './names.ts'
import { type Stage, stages } from './stages.ts'
import { cardOf, sourceOf, testOf } from './templates.ts'

export interface TrickPlan {
  /** In kebab case; a separate package may have a scope: `my-idea`, `@me/my-idea`. */
  readonly name: string
  readonly stage: Stage
  /** The paper's address. */
  readonly paper: string
}

/** The versions of a trick's dependencies. Vitest's is 4, as 5 can't report a failure on Node 20. */
function versions(): Record<string, string> {
  const file = new URL('../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { peerDependencies: Record<string, string> })
    .peerDependencies
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** The files shared by separate packages and those of the repository. */
function sources({ name, stage, paper }: TrickPlan, packageName: string): Record<string, string> {
  const bare = bareName(name)
  const files = {
    'README.md': cardOf(stage),
    'src/index.ts': sourceOf(stage),
    [`test/${bare}.test.ts`]: testOf(stage),
    [`test/fixtures/${bare}.json`]: '{ "reference": "PAPER", "cases": [] }\n',
  }
  const camel = camelOf(name)
  const fill = (text: string): string =>
    text
      .replaceAll('NewTrick', camel[0]!.toUpperCase() + camel.slice(1))
      .replaceAll('newTrick', camel)
      .replaceAll('new-trick', bare)
      .replaceAll('PACKAGE', packageName)
      .replaceAll('PAPER', paper)
  return Object.fromEntries(Object.entries(files).map(([path, text]) => [path, fill(text)]))
}

/**
 * The files of a separate package, by path.
 *
 * @throws Error for a name that is taken, invalid or reserved
 * @example
 * standalonePackage({ name: 'my-idea', stage: 'augment', paper: 'https://arxiv.org/abs/1708.04552' })
 */
export function standalonePackage(plan: TrickPlan): Record<string, string> {
  check(plan)
  const made = versions()
  const pick = (names: readonly string[]): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, made[name]!]))
  const peers = ['@tensorflow/tfjs-core', '@tricks/core']
  const tools = [
    '@tensorflow/tfjs-backend-cpu',
    ...peers,
    '@tensorflow/tfjs-layers',
    '@tricks/conformance',
    'typescript',
    'vitest',
  ]
  return {
    'package.json': json({
      name: plan.name,
      version: '0.1.0',
      description: 'What the trick does to training, in one line',
      keywords: ['tricks', plan.stage],
      tricks: { stage: plan.stage, paper: plan.paper },
      license: 'MIT',
      files: ['dist', 'src'],
      type: 'module',
      sideEffects: false,
      exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
      scripts: {
        test: 'tsc && vitest run',
        build: 'tsc -p tsconfig.build.json',
        prepack: 'npm run build',
      },
      peerDependencies: pick(peers),
      devDependencies: pick(tools),
    }),
    'tsconfig.json': json({
      compilerOptions: {
        target: 'ES2023',
        lib: ['ES2023', 'DOM'],
        module: 'ESNext',
        moduleResolution: 'Bundler',
        types: [],
        strict: true,
        noUncheckedIndexedAccess: true,
        verbatimModuleSyntax: true,
        erasableSyntaxOnly: true,
        rewriteRelativeImportExtensions: true,
        resolveJsonModule: true,
        declaration: true,
        skipLibCheck: true,
        noEmit: true,
      },
      include: ['src', 'test'],
    }),
    'tsconfig.build.json': json({
      extends: './tsconfig.json',
      compilerOptions: { noEmit: false, rootDir: 'src', outDir: 'dist' },
      include: ['src'],
    }),
    'vitest.config.ts':
      "import { defineConfig } from 'vitest/config'\n\n" +
      "export default defineConfig({ test: { include: ['test/**/*.test.ts'], testTimeout: 60_000 } })\n",
    '.gitignore': 'node_modules\ndist\n',
    ...sources(plan, plan.name),
  }
}

/**
 * The files of a package of the repository, by path from its root: with a changeset, and tests on the backends that the
 * repository registers.
 *
 * @param taken the names of the existing packages
 * @throws Error for a name that is taken, invalid or reserved
 * @example
 * const plan = { name: 'my-idea', stage: 'augment', paper: 'https://arxiv.org/abs/1708.04552' } as const
 * Object.keys(repositoryPackage(plan, []))
 */
export function repositoryPackage(
  plan: TrickPlan,
  taken: readonly string[],
): Record<string, string> {
  check(plan, taken)
  const { name, stage, paper } = plan
  if (name !== bareName(name))
    throw new Error(`create-trick: expected the name to be without a scope, got "${name}"`)
  const packageName = `@tricks/${name}`
  const target = { types: './dist/index.d.ts', default: './dist/index.js' }
  const peers = { '@tensorflow/tfjs-core': 'catalog:', '@tricks/core': 'workspace:^' }
  const folder = `packages/${stage}/${name}`
  const files: Record<string, string> = {
    'package.json': json({
      name: packageName,
      version: '0.0.0',
      description: 'What the trick does to training, in one line',
      tricks: { stage, paper },
      license: 'MIT',
      files: ['dist', 'src'],
      type: 'module',
      sideEffects: false,
      exports: { '.': { '@tricks/source': './src/index.ts', ...target } },
      publishConfig: { exports: { '.': target }, access: 'public', provenance: true },
      scripts: { build: 'build-package' },
      devDependencies: {
        '@tensorflow/tfjs-core': peers['@tensorflow/tfjs-core'],
        '@tricks/conformance': 'workspace:^',
        '@tricks/core': peers['@tricks/core'],
      },
      peerDependencies: peers,
    }),
    'tsconfig.json': '{ "extends": "../../../workshop/tsconfig.json" }\n',
    ...sources(plan, packageName),
  }
  const test = `test/${name}.test.ts`
  files[test] = files[test]!.replace("import '@tensorflow/tfjs-backend-cpu'\n", '')
  return {
    ...Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text])),
    [`.changeset/${name}.md`]: `---\n'${packageName}': minor\n---\n\nA new trick: ${name}.\n`,
  }
}

function check({ name, stage, paper }: TrickPlan, taken?: readonly string[]): void {
  const refused = refusal(name, taken)
  if (refused !== undefined) throw new Error(refused)
  if (!stages.includes(stage))
    throw new Error(
      `create-trick: expected the stage to be one of ${stages.join(', ')}, got ${JSON.stringify(stage)}`,
    )
  if (!/^https?:\/\/\S+$/.test(paper) || /['"`<>\\*]/.test(paper))
    throw new Error(
      `create-trick: expected the paper to be an address, https://…, got ${JSON.stringify(paper)}`,
    )
}
