/** Vite's import of a file's address. */
declare module '*?url' {
  const url: string
  export default url
}

/** What Vitest gives to tests in a browser of its `env`. */
interface ImportMeta {
  readonly env: Readonly<Record<string, string>>
}
