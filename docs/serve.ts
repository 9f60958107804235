// Serves the built site, the last part of `npm run site`.
import { pathToFileURL } from 'node:url'
import { preview, type PreviewServer } from 'vite'
import { headers } from './headers.ts'

/** @param port 0 for a free one */
export const serveSite = (port: number): Promise<PreviewServer> =>
  preview({
    configFile: false,
    root: import.meta.dirname,
    // A page per file, without '.html' in addresses.
    appType: 'mpa',
    logLevel: 'error',
    build: { outDir: '.vitepress/dist' },
    preview: { port, headers },
  })

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  console.log(`Open ${(await serveSite(4173)).resolvedUrls!.local[0]}playground`)
