// Sent with every page of the site.

/** With these a page may use threads. A static host needs them too: docs/public/_headers has them for several. */
export const headers = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}
