import { searchFlags } from '../tune/flags.ts'

/** The flags of `tricks search`. */
export const policyFlags = [...searchFlags, 'method', 'members', 'reward', 'only'] as const
export type PolicyFlags = (typeof policyFlags)[number]
