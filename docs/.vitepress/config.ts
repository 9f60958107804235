import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { defineConfig } from 'vitepress'
import { headers } from '../headers.ts'
import { cardAt, cards, groups, root } from './cards.ts'

const reference = join(import.meta.dirname, '../reference/sidebar.json')

/** Silences warnings about imports of Node's modules: pages never reach that code. */
const onwarn = (
  warning: { readonly message: string },
  warn: (warning: { readonly message: string }) => void,
): void => {
  if (!warning.message.includes('externalized for browser compatibility')) warn(warning)
}

export default defineConfig({
  title: 'tricks',
  description: 'Training tricks for image classifiers, each a small package on TensorFlow.js',
  cleanUrls: true,
  lastUpdated: false,
  srcExclude: ['README.md', 'packages.md', 'images/**', 'generated/**'],
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: '/mark.svg' }]],
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-dimmed' },
    // Guides link to files of the repository, so that they can be read there; on the site these are the cards' pages.
    config(md) {
      md.core.ruler.push('links-to-cards', ({ tokens, env }) => {
        for (const token of tokens.flatMap(({ children }) => children ?? [])) {
          const [path, hash] = token.attrGet('href')?.split('#') ?? []
          if (token.type !== 'link_open' || !path?.startsWith('../')) continue
          const card = cardAt(relative(root, join(dirname(env.path), path)))
          if (card) token.attrSet('href', `/cards/${card.name}${hash ? `#${hash}` : ''}`)
        }
      })
    },
  },
  // A dead link fails the build.
  ignoreDeadLinks: false,
  vite: {
    server: { fs: { allow: ['..'] }, headers },
    // The packages' sources, so that the site shows what is in the repository.
    resolve: { conditions: ['@tricks/source'] },
    worker: { format: 'es' },
    build: { chunkSizeWarningLimit: 2000, target: 'es2023', rollupOptions: { onwarn } },
  },
  themeConfig: {
    logo: '/mark.svg',
    search: { provider: 'local' },
    outline: { level: [2, 3] },
    nav: [
      { text: 'Guide', link: '/guide/start', activeMatch: '^/guide/' },
      { text: 'Playground', link: '/playground' },
      { text: 'Train', link: '/train' },
      { text: 'Race', link: '/race' },
      { text: 'Tricks', link: '/cards/', activeMatch: '^/cards/' },
      { text: 'Reference', link: '/reference/', activeMatch: '^/reference/' },
    ],
    sidebar: {
      '/guide/': [
        {
          text: 'Get started',
          items: [
            { text: 'Start in five minutes', link: '/guide/start' },
            { text: 'One trick in your own loop', link: '/guide/one-trick' },
            { text: 'Compose a pipeline', link: '/guide/compose' },
            { text: 'Contribute a trick', link: '/guide/contribute' },
          ],
        },
        {
          text: 'Guides',
          items: [
            { text: 'Your own pictures', link: '/guide/pictures' },
            { text: 'Choosing tricks', link: '/guide/choosing' },
            { text: 'Recipes', link: '/guide/recipes' },
            { text: 'How the core works', link: '/guide/core' },
            { text: 'Moving from PyTorch', link: '/guide/pytorch' },
            { text: 'Train on a GPU', link: '/guide/gpu' },
            { text: 'Installation questions', link: '/guide/questions' },
            { text: 'Sizes', link: '/sizes' },
          ],
        },
      ],
      '/sizes': [{ text: 'Back to the guide', link: '/guide/start' }],
      '/cards/': groups.map(({ title, stages }) => ({
        text: title,
        items: cards
          .filter(({ stage }) => (stages as readonly string[]).includes(stage))
          .map(({ name }) => ({ text: name, link: `/cards/${name}` })),
      })),
      '/reference/': existsSync(reference)
        ? [{ text: 'Packages', items: JSON.parse(readFileSync(reference, 'utf8')) }]
        : [],
    },
    docFooter: { prev: 'Previous', next: 'Next' },
    footer: { message: 'MIT. Each card names its paper and the reference implementation.' },
  },
})
