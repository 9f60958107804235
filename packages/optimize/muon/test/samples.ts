// The required optimizer for variables of rank 1.
import { adamw } from '@tricks/adamw'

export const samples = () => ({ muon: { inner: adamw() } })
