/** The flags of `tricks tune`. */
export const tuneFlags = [
  'recipe',
  'budget',
  'space',
  'dry',
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
export type TuneFlags = (typeof tuneFlags)[number]
