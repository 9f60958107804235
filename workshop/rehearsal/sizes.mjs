// Measures what each package adds to a page: its code minified and compressed, without peers and dependencies.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Limits in kB after gzip, as a page downloads the packages. For tricks the limit is 2; packages that need more are
 * listed here, with the reason. Packages for Node are not downloaded by a page: their limits only reveal growth.
 */
const budgets = {
  '@tricks/core': [5.1, 'all stages, combinators and their messages'],
  '@tricks/operations': [5, 'sixteen operations, and what their tricks share'],
  '@tricks/autoaugment': [2.5, 'with three policies'],
  '@tricks/models': [10, 'all families of networks, folding and export'],
  '@tricks/pretrained': [8, 'readers of three file formats, and names of layers'],
  '@tricks/optimizer': [3, "what all optimizers share, among it tfjs's own state"],
  '@tricks/train': [
    19,
    'the loop, checkpoints of any optimizer, moving statistics, several labels, and checks of data and models that name the remedy',
  ],
  '@tricks/fit': [3, 'checks what the trainer checks'],
  '@tricks/features': [3.7, 'with an optimizer of its own, L-BFGS'],
  '@tricks/wasm-training': [
    56,
    'the kernels and augmentations, as WebAssembly, with and without threads',
  ],
  '@tricks/webgpu': [9, 'the kernels, as shaders'],
  '@tricks/onnx': [6.5, 'operators, and the format'],
  '@tricks/report': [20, 'pages, charts and pictures'],
  '@tricks/cifar10': [4, 'without the images'],
  '@tricks/tune': [5, 'for Node: the estimator and the plan of trials'],
  '@tricks/native': [9, 'for Node, with its installer'],
  '@tricks/image-folder': [8.5, 'for Node: formats, layouts, decoding in workers'],
  '@tricks/wheels': [4, 'for Node: downloads, and their checks'],
  '@tricks/run': [18, 'for Node: record, checkpoints, progress, TensorBoard'],
  '@tricks/ablation': [5, 'for Node'],
  '@tricks/trials': [8, 'for Node: a folder, Redis or PostgreSQL'],
  '@tricks/policy-search': [5, 'for Node: three methods of search'],
  '@tricks/cli': [44, 'for Node: all commands'],
  '@tricks/conformance': [
    15,
    'the laws, and what tricks and optimizers are tested with; for tests',
  ],
  'create-trick': [4.5, 'for Node'],
}
const usual = 2

/** The part of core that a custom loop imports. */
const parts = [
  {
    what: 'of it `compose`, `oneHot`',
    package: '@tricks/core',
    import: '{ compose, oneHot }',
    budget: 3.8,
  },
]

/** @returns sizes in bytes of gzip, by size-limit */
export function measureSizes(root, packages, folder) {
  const entry = (each, more = {}) => ({
    name: each.name,
    path: join(each.folder, 'dist/index.js'),
    ignore: [
      ...Object.keys({ ...each.dependencies, ...each.peerDependencies }).flatMap((name) => [
        name,
        `${name}/*`,
      ]),
      'node:*',
    ],
    gzip: true,
    ...more,
  })
  const wanted = [
    ...packages.map((each) => {
      const [budget, why = ''] = budgets[each.name] ?? [usual]
      return {
        what: each.name,
        budget: budget * 1000,
        why,
        entry: entry(each),
        highlight: each.name === '@tricks/core',
      }
    }),
    ...parts.map((part) => ({
      what: part.what,
      of: part.package,
      budget: part.budget * 1000,
      why: '',
      entry: entry(
        packages.find(({ name }) => name === part.package),
        { name: part.what, import: part.import },
      ),
    })),
  ]
  // It takes its plugins from the folder that declares them.
  const cwd = join(root, 'workshop')
  const config = join(folder, 'size-limit.mjs')
  const entries = JSON.stringify(wanted.map(({ entry: each }) => each))
  // As a module: size-limit's default, a script, includes a substitute for `require` of nearly 200 bytes.
  writeFileSync(
    config,
    `const asModule = (options) => ({ ...options, format: 'esm' })
export default ${entries}.map((each) => ({ ...each, modifyEsbuildConfig: asModule }))
`,
  )
  const { stdout, stderr } = spawnSync(
    join(root, 'workshop/node_modules/.bin/size-limit'),
    ['--json', '--config', config],
    {
      cwd,
      encoding: 'utf8',
    },
  )
  let results
  try {
    results = JSON.parse(stdout)
  } catch {
    throw new Error(`size-limit: ${stdout}${stderr}`)
  }
  return wanted.map((each) => ({
    ...each,
    size: results.find(({ name }) => name === each.entry.name).size,
  }))
}

const kB = (bytes) => (bytes / 1000).toFixed(1)
const cell = ({ what }) => (what.startsWith('@') || what === 'create-trick' ? `\`${what}\`` : what)

/** Packages whose size differs from the table by more than 0.1 kB and 5 %. */
export function staleIn(table, sizes) {
  const written = new Map(
    table
      .split('\n')
      .map((line) => line.split('|').map((each) => each.trim()))
      .map(([, what, size]) => [what, Number(size)]),
  )
  return sizes
    .filter(
      (each) => !(Math.abs(each.size / 1000 - written.get(cell(each))) <= 0.1 + each.size / 20_000),
    )
    .map((each) => `${each.what}: ${kB(each.size)} kB, in the table ${written.get(cell(each))}`)
}

/** The sizes as a Markdown table. */
export function tableOf(sizes) {
  const rows = sizes
    .filter(({ of }) => of === undefined)
    .flatMap((each) => [each, ...sizes.filter(({ of }) => of === each.what)])
    .map((each) => [cell(each), kB(each.size), kB(each.budget), each.why])
  return `# Sizes

The size that each package adds to a page, minified and compressed with gzip, without its peers and dependencies. A
bundle that uses only one function of a package is smaller, as only the backends have side effects.
\`npm run rehearse -- --write\` measures the sizes; a release fails if a package exceeds its budget.

| package | kB | budget | |
| --- | ---: | ---: | --- |
${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}
`
}
