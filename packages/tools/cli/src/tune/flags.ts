/** The flags that all searches share. */
export const searchFlags = [
  'recipe',
  'budget',
  'epochs',
  'images',
  'measured',
  'seed',
  'size',
  'skipBroken',
  'processes',
  'out',
  'backend',
  'precision',
  'queue',
  'storage',
] as const
export type SearchFlags = (typeof searchFlags)[number]

/** The flags of `tricks tune`. */
export const tuneFlags = [...searchFlags, 'space', 'dry'] as const
export type TuneFlags = (typeof tuneFlags)[number]
