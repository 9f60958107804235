// What Vite adds to modules of the site; `env` is declared in workshop/assets.d.ts.
interface ImportMeta {
  /** A function per module that matches, which loads it. */
  glob<T>(pattern: string): Readonly<Record<string, () => Promise<T>>>
}

// Written by prepare.ts, so missing until the site is built.
declare module '*/generated/catalogue.json' {
  const entries: readonly import('./playground/catalogue.ts').Entry[]
  export default entries
}
declare module '*/generated/samples.json' {
  const samples: {
    readonly classes: readonly string[]
    readonly labels: readonly number[]
    readonly mean: readonly number[]
  }
  export default samples
}
