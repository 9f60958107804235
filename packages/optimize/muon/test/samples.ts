// The optimizer for variables of rank 1, which is required.
import { adamw } from '@tricks/adamw'

export const samples = () => ({ muon: { inner: adamw() } })
