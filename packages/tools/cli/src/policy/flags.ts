/** The flags of `tricks search`. */
export const policyFlags = [
  'method',
  'budget',
  'members',
  'recipe',
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
export type PolicyFlags = (typeof policyFlags)[number]
