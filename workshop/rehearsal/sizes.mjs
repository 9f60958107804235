// Measures what each package adds to a page: its code minified and compressed, without peers and dependencies.
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Limits in kB of gzip. Tricks have 2; packages that need more are listed here, with the reason. */
const budgets = {
  // The limit was 4: the imports of a custom loop are below it, all names together are not.
  '@tricks/core': [5.4, 'all stages, combinators and their messages'],
  '@tricks/operations': [4, 'sixteen operations'],
  '@tricks/autoaugment': [2.5, 'with three policies'],
  '@tricks/models': [6, 'six families of networks'],
  '@tricks/train': [9, 'the trainer'],
  '@tricks/wasm-training': [45, 'the kernels, as WebAssembly'],
  '@tricks/webgpu': [9, 'the kernels, as shaders'],
  '@tricks/native': [9, 'for Node, with its installer'],
  '@tricks/report': [20, 'pages, charts and pictures'],
  '@tricks/run': [17, 'for Node: record, checkpoints, progress, TensorBoard'],
  '@tricks/conformance': [11, 'the laws, and what a trick is tested with; for tests'],
  'create-trick': [3, 'for Node'],
  '@tricks/cifar10': [4, 'without the images'],
}
const usual = 2

/** The part of core that a custom loop imports. */
const parts = [
  {
    what: 'of it `compose`, `oneHot`',
    package: '@tricks/core',
    import: '{ compose, oneHot }',
    budget: 3.9,
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

What each package adds to a page, minified and compressed by gzip, without its peers and dependencies. A bundle that
uses one function of a package takes less: nothing has side effects but the backends. \`npm run rehearse -- --write\` measures
them; a release in which one is over its budget does not go out.

| package | kB | budget | |
| --- | ---: | ---: | --- |
${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}
`
}
