import { readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'

/** Where a trick acts, in the order of a step. */
export const stages = ['augment', 'mix', 'loss', 'schedule', 'optimize', 'model'] as const
export type Stage = (typeof stages)[number]

/** What each stage is, as asked for. */
export const meanings: Readonly<Record<Stage, string>> = {
  augment: 'changes images',
  mix: 'changes images and targets together',
  loss: 'changes the loss, or adds to it',
  schedule: 'sets the learning rate',
  optimize: 'changes the gradients',
  model: 'sets the weights at the start',
}

export interface TrickPlan {
  /** In kebab case; a package of its own may have a scope: `my-idea`, `@me/my-idea`. */
  readonly name: string
  readonly stage: Stage
  /** The paper's address. */
  readonly paper: string
}

/** The tricks that there are: two of one name would draw the same random numbers. */
export const existing: readonly string[] = [
  'adabound',
  'autoaugment',
  'batch-norm',
  'color-jitter',
  'cosine-decay',
  'cutout',
  'distillation',
  'dropout',
  'early-stopping',
  'gradient-accumulation',
  'label-smoothing',
  'linear-scaling',
  'mixup',
  'pca-lighting',
  'random-crop',
  'random-erasing',
  'random-flip',
  'random-resized-crop',
  'random-rotation',
  'reduce-on-plateau',
  'ricap',
  'step-decay',
  'warmup',
  'weight-penalty',
  'initializers',
]

// Words of JavaScript, and what the files of a new trick call something else.
const reserved = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval export ' +
    'extends false finally for function if implements import in interface let new null package private ' +
    'protected public return static super switch this throw true try typeof undefined var void while with ' +
    'yield infinity nan batch cases compose conformance fixture gradients images inputs key logits loss ' +
    'options params paper permutation random rate strength strengths targets test tf time trick tricks ' +
    'variable variables weights node-modules new-trick core example'
  ).split(' '),
)
const kebab = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
const scoped = /^(?:(@[a-z0-9][a-z0-9-]*)\/)?(.*)$/

/**
 * Why a name can't be taken, undefined where it can.
 *
 * @param taken names beside those of the tricks that there are
 * @example
 * refusal('cutout') // 'create-trick: expected the name to be a new one, got "cutout", which is taken'
 */
export function refusal(name: string, taken: readonly string[] = []): string | undefined {
  const bare = bareName(name)
  const expected = (what: string, why = ''): string =>
    `create-trick: expected the name to be ${what}, got ${JSON.stringify(name)}${why}`
  if (!kebab.test(bare))
    return expected('words of a-z and 0-9 with - between, a letter first, as in my-idea')
  if (name.length > 100) return expected('at most 100 characters')
  if (reserved.has(bare) || builtinModules.includes(bare))
    return expected('free to use', ', which is reserved')
  if ([...existing, ...taken].includes(bare)) return expected('a new one', ', which is taken')
  return undefined
}

/** The name without its scope: the trick's, and the folder's. */
export const bareName = (name: string): string => scoped.exec(name)![2]!

const template = (path: string): string =>
  readFileSync(new URL(`../src/templates/${path}`, import.meta.url), 'utf8')

/** The versions of what a trick is made with. Vitest's is 4, as 5 can't report a failure on Node 20. */
function versions(): Record<string, string> {
  const file = new URL('../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { peerDependencies: Record<string, string> })
    .peerDependencies
}

/** Text of a template, in the words of the plan. */
function fill(text: string, { name, paper }: TrickPlan, packageName: string): string {
  const bare = bareName(name)
  const camel = bare.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
  return text
    .replaceAll('NewTrick', camel[0]!.toUpperCase() + camel.slice(1))
    .replaceAll('newTrick', camel)
    .replaceAll('new-trick', bare)
    .replaceAll('PACKAGE', packageName)
    .replaceAll('PAPER', paper)
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** What is the same for a package of its own and for one of the repository. */
function sources(plan: TrickPlan, packageName: string): Record<string, string> {
  const bare = bareName(plan.name)
  const test = template(`${plan.stage}/test.ts`)
    .replace("'./index.ts'", "'../src/index.ts'")
    .replace("'../fixture.json'", "'./fixtures/new-trick.json'")
  const files = {
    'README.md': template('README.md'),
    'src/index.ts': template(`${plan.stage}/index.ts`),
    [`test/${bare}.test.ts`]: test,
    [`test/fixtures/${bare}.json`]: template('fixture.json'),
  }
  return Object.fromEntries(
    Object.entries(files).map(([path, text]) => [path, fill(text, plan, packageName)]),
  )
}

/**
 * The files of a package of its own, by path.
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
        isolatedDeclarations: true,
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
 * The files of a package of the repository, by path from its root: with a changeset, and tested on the
 * backends that the repository registers.
 *
 * @param taken the names of the packages that there are
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
  const { name, stage } = plan
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
    'tsconfig.json': '{ "extends": "../../../internal/tsconfig.json" }\n',
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
